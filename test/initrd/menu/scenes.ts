/** Every screen of the menu, each in one state that fills it. */
import type { LinkWord } from "../../../core/agent/link.ts";
import { home, type Page } from "../../../initrd/menu/pages.ts";
import type { MenuView, TaskView } from "../../../initrd/menu/view.ts";
import { disk, image, otherDisk, receiving, view } from "./views.ts";

export interface Scene {
  readonly name: string;
  readonly view: MenuView;
  readonly page: Page;
}

const scene = (name: string, changes: Partial<MenuView> = {}, page: Page = home()): Scene => ({
  name,
  view: { ...view, ...changes },
  page,
});

const typing = { value: "", refused: true };
const restore = { kind: "restore", reference: "win11-lab@4", image } as const;
const down: readonly [LinkWord, string | null][] = [
  ["searching", null],
  ["proving", null],
  [
    "lost",
    "the server has fallen silent; check the cable and the switch, and that the server runs",
  ],
  [
    "other-version",
    "the server (0.3.0) speaks protocol 9, this agent 8; restart this PC to get the server's agent",
  ],
  ["refused", "nobody has placed this PC yet"],
  ["other-key", "https://10.0.0.1:8443 has another key than this PC was started with"],
];

const task = (changes: Partial<TaskView>): Partial<MenuView> => ({
  task: { ...receiving, ...changes },
});
const phases: readonly TaskView["phase"][] = [
  ...(["preparing", "scanning", "receiving", "verifying", "growing"] as const),
  ...(["personalising", "capturing", "sending", "wiping"] as const),
];
const kinds: readonly TaskView["kind"][] = ["restore", "capture", "cast", "wipe"];
const results = ["verified", "done", "failed", "refused", "stopped"] as const;

const findings = [
  {
    title: "Link",
    good: false,
    text: "enp3s0 has no link: check the cable, and the light at its socket.",
  },
  { title: "Address", good: true, text: "10.0.0.23" },
  { title: "Server", good: true, text: "answers in 1.2 ms" },
  {
    title: "Throughput",
    good: false,
    text: "94.1 Mbit/s, of a link of 1000 Mbit/s: others use the wire now, or a cable is bad",
  },
  { title: "Multicast", good: null, text: "being looked at" },
];

const placed = { seat: null, shell: true, walk: { room: "lab-2", next: "a7" } };

export const scenes: readonly Scene[] = [
  scene("home"),
  scene("home, locked", { isLocked: true, unlocks: "menu" }),
  scene("home, instructor", {
    unlocks: "instructor",
    notice: "That was not the room's PIN. 3 more tries.",
  }),
  scene("home, no disk", {
    disks: [],
    troubles: [
      "This PC's clock was 26 min slow; it was set by the server's. Check the battery on its mainboard.",
    ],
  }),
  scene("home, half written", {
    isHalfWritten: true,
    troubles: [
      "/dev/sda DOES NOT START: its start is empty, and there are data behind it. A restore or a wipe that did not finish leaves a disk like that. Restore it, or wipe it again, before this PC is used.",
    ],
  }),
  scene("home, waiting to be placed", { level: "waiting", code: "123456" }),
  scene("home, seat walk", { place: placed }),
  scene("home, no seat left", { place: { ...placed, walk: { room: "lab-2", next: null } } }),
  ...down.map(([state, detail]) =>
    scene(`home, ${state}`, {
      server: { ...view.server, state, detail },
      pc: { ...view.pc, ip: state === "searching" ? null : view.pc.ip },
    }),
  ),
  scene("wait", {}, { name: "wait" }),
  scene("pin", { isLocked: true, unlocks: "menu" }, { name: "pin", value: "12", beyond: "r" }),
  scene("instructor's pin", { unlocks: "instructor" }, { name: "pin", value: "", beyond: null }),
  scene("images", {}, { name: "images", chosen: 0 }),
  scene("no images", { images: [] }, { name: "images", chosen: 0 }),
  scene("images, asking", { images: null }, { name: "images", chosen: 0 }),
  scene("image's name", { isLocked: true, unlocks: "menu" }, { name: "imageName", value: "win11" }),
  scene(
    "disks to restore",
    { disks: [disk, otherDisk] },
    { name: "disks", chosen: 0, purpose: restore },
  ),
  scene(
    "disks to capture",
    { disks: [disk, otherDisk] },
    { name: "disks", chosen: 0, purpose: { kind: "capture" } },
  ),
  scene(
    "disks to cast",
    { disks: [disk, { ...otherDisk, model: null, serial: null, health: "failed" }] },
    { name: "disks", chosen: 1, purpose: { kind: "cast" } },
  ),
  scene(
    "disks to wipe",
    { disks: [disk, otherDisk] },
    { name: "disks", chosen: 0, purpose: { kind: "wipe", method: "zero" } },
  ),
  scene("methods", { disks: [{ ...disk, secureErase: true }] }, { name: "methods", chosen: 0 }),
  scene("exits", {}, { name: "exits", chosen: 0 }),
  scene("hardware", {}, { name: "hardware" }),
  scene("check", { check: findings }, { name: "check" }),
  scene(
    "erase to restore",
    {},
    {
      ...{ name: "erase", disk, ...typing },
      work: { ...restore, image: { ...image, diskBytes: 2e12 } },
    },
  ),
  scene(
    "erase",
    {},
    { name: "erase", work: { kind: "wipe", method: "secure-erase" }, disk, ...typing },
  ),
  scene("capture", {}, { name: "capture", disk, value: "win11-lab", refused: false }),
  scene("cast's name", {}, { name: "castName", disk, value: "", refused: false }),
  scene("cast", {}, { name: "cast", disk, saveAs: "win11-lab", ...typing }),
  scene(
    "cast, locked",
    { isLocked: true, unlocks: "menu" },
    { name: "cast", disk, saveAs: null, ...typing },
  ),
  scene("cast, asking", { targets: null }, { name: "cast", disk, saveAs: null, ...typing }),
  scene("cast, alone", { targets: [] }, { name: "cast", disk, saveAs: null, ...typing }),
  ...(["reboot", "poweroff", "boot-disk"] as const).map((action) =>
    scene(`power, ${action}`, {}, { name: "power", action }),
  ),
  scene("asked", {
    waiting: "restore win11-lab@4 to its disk sda (Samsung SSD 860 EVO, S3Z9NB0K123456X)",
  }),
  ...phases.map((phase) => scene(`task, ${phase}`, task({ phase }))),
  scene(
    "task, cut off",
    {
      server: { ...view.server, state: "lost", detail: down[2]?.[1] ?? null },
      ...task({
        isCutOff: true,
        trouble:
          "waits for its disk, which does 120 KB/s: it is given up in 9 min unless the disk does more than 1 MB/s",
      }),
    },
    { name: "home", chosen: 0, said: null },
  ),
  ...kinds.map((kind) => scene(`task, stop ${kind}?`, task({ kind }), { name: "stop" })),
  scene(
    "task, pin",
    { isLocked: true, unlocks: "menu", ...task({}) },
    { name: "pin", value: "1", beyond: null },
  ),
  ...kinds.flatMap((kind) =>
    results.map((result) =>
      scene(
        `${kind}, ${result}`,
        task({ kind, phase: "ended", outcome: { result, reason: null, next: null } }),
      ),
    ),
  ),
];
