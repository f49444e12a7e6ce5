/** A lab in which something of everything happens, and every page of the console on it. */

import { press } from "../../../client/console/keys.ts";
import { emptyModel, type Model, take } from "../../../client/console/model.ts";
import { firstUi, type Page, type Ui, usualOptions } from "../../../client/console/state.ts";
import type { Language } from "../../../core/wire/language.ts";
import { type RoomView, roomDefaults } from "../../../core/wire/rooms.ts";
import type { PcView } from "../../../core/wire/views.ts";
import { diskOf, imageOf, memberOf, pcOf, sessionOf, unlocked } from "./fake-lab.ts";

const boot = { state: "missing", seconds: 300, name: null, system: null } as const;
const gone = "the PC was not on, or did not reach the server";

const notes = "2024\n\n1\n2\n3\n4";

const members = [
  memberOf(1),
  memberOf(2, { state: "verifying", lane: "http", writeBps: 12_000_000 }),
  memberOf(3, {
    ...{ result: "failed", state: "failed", reason: gone },
    endedAt: "2026-11-22T09:12:00Z",
  }),
  memberOf(4, { result: "stopped", state: "idle", reason: "taken out by an operator" }),
  memberOf(5, {
    ...{ lane: "catch-up", laneReason: "disk writes 18.2 MB/s" },
    reason: "disk writes 18.2 MB/s",
  }),
];

const pcs: readonly PcView[] = [
  pcOf(1, { state: "receiving", seat: "a1" }),
  pcOf(2, { state: "verifying", seat: "a2" }),
  pcOf(3, { state: "offline", seat: "a3", lastSeen: null }),
  pcOf(4),
  pcOf(5, { state: "receiving" }),
  pcOf(6, {
    doubt: [
      { id: "id7", name: "pc07" },
      { id: "id8", name: "pc08" },
    ] as never,
  }),
  pcOf(7, {
    identity: { kind: "memory", state: "waiting", code: "123456", level: "waiting" },
  }),
  pcOf(8, { bootTrouble: "is offered nothing", state: "offline" }),
  pcOf(9, { identity: { kind: "file", state: "revoked", code: null, level: null } }),
];

const roomOf = (name: string): RoomView => ({
  ...{ name, pcs: 9, online: 7, session: null, settings: roomDefaults, ...unlocked },
  walk: { next: "a4" },
  seats: ["a1", "a2", "a3", "a4"].map((seat, column) => ({
    ...{ name: seat, column, row: 0 },
    pc: column < 3 ? `id${column + 1}` : null,
  })),
});

export function fullLab(language: Language): Model {
  const model = emptyModel(language);
  const running = sessionOf(members, {
    notices: ["the canary pc01 was not verified: stopped by an operator"],
  });
  const ended = sessionOf(
    [
      memberOf(1, {
        result: "verified",
        boot: { ...boot, evidence: "nothing was seen of its own system" },
      }),
      memberOf(3, { result: "failed", reason: gone }),
    ],
    { id: "s2c3d", room: "lab-2", state: "failed", endedAt: "2026-11-22T09:20:00Z" },
  );
  const room = roomOf("lab-1");
  for (const event of [
    { type: "connection", state: "up", detail: "" },
    ...[room, { ...roomOf("lab-2"), shutUntil: "2026-11-22T10:00:00Z" }].map(
      (each) => ({ type: "room", room: each }) as const,
    ),
    ...pcs.map((pc) => ({ type: "pc", pc }) as const),
    ...[running, ended].map((session) => ({ type: "session", session }) as const),
    ...[3, 4].map((version) => ({ type: "image", image: imageOf(version, { notes }) }) as const),
    { type: "ready" },
  ] as const)
    take(model, event as never);
  const since = "2026-11-22T08:00:00Z";
  const there = { ...room, ...{ name: "hall", server: "beta", owner: "gamma", since } };
  model.campus = { rooms: [{ ...there, running: "2 of 3 verified so far." }], trouble: gone };
  return model;
}

const at = (page: Page, changes: Partial<Ui> = {}): Ui => ({
  ...firstUi,
  ...{ room: "lab-1", chosen: "id1", base: "list", page },
  ...changes,
});

const targets = { room: "lab-1", pcs: ["id1", "id2", "id3"] };
const image = imageOf(4, { notes });
const top = { id: null, at: 0 };
const typing = { value: "", refused: true };

/** By name. */
export const pages: Readonly<Record<string, Ui>> = {
  list: at({ name: "list" }),
  "list, marked": at({ name: "list" }, { marked: new Set(["id1"]), filter: "pc" }),
  "list of all": at({ name: "list" }, { room: null }),
  "list, ended": at({ name: "list" }, { room: "lab-2" }),
  "list, no match": at({ name: "filter" }, { filter: "x9" }),
  map: at({ name: "list" }, { view: "map" }),
  pc: at({ name: "pc" }, { base: "pc" }),
  "pc, off": at({ name: "pc" }, { base: "pc", chosen: "id3" }),
  "pc, new": at({ name: "pc" }, { base: "pc", chosen: "id7" }),
  session: at({ name: "session", id: "s1a2b", from: 0 }),
  "session, ended": at({ name: "session", id: "s2c3d", from: 0 }),
  help: at({ name: "help", from: 0 }),
  command: at({ name: "command", value: "" }),
  images: at({ name: "images", targets, options: usualOptions, chosen: top }),
  "images, other options": at({
    ...{ name: "images", targets, chosen: top },
    options: {
      ...{ delta: true, verify: "written", afterwards: "boot-disk", start: "all" },
      ...{ personalise: "none", fit: "never" },
    },
  }),
  overwrite: at({ name: "overwrite", targets, options: usualOptions, image, ...typing, from: 0 }),
  disks: at({ name: "disks", pc: "id1", chosen: top }),
  capture: at({
    ...{ name: "prompt", for: "capture", pcs: ["id1"], disk: diskOf(1), value: "win11-lab" },
  }),
  rename: at({ name: "prompt", for: "rename", pcs: ["id1"], disk: null, value: "" }),
  move: at({ name: "prompt", for: "move", pcs: ["id1"], disk: null, value: "new" }),
  create: at({ name: "prompt", for: "create", pcs: [], disk: null, value: "" }),
  store: at({ name: "store", chosen: top }),
  notes: at({ name: "notes", image: "image4", value: "2024" }),
  "notes, gone": at({ name: "notes", image: "image9", value: "" }),
  campus: at({ name: "campus", chosen: top }),
  elsewhere: at({ name: "elsewhere", room: "hall", server: "beta", chosen: top }),
  room: at({ name: "room", chosen: 0 }),
  setting: at({ name: "setting", key: "domain", value: "none" }),
  identity: at({ name: "identity", pc: "id6", chosen: 0 }),
  cast: at({ name: "cast", sender: "id1", targets, value: "" }),
  methods: at({ name: "methods", pcs: ["id1"], chosen: 0 }),
};

/** What each of these keys leads to on the list, where it says or asks something. */
const keys = ["r", "c", "n", "m", "k", "u", "A", "K", "f", "b", "p", "l", "s", "g", "x", "a", "z"];

/** The pages and the sayings that keys lead to. */
export const asked = (model: Model): Readonly<Record<string, Ui>> =>
  Object.fromEntries(
    ["id1", "id3", "id6", "id7"].flatMap((chosen) =>
      keys.map((name) => {
        const ui = at({ name: "list" }, { chosen });
        return [`${name} at ${chosen}`, press(model, ui, { name, text: name }, 10).ui] as const;
      }),
    ),
  );
