import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { runConsole } from "../../../client/console/main.ts";
import { RoomcastError } from "../../../core/errors.ts";
import { seatGrid } from "../../../core/session/seats.ts";
import { roomDefaults } from "../../../core/wire/rooms.ts";
import type { RequestView } from "../../../core/wire/trust.ts";
import type { ImageView, PcView } from "../../../core/wire/views.ts";
import { arrow, FakeTerminal } from "../../core/node/fake-terminal.ts";
import { diskOf, FakeLab, imageOf, memberOf, pcOf, sessionOf, unlocked } from "./fake-lab.ts";

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

function open(columns = 80, lines = 24, shell?: (pc: string) => Promise<string | null>) {
  const terminal = new FakeTerminal(columns, lines);
  const lab = new FakeLab();
  const { input, output } = terminal;
  const given = shell === undefined ? {} : { shell };
  const ended = runConsole(lab, { input, output, term: "xterm-256color", ...given });
  return {
    terminal,
    lab,
    ended,
    async [Symbol.asyncDispose]() {
      terminal.press("\u0003");
      await ended;
    },
  };
}

test("a room is restored after each PC's disk was shown and the room's name was typed", async () => {
  await using at = open();
  at.lab.connect({
    pcs: [...numbers(4).map((number) => pcOf(number)), pcOf(9, { room: "lab-2" })],
    images: [imageOf(3), imageOf(4)],
  });
  await at.terminal.until("pc04");
  at.terminal.press(arrow.right.repeat(2));
  await at.terminal.until(/pc04(?!.*pc09)/s);
  at.terminal.press("r");
  await at.terminal.until("Restore to all of lab-1: which image?");
  at.terminal.press("\r");
  const picture = await at.terminal.until("EVERYTHING ON THESE 4 DISKS WILL BE LOST");
  for (const number of numbers(4)) assert.ok(picture.includes(String(diskOf(number).serial)));
  assert.ok(!picture.includes("pc09"));
  at.terminal.press("lab-2\r");
  await at.terminal.until("That was not lab-1. Nothing was changed.");
  assert.deepEqual(at.lab.calls, []);
  at.terminal.press("lab-1\r");
  await at.terminal.until("restoring win11-lab@4 to lab-1");
  assert.deepEqual(at.lab.calls, [
    {
      method: "POST",
      path: "/sessions",
      body: {
        kind: "restore",
        image: "win11-lab@4",
        room: "lab-1",
        disk: null,
        start: "now",
        startTimeout: null,
        delta: false,
        verify: "read-back",
        afterwards: "stay",
        personalise: "auto",
        fit: "auto",
        overwrite: "lab-1",
        shown: [],
      },
    },
  ]);
});

const windows = {
  ...{
    index: 3,
    type: "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7",
    fs: "ntfs",
    label: null,
    uuid: null,
  },
  ...{ start: 1 << 20, size: 1 << 30, usedBytes: 1 << 20, mode: "used" as const },
};
const join = { name: "10-join.sh", bytes: 300, by: "root", addedAt: "2026-11-28T07:00:00Z" };

test("before the word is typed, what each PC gets as its own and the image's own steps are shown", async () => {
  await using at = open();
  const steps = Array.from({ length: 9 }, (_, index) => ({ ...join, name: `${index}-step.sh` }));
  at.lab.connect({
    pcs: [pcOf(1)],
    images: [imageOf(4, { steps: [join] }), imageOf(3, { steps })],
  });
  await at.terminal.until("pc01");
  at.terminal.press("r");
  await at.terminal.until("own     names, addresses and keys");
  at.terminal.press("\r");
  const shown = await at.terminal.until("Type pc01 and press Enter");
  assert.match(shown, /Verified PCs are given their own names, addresses and keys/);
  assert.match(shown, /10-join\.sh, 300 B, added by root/);
  at.terminal.press("\u001b");
  await at.terminal.until("> pc01");
  at.terminal.press(`r${arrow.down}\r`);
  const many = await at.terminal.until("8-step.sh");
  assert.match(many, /EVERYTHING ON THIS DISK WILL BE LOST/);
  assert.match(many, /Type pc01 and press Enter/);
  at.terminal.press("\u001b");
  await at.terminal.until("> pc01");
  at.terminal.press("ro\r");
  const none = await at.terminal.until(/Written: win11-lab@4(?!.*own names)/s);
  assert.ok(!none.includes("10-join.sh"));
  at.terminal.press("pc01\r");
  await at.terminal.until("restoring win11-lab@4 to 1 PC");
  const { personalise } = (at.lab.calls[0]?.body ?? {}) as { personalise?: string };
  assert.equal(personalise, "none");
});

test("names that cannot be taken are shown and refused, for a cast too; as cast, they do no harm", async () => {
  await using at = open();
  const name = "much-too-long-for-windows";
  at.lab.connect({
    pcs: [
      ...[pcOf(1), pcOf(2, { name })],
      ...[pcOf(3, { room: "lab-2" }), pcOf(4, { name: "pc_4", room: "lab-2" })],
    ],
    images: [imageOf(4, { partitions: [windows] })],
  });
  await at.terminal.until("much-too");
  at.terminal.press(arrow.right.repeat(2));
  await at.terminal.until(/pc01(?!.*pc_4)/s);
  at.terminal.press("r\r");
  await at.terminal.until(`REFUSED: ${name} cannot be a host name of Windows`);
  at.terminal.press("lab-1\r");
  await at.terminal.until(/Nothing was changed\. Rename with n .*o beside the\s+image/s);
  assert.deepEqual(at.lab.calls, []);
  at.terminal.press("\u001b");
  await at.terminal.until("> much-too");
  at.terminal.press("ro\rlab-1\r");
  await at.terminal.until("restoring win11-lab@4 to lab-1");
  assert.equal(at.lab.calls.length, 1);
  at.terminal.press(arrow.right);
  await at.terminal.until(/pc_4(?!.*pc01)/s);
  at.terminal.press(`${arrow.down}k`);
  await at.terminal.until("Name of the image");
  at.terminal.press("\r");
  await at.terminal.until('pc_4 cannot be a host name of any system: it has "_"');
});

test("marked PCs are restored by their names", async () => {
  await using at = open();
  at.lab.connect({ pcs: numbers(4).map((number) => pcOf(number)), images: [imageOf(4)] });
  await at.terminal.until("pc04");
  at.terminal.press(` ${arrow.down} r`);
  await at.terminal.until("Restore to pc01, pc03: which image?");
  at.terminal.press("\rpc01,pc03\r");
  await at.terminal.until("restoring win11-lab@4 to 2 PCs");
  const body = at.lab.calls[0]?.body as { pcs: string[]; overwrite: string };
  assert.deepEqual(body.pcs, ["id1", "id3"]);
  assert.equal(body.overwrite, "pc01,pc03");
});

test("capture, rename, move, wake, reboot and stop ask the server for just that", async () => {
  await using at = open();
  const members = [memberOf(1), memberOf(2)];
  at.lab.connect({ pcs: [pcOf(1), pcOf(2)], images: [imageOf(4)], sessions: [sessionOf(members)] });
  await at.terminal.until("casting win11-lab@4");
  const steps: [string, string, { method: string; path: string; body: unknown }][] = [
    [
      "cwin12\r",
      "capturing pc01 as win12",
      {
        method: "POST",
        path: "/captures",
        body: { pc: "id1", name: "win12", disk: "/dev/sda", raw: false },
      },
    ],
    ["n\u0015desk1\r", "now desk1", { method: "PATCH", path: "/pcs/id1", body: { name: "desk1" } }],
    [
      `m${arrow.up}\r`,
      "moved pc01 to room default",
      { method: "PATCH", path: "/pcs/id1", body: { room: "default" } },
    ],
    [
      "w",
      "sent wake-on-LAN packets to pc01",
      { method: "POST", path: "/pcs/id1/power", body: { action: "wake" } },
    ],
    ["by", "rebooting", { method: "POST", path: "/pcs/id1/power", body: { action: "reboot" } }],
    ["sy", "stopped session s1a2b", { method: "POST", path: "/sessions/s1a2b/stop", body: {} }],
    [
      "xy",
      "took pc01 out of",
      { method: "POST", path: "/sessions/s1a2b/drop", body: { pc: "id1" } },
    ],
  ];
  for (const [keys, said, call] of steps) {
    at.terminal.press(keys);
    await at.terminal.until(said);
    assert.deepEqual(at.lab.calls.at(-1), call);
  }
  at.terminal.press("pn");
  at.terminal.press("m\u0015lab-7\r");
  await at.terminal.until("moved pc01 to room lab-7");
  assert.deepEqual(at.lab.calls.slice(steps.length), [
    { method: "POST", path: "/rooms", body: { name: "lab-7" } },
    { method: "PATCH", path: "/pcs/id1", body: { room: "lab-7" } },
  ]);
});

test("what the server refuses is said with what to do next", async () => {
  await using at = open();
  at.lab.connect({ pcs: [pcOf(1)] });
  await at.terminal.until("pc01");
  at.lab.refusal = new RoomcastError("conflict", "pc01 is busy", "wait for session s1, or stop it");
  at.terminal.press("by");
  await at.terminal.until("pc01 is busy: wait for session s1, or stop it");
});

test("an order for several PCs is refused by one, and done at the others", async () => {
  await using at = open();
  const gone = (pc: string): RoomcastError =>
    new RoomcastError("pc-unreachable", `${pc} is not connected`, "boot it from the network");
  at.lab.connect({ pcs: numbers(4).map((number) => pcOf(number)) });
  at.lab.refused.set("/pcs/id2/power", gone("pc02"));
  await at.terminal.until("pc04");
  at.terminal.press("    py");
  const said = await at.terminal.until(/Done for\s+pc01,\s+pc03,\s+pc04\./);
  assert.match(
    said.replaceAll(/\s+/g, " "),
    /Not done for pc02: pc02 is not connected: boot it from the network\./,
  );
  const paths = (): string[] => at.lab.calls.map(({ path }) => path);
  assert.deepEqual(
    paths(),
    numbers(4).map((number) => `/pcs/id${number}/power`),
  );
  at.lab.calls.length = 0;
  for (const number of numbers(4)) at.lab.refused.set(`/pcs/id${number}`, gone(`pc0${number}`));
  at.lab.refused.delete("/pcs/id3");
  at.terminal.press("m\u0015lab-7\r");
  await at.terminal.until(
    /Not done for pc01, pc02, pc04; the first: pc01 is not\s+connected.*Done for pc03\./s,
  );
  assert.deepEqual(paths(), ["/rooms", ...numbers(4).map((number) => `/pcs/id${number}`)]);
});

test("that a PC refuses to be wiped is said while the others are being wiped", async () => {
  await using at = open();
  at.lab.connect({ pcs: [pcOf(1), pcOf(2)] });
  const wiped = Promise.withResolvers<object>();
  at.lab.answers.set("/pcs/id1/wipe", wiped.promise);
  at.lab.refused.set("/pcs/id2/wipe", new RoomcastError("conflict", "pc02 is busy", "wait"));
  await at.terminal.until("pc02");
  at.terminal.press("  z2pc01,pc02\r");
  const early = await at.terminal.until("Not done for pc02: pc02 is busy: wait.");
  assert.ok(!early.includes("Done for"));
  wiped.resolve({});
  await at.terminal.until("Not done for pc02: pc02 is busy: wait. Done for pc01.");
});

test("the console says that the server is away, goes on when it is back, and forgets what is gone", async () => {
  await using at = open();
  at.lab.connect({ pcs: [pcOf(1), pcOf(2)], sessions: [sessionOf([memberOf(1), memberOf(2)])] });
  await at.terminal.until(/pc01.*receiving/);
  at.lab.push({ type: "connection", state: "down", detail: "connection refused" });
  const away = await at.terminal.until("SERVER NOT REACHED, RETRYING");
  assert.ok(away.includes("connection refused") && away.includes("pc02"));
  at.lab.connect({ pcs: [pcOf(1)] });
  const back = await at.terminal.until("1 of 1 PCs on");
  assert.ok(!back.includes("pc02") && !back.includes("receiving") && !back.includes("AWAY"));
});

test("the end of a session is one sentence, and the PC's page has the reason", async () => {
  await using at = open(100, 30);
  const end = { endedAt: "2026-11-22T09:15:00Z" };
  const members = [
    memberOf(1, { ...end, result: "verified", state: "idle" }),
    memberOf(2, { ...end, result: "failed", state: "failed", reason: "write error at 12.4 GB" }),
  ];
  at.lab.connect({
    pcs: [pcOf(1), pcOf(2, { state: "failed" })],
    sessions: [sessionOf(members, { ...end, state: "done" })],
  });
  const picture = await at.terminal.until("1 of 2 verified.");
  assert.match(
    picture.replaceAll(/\s+/g, " "),
    /1 of 2 verified\. 1 failed: pc02, write error at 12\.4 GB on sda \(Samsung 860 EVO, S3Z9NB0K0002\)\./,
  );
  at.terminal.press("/failed\r\r");
  const page = await at.terminal.until("Onto");
  assert.match(page, /FAILED\n +write error at 12\.4 GB/);
});

test("how a restore is done is chosen beside the image, and shown again before the word", async () => {
  await using at = open();
  at.lab.connect({ pcs: [pcOf(1)], images: [imageOf(4)] });
  await at.terminal.until("pc01");
  at.terminal.press("rdttva");
  await at.terminal.until("only what differs on each disk");
  at.terminal.press("\r");
  await at.terminal.until(/only what differs;\n then poweroff/);
  at.terminal.press("pc01\r");
  await at.terminal.until("restoring win11-lab@4 to 1 PC");
  const { delta, verify, afterwards, start } = (at.lab.calls[0]?.body ?? {}) as Record<
    string,
    unknown
  >;
  assert.deepEqual(
    { delta, verify, afterwards, start },
    {
      delta: true,
      verify: "written",
      afterwards: "poweroff",
      start: "all",
    },
  );
});

test("marked PCs are wiped after their disks were shown and their names typed", async () => {
  await using at = open();
  at.lab.connect({ pcs: [pcOf(1), pcOf(2)] });
  await at.terminal.until("pc02");
  at.terminal.press("  z2");
  const picture = await at.terminal.until("EVERYTHING ON THESE 2 DISKS WILL BE LOST");
  assert.match(picture, /pc01 .*S3Z9NB0K0001[\s\S]*pc02 .*S3Z9NB0K0002/);
  at.terminal.press("pc01\r");
  await at.terminal.until("That was not pc01,pc02. Nothing was changed.");
  assert.deepEqual(at.lab.calls, []);
  at.terminal.press("pc01,pc02\r");
  await at.terminal.until("wiped pc01, pc02");
  assert.deepEqual(
    at.lab.calls.map(({ path, body }) => [path, body]),
    [
      ["/pcs/id1/wipe", { method: "zero", overwrite: "pc01", shown: [] }],
      ["/pcs/id2/wipe", { method: "zero", overwrite: "pc02", shown: [] }],
    ],
  );
});

test("images are checked with progress, and deleted after their name was typed", async () => {
  await using at = open();
  at.lab.connect({ pcs: [pcOf(1)], images: [imageOf(3), imageOf(4)] });
  await at.terminal.until("pc01");
  at.terminal.press("iv");
  await at.terminal.until("checking win11-lab@4: every chunk matches its hash");
  at.lab.damaged = [{ reason: "chunk 7 does not match its hash" }];
  at.terminal.press("v");
  await at.terminal.until("1 DAMAGED: chunk 7");
  at.terminal.press(`${arrow.down}d`);
  await at.terminal.until("THIS IMAGE WILL BE DELETED");
  at.terminal.press("win11-lab@4\r");
  await at.terminal.until("That was not win11-lab@3");
  at.terminal.press("win11-lab@3\r");
  await at.terminal.until("deleted win11-lab@3");
  assert.deepEqual(at.lab.calls.at(-1), {
    method: "DELETE",
    path: "/images/image3?overwrite=win11-lab%403",
    body: undefined,
  });
});

test("notes on an image are shown where it is chosen, and written in letters of any language", async () => {
  await using at = open();
  const notes = "Maths labs\nnot before 1 Sept";
  const tell = (image: ImageView) => at.lab.push({ type: "image", image });
  at.lab.connect({ pcs: [pcOf(1)], images: [imageOf(3), imageOf(4, { notes })] });
  await at.terminal.until("pc01");
  at.terminal.press("r");
  await at.terminal.until("Notes on win11-lab@4: Maths labs ...");
  at.terminal.press("\r");
  await at.terminal.until(/WILL BE LOST.*Notes on win11-lab@4: Maths labs \.\.\./s);
  at.terminal.press("\u001b");
  await at.terminal.until(/v session/);
  at.terminal.press("i");
  await at.terminal.until(/Maths labs\s+not before 1 Sept/);
  // Another operator has written them meanwhile.
  tell(imageOf(4, { notes: "Physics" }));
  await at.terminal.until(/Physics(?!.*not before)/s);
  at.terminal.press(`${arrow.down}n`);
  await at.terminal.until("Notes on win11-lab@3:");
  at.terminal.press("Für Máthe\rnot yetX\u007f");
  await at.terminal.until(/Fur Mathe\s+not yet_/);
  at.terminal.press("\u0013");
  await at.terminal.until("the notes on win11-lab@3 are written");
  assert.deepEqual(at.lab.calls, [
    { method: "PATCH", path: "/images/image3", body: { notes: "Für Máthe\nnot yet" } },
  ]);
  tell(imageOf(3, { notes: "Für Máthe\nnot yet" }));
  await at.terminal.until(/Fur Mathe\s+not yet/);
  at.terminal.press("n");
  await at.terminal.until(/not yet_/);
  at.terminal.press("\u0015\u001b");
  await at.terminal.until(/v session/);
  assert.equal(at.lab.calls.length, 1, "Escape changes nothing");
  at.terminal.press("in");
  await at.terminal.until("Notes on win11-lab@4:");
  // As a terminal pastes it: each line ends as with Enter, and is no command.
  at.terminal.press("\u0015first line\rnext line\rdone\r\u0013");
  await at.terminal.until("the notes on win11-lab@4 are written");
  assert.deepEqual(at.lab.calls.slice(1), [
    {
      method: "PATCH",
      path: "/images/image4",
      body: { notes: "first line\nnext line\ndone" },
    },
  ]);
});

test("a room's page starts its seat walk, makes and deletes rooms; a PC is forgotten after a question", async () => {
  await using at = open();
  at.lab.connect({ pcs: [pcOf(1)] });
  await at.terminal.until("pc01");
  at.terminal.press("R");
  await at.terminal.until("choose a room with Tab first");
  at.terminal.press("\t\tRw");
  await at.terminal.until("seat walk: press Enter at each PC of lab-1");
  at.terminal.press("xy");
  await at.terminal.until("deleted room lab-1");
  at.terminal.press("Rnlab-9\r");
  await at.terminal.until("created room lab-9");
  at.terminal.press("\u001b\t\t");
  await at.terminal.until("pc01");
  at.terminal.press("fy");
  await at.terminal.until("forgot pc01");
  assert.deepEqual(
    at.lab.calls.map(({ method, path, body }) => [method, path, body]),
    [
      ["POST", "/rooms/lab-1/walk", { on: true }],
      ["DELETE", "/rooms/lab-1", undefined],
      ["POST", "/rooms", { name: "lab-9" }],
      ["DELETE", "/pcs/id1", undefined],
    ],
  );
});

test("those that failed are tried again after their disks were shown; a PC is let in again", async () => {
  await using at = open();
  const end = { endedAt: "2026-11-22T09:15:00Z" };
  const failed = { ...end, result: "failed", state: "failed", reason: "x" } as const;
  const members = [memberOf(1, { ...end, result: "verified", state: "idle" }), memberOf(2, failed)];
  const pcs = [pcOf(1), pcOf(2)];
  at.lab.connect({ pcs, sessions: [sessionOf(members, { ...end, state: "done" })] });
  await at.terminal.until("1 of 2 verified");
  at.terminal.press("vt");
  const picture = await at.terminal.until("EVERYTHING ON THIS DISK WILL BE LOST");
  assert.match(picture, /pc02 .*S3Z9NB0K0002/);
  at.terminal.press("pc02\r");
  await at.terminal.until("trying again with pc02");
  const running = sessionOf([memberOf(1), memberOf(2, { ...failed, endedAt: null })], { id: "s2" });
  at.lab.push({ type: "session", session: { ...running, startedAt: "2026-11-22T10:00:00Z" } });
  await at.terminal.until("casting win11-lab@4");
  at.terminal.press(`${arrow.down}a`);
  await at.terminal.until("EVERYTHING ON THIS DISK");
  at.terminal.press("pc02\r");
  await at.terminal.until("let pc02 in again");
  assert.deepEqual(
    at.lab.calls.map(({ path, body }) => [path, body]),
    [
      ["/sessions/s1a2b/retry", { overwrite: "pc02" }],
      ["/sessions/s2/admit", { pc: "id2", overwrite: "pc02", shown: [] }],
    ],
  );
});

/** A PC of the default room by its key. */
const keyed = (
  number: number,
  identity: Partial<NonNullable<PcView["identity"]>>,
  more: Partial<PcView> = {},
): PcView =>
  pcOf(number, {
    room: "default",
    identity: { kind: "memory", state: "waiting", code: null, level: "waiting", ...identity },
    ...more,
  });

test("PCs that were never seen before are told with their codes before the word, and those alone are placed", async () => {
  await using at = open(120, 30);
  const doubt = [{ id: "id9", name: "lab1-a3" }];
  at.lab.connect({
    images: [imageOf(1)],
    pcs: [
      keyed(1, { code: "004711" }),
      keyed(2, { state: "placed", level: "unproven" }),
      keyed(3, { state: "doubt", code: "555555" }, { doubt }),
    ],
  });
  await at.terminal.until(/pc01.*NEW, code 004 711: A admits it/);
  await at.terminal.until(/pc03.*WHICH ONE\? lab1-a3, code 555 555: press u/);
  at.terminal.press("\tr");
  await at.terminal.until("which image");
  at.terminal.press("\r");
  await at.terminal.until("1 PC was never seen before");
  await at.terminal.until(/pc01 +NEW \(code 004 711\) +\/dev\/sda/);
  await at.terminal.until(/left out: pc03 is not known for sure: it may be lab1-a3/);
  at.terminal.press("default\r");
  await at.terminal.until("restoring win11-lab@1");
  const body = at.lab.calls[0]?.body as { shown: unknown };
  assert.deepEqual(body.shown, [{ pc: "id1", code: "004711" }]);
});

test("A lets a PC in, by the code that was shown; K revokes its key", async () => {
  await using at = open(120, 30);
  at.lab.connect({ pcs: [keyed(1, { code: "004711" })] });
  await at.terminal.until("pc01");
  at.terminal.press("\r");
  await at.terminal.until(/Key +memory WAITING 004 711/);
  await at.terminal.until(/compare the code with the PC's screen, then `roomcast pc admit pc01`/);
  at.terminal.press("A");
  await at.terminal.until("Let pc01 have orders?");
  at.terminal.press("y");
  await at.terminal.until("admitted pc01");
  at.terminal.press("K");
  await at.terminal.until("Revoke the keys of pc01?");
  at.terminal.press("y");
  await at.terminal.until("revoked the keys of pc01");
  assert.deepEqual(
    at.lab.calls.map(({ path, body }) => [path, body]),
    [
      ["/pcs/id1/admit", { code: "004711" }],
      ["/pcs/id1/revoke", {}],
    ],
  );
});

test("a room's settings are changed on its page: a switch by Enter, the rest by typing", async () => {
  await using at = open();
  at.lab.connect({ pcs: [pcOf(1)] });
  await at.terminal.until("pc01");
  at.terminal.press("\t\tR");
  await at.terminal.until(/grow +auto/);
  at.terminal.press("\r");
  await at.terminal.until("changed room lab-1");
  at.terminal.press(`${arrow.down}\r`);
  while (at.lab.calls.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  at.terminal.press(`\u001b[F${arrow.up.repeat(12)}\r`);
  await at.terminal.until("Value: none_");
  at.terminal.press("\u0015lab-{seat}\r");
  await at.terminal.until("Enter: change");
  at.terminal.press("\u001b[F");
  await at.terminal.until(/instructorPin +none/);
  for (const [ups, value] of [
    [11, "free"],
    [7, "10.77.0.2 10.77.0.3"],
    [6, "/24"],
    [5, "ann, bert"],
    [1, "2468"],
    [0, "97531"],
  ] as const) {
    at.terminal.press(`\u001b[F${arrow.up.repeat(ups)}\r`);
    await at.terminal.until(/Value: (approve|none)_/);
    at.terminal.press(`\u0015${value}\r`);
    await at.terminal.until("Enter: change");
  }
  at.terminal.press(`\u001b[F${arrow.up.repeat(6)}\r`);
  await at.terminal.until("Value: none_");
  at.terminal.press("\u0015255.255.255.0\r");
  await at.terminal.until("It has to be a number of bits from 8 to 30, or auto.");
  await at.terminal.until("Value: 255.255.255.0_");
  at.terminal.press("\u001b");
  await at.terminal.until("Enter PC");
  at.terminal.press("Ro");
  await at.terminal.until("the menus of lab-1 take PINs");
  assert.deepEqual(
    at.lab.calls.map(({ path, body }) => [path, body]),
    [
      ["/rooms/lab-1", { shell: false }],
      ["/rooms/lab-1", { grow: "last" }],
      ["/rooms/lab-1", { naming: "lab-{seat}" }],
      ["/rooms/lab-1", { ask: "free" }],
      ["/rooms/lab-1", { dns: ["10.77.0.2", "10.77.0.3"] }],
      ["/rooms/lab-1", { prefix: 24 }],
      ["/rooms/lab-1", { sshKeys: ["ann", "bert"] }],
      ["/rooms/lab-1", { pin: "2468" }],
      ["/rooms/lab-1", { instructorPin: "97531" }],
      ["/rooms/lab-1/unlock", {}],
    ],
  );
});

const requestOf = (number: number, changes: Partial<RequestView> = {}): RequestView => ({
  id: `r-${number}`,
  pc: `id${number}`,
  name: `pc0${number}`,
  room: "lab-1",
  action: "restore",
  what: "restore win11-lab@4 to its disk sda",
  overwrites: [`pc0${number}  /dev/sda  500.1 GB`],
  word: `pc0${number}`,
  askedAt: "2026-11-22T09:00:00Z",
  endsAt: "2026-11-22T09:10:00Z",
  ...changes,
});

test("what a PC asks for rings on any page, and is done only after its word", async () => {
  await using at = open();
  at.lab.connect({ pcs: [pcOf(1), pcOf(2)] });
  await at.terminal.until("pc02");
  let rung = 0;
  at.terminal.xterm.onBell(() => rung++);
  at.terminal.press("\r");
  await at.terminal.until("o its screen");
  at.lab.push({ type: "request", request: requestOf(1) });
  const rings = await at.terminal.until("pc01 asks to restore win11-lab@4 to its disk sda");
  assert.match(rings, /y\/n/);
  assert.match(rings, /o its screen/, "the page is still there");
  assert.equal(rung, 1);
  at.lab.push({ type: "request", request: requestOf(1) });
  at.lab.push({
    type: "request",
    request: requestOf(2, { action: "wipe", what: "erase its disk" }),
  });
  await at.terminal.until("1 more waits");
  assert.equal(rung, 2, "each rings once");
  at.terminal.press("y");
  const shown = await at.terminal.until("EVERYTHING ON THIS DISK WILL BE LOST");
  assert.match(shown, /pc01 {2}\/dev\/sda {2}500\.1 GB/);
  at.terminal.press("y\r");
  await at.terminal.until("That was not pc01. Nothing was changed.");
  assert.deepEqual(at.lab.calls, []);
  at.terminal.press("pc01\r");
  await at.terminal.until("pc01: yes");
  at.lab.push({ type: "request-gone", id: "r-1" });
  await at.terminal.until("pc02 asks to erase its disk");
  at.terminal.press("n");
  await at.terminal.until("pc02: no");
  at.lab.push({ type: "request-gone", id: "r-2" });
  await at.terminal.until(/^(?!.*asks to)/s);
  assert.deepEqual(
    at.lab.calls.map(({ path, body }) => [path, body]),
    [
      ["/requests/r-1/yes", { overwrite: "pc01" }],
      ["/requests/r-2/no", {}],
    ],
  );
});

test("a key that is typed into another page is no answer, and a capture needs no word", async () => {
  await using at = open();
  at.lab.connect({ pcs: [pcOf(1)] });
  await at.terminal.until("pc01");
  at.terminal.press("/");
  await at.terminal.until("Filter:");
  const capture = { action: "capture", what: "store its disk as image n", word: null } as const;
  at.lab.push({ type: "request", request: requestOf(1, { ...capture, overwrites: [] }) });
  await at.terminal.until("once this page is left");
  at.terminal.press("ny");
  await at.terminal.until("Filter: ny_");
  assert.equal(at.lab.calls.length, 0);
  at.terminal.press("\u001b");
  await at.terminal.until(/ y\/n *$/m);
  at.terminal.press("y");
  await at.terminal.until("pc01 asks to store its disk as image n. Yes?");
  at.terminal.press("y");
  await at.terminal.until("pc01: yes");
  assert.deepEqual(at.lab.calls, [{ method: "POST", path: "/requests/r-1/yes", body: {} }]);
});

test("a room whose menus wrong PINs have shut is named, with the keys that open them", async () => {
  await using at = open();
  const shut = { ...unlocked, shutUntil: "2026-11-22T10:15:00.000Z", pin: true };
  at.lab.connect({ pcs: [pcOf(1)] });
  const room = { name: "lab-1", pcs: 1, online: 1, session: null, settings: roomDefaults };
  at.lab.push({ type: "room", room: { ...room, ...shut, seats: [], walk: null } });
  const said = await at.terminal.until("the menus of room lab-1 are shut until 10:15 UTC");
  assert.match(said, /R and\s+then o opens them/);
});

test("a shell on a PC has the terminal for itself, and the console comes back after it", async () => {
  const over = Promise.withResolvers<string | null>();
  const asked: string[] = [];
  await using at = open(80, 24, (pc) => {
    asked.push(pc);
    return over.promise;
  });
  at.lab.connect({ pcs: [pcOf(1)] });
  await at.terminal.until("pc01");
  at.terminal.press("S");
  while (at.terminal.raw) await new Promise((resolve) => setTimeout(resolve, 5));
  at.terminal.output.write("uname\r\n");
  at.lab.push({ type: "note", time: "2026-11-22T09:00:00Z", text: "said meanwhile" });
  over.resolve("the PC is gone");
  const back = await at.terminal.until("the shell on pc01 has ended: the PC is gone");
  at.terminal.press("?");
  await at.terminal.until("09:00:00 UTC  said meanwhile");
  assert.deepEqual(asked, ["pc01"]);
  assert.ok(!back.includes("uname"));
  assert.equal(at.terminal.raw, true);
});

test("a PC's own disk is cast to its room, stored by a name, after the room's disks were shown", async () => {
  await using at = open();
  at.lab.connect({ pcs: numbers(3).map((number) => pcOf(number)) });
  await at.terminal.until("pc03");
  at.terminal.press("k");
  await at.terminal.until("choose the room to cast to");
  at.terminal.press("\t\tkLab 1\r");
  await at.terminal.until('"Lab 1" cannot be the name of an image');
  at.terminal.press("\u0015lab\r");
  const picture = await at.terminal.until("EVERYTHING ON THESE 2 DISKS WILL BE LOST");
  assert.ok(!picture.includes("S3Z9NB0K0001") && picture.includes("S3Z9NB0K0003"));
  at.terminal.press("lab-1\r");
  await at.terminal.until("pc01 casts its disk to lab-1");
  const { kind, sender, saveAs, room, overwrite } = (at.lab.calls[0]?.body ?? {}) as Record<
    string,
    unknown
  >;
  assert.deepEqual(
    [kind, sender, saveAs, room, overwrite],
    ["cast", "id1", "lab", "lab-1", "lab-1"],
  );
});

test("where a PC may be one of several, the operator says which", async () => {
  await using at = open();
  const doubt = [
    { id: "id1", name: "pc01" },
    { id: "id2", name: "pc02" },
  ];
  at.lab.connect({ pcs: [pcOf(1), pcOf(2), pcOf(3, { doubt })] });
  await at.terminal.until(/pc03.*WHICH ONE\? pc01 or pc02: press u/);
  at.terminal.press("u");
  await at.terminal.until("pc01 is already identified");
  at.terminal.press("\u001b[F");
  at.terminal.press("u");
  await at.terminal.until("3  It is a new PC");
  at.terminal.press("2");
  await at.terminal.until("pc03: It is pc02");
  assert.deepEqual(at.lab.calls, [
    { method: "POST", path: "/pcs/id3/identify", body: { as: "id2" } },
  ]);
});

test("the history of a PC is read back from its page", async () => {
  await using at = open();
  at.lab.connect({ pcs: [pcOf(1)] });
  const event = {
    session: "s1",
    pc: "id1",
    pcName: "pc01",
    room: "lab-1",
    image: null,
    operator: null,
  };
  at.lab.answers.set("/history?pc=id1", [
    { ...event, at: "2026-11-22T09:00:00.000Z", text: "verified" },
  ]);
  await at.terminal.until("pc01");
  at.terminal.press("\ry");
  await at.terminal.until("2026-11-22 09:00:00  s1 pc01: verified");
  at.terminal.press("x");
  await at.terminal.until("Memory");
});

test("the map of a room: arrows go from seat to seat, Enter opens the PC", async () => {
  await using at = open();
  const pcs = numbers(6).map((number) => pcOf(number, { seat: `A${number}` }));
  at.lab.connect({
    pcs,
    seats: seatGrid(3, 2).map((seat, index) => ({ ...seat, name: `A${index + 1}` })),
  });
  await at.terminal.until("pc06");
  at.terminal.press("t");
  await at.terminal.until("a room has a map");
  at.terminal.press("\t\tt");
  await at.terminal.until(/A1 pc01 +A2 pc02 +A3 pc03/);
  at.terminal.press(`${arrow.right}${arrow.down}\r`);
  await at.terminal.until(/pc05 {3}room lab-1 {3}seat A5/);
  at.terminal.press("\u001b");
  await at.terminal.until(/A4 pc04 +A5 pc05/);
});

test("a PC's screen and its log are looked at from its page, and why they cannot be is said", async () => {
  await using at = open();
  at.lab.connect({ pcs: [pcOf(1)] });
  const picture = numbers(25).map((number) => (number % 3 === 0 ? "" : `screen line ${number}`));
  at.lab.answers.set("/pcs/id1/screen", { lines: picture });
  await at.terminal.until("pc01");
  at.terminal.press("\ro");
  const screen = await at.terminal.until("The screen of pc01");
  await at.terminal.until("screen line 25");
  assert.ok(!screen.includes("roomcast: "));
  at.terminal.press("x");
  await at.terminal.until("Memory");
  at.terminal.press("e");
  await at.terminal.until("pc01 is not connected");
  at.lab.answers.set("/pcs/id1/log", { lines: numbers(99).map((number) => `log line ${number}`) });
  const log = await at.terminal.until("log line 99");
  assert.ok(!log.includes("log line 50"));
});

test("a session's page has the rate, who is slow and why, the cost of repairs, and every PC", async () => {
  await using at = open(100, 30);
  const members = [
    ...numbers(4).map((number) => memberOf(number)),
    memberOf(5, {
      ...{ writeBps: 9_000_000, bytesWritten: 1_000_000_000 },
      slowReason: "disk writes 9.0 MB/s",
      reason: "waits for its disk, which does 300 KB/s",
    }),
    memberOf(6, { result: "verified", state: "idle", endedAt: "2026-11-22T09:10:00Z" }),
    memberOf(7, { result: "failed", state: "failed", reason: "write error at 12.4 GB" }),
  ];
  const pcs = numbers(7).map((number) => pcOf(number));
  at.lab.connect({ pcs, sessions: [sessionOf(members)] });
  await at.terminal.until("pc07");
  at.terminal.press("v");
  const page = await at.terminal.until("Slowest");
  assert.match(page, /s1a2b {2}restore of win11-lab@4, lab-1: CASTING/);
  assert.match(page, /Slowest +pc05: disk writes 9\.0 MB\/s/);
  assert.match(page, /Sent +13\.0 GB, 1\.5 % of it repairs, 1 pass/);
  assert.match(page, /1 of 7 verified, 1 failed/);
  assert.match(page, /pc07 +FAILED +write error at 12\.4 GB/);
  assert.match(page, /pc06 +VERIFIED/);
  assert.match(page, /pc05 +receiving.* waits for its disk/);
  assert.ok(page.indexOf("pc07 ") < page.indexOf("pc01 "), "who failed comes first");
  at.terminal.press("sy");
  await at.terminal.until("stopped session s1a2b");
  assert.deepEqual(at.lab.calls.at(-1)?.path, "/sessions/s1a2b/stop");
  at.terminal.resize(80, 24);
  at.terminal.press("v");
  await at.terminal.until("Up Down: PCs");
  at.terminal.press("\u001b");
  await at.terminal.until("Enter PC");
});

test("it follows the terminal's size, and draws only the PCs that fit", async () => {
  await using at = open(80, 24);
  at.lab.connect({ pcs: numbers(60).map((number) => pcOf(number)) });
  await at.terminal.until("pc10");
  at.terminal.resize(200, 50);
  const wide = await at.terminal.until("pc40");
  assert.equal(wide.split("\n").length, 50);
  at.terminal.press("\u001b[F");
  await at.terminal.until("> pc60");
  at.terminal.resize(80, 24);
  const narrow = await at.terminal.until(/> {1,2}pc60/);
  assert.equal(narrow.split("\n").length, 24);
  assert.ok(!narrow.includes("pc40"));
});

test("q leaves with status 0 and gives the terminal back", async () => {
  const at = open();
  at.lab.connect({ pcs: [pcOf(1)] });
  await at.terminal.until("pc01");
  at.terminal.press("q");
  assert.equal(await at.ended, 0);
  assert.equal(at.terminal.raw, false);
});

test("without a terminal it refuses", async () => {
  const { input, output } = new FakeTerminal(80, 24);
  await assert.rejects(
    runConsole(new FakeLab(), { input, output: Object.assign(output, { isTTY: false }) }),
    (error) => error instanceof RoomcastError && error.code === "usage",
  );
});

test("where a disk would be refused, the list says so before anything is asked of the server", async () => {
  await using at = open(120, 24);
  const twins = [diskOf(2), { ...diskOf(3), path: "/dev/sdb" }];
  at.lab.connect({
    pcs: [
      pcOf(1, { disks: [] }),
      pcOf(2, { disks: twins }),
      pcOf(3, { disks: [{ ...diskOf(3), logicalSector: 4096 }] }),
      pcOf(4, { state: "offline" }),
    ],
    images: [imageOf(4, { partitions: [windows] })],
  });
  await at.terminal.until("pc04");
  at.terminal.press(arrow.left);
  at.terminal.press("r\r");
  const picture = await at.terminal.until("EVERYTHING ON THESE 4 DISKS");
  assert.match(picture, /pc01 +no disk is known yet/);
  assert.match(picture, /pc02 +WILL REFUSE: which of 2 disks is meant is not clear: \/dev\/sda/);
  assert.match(picture, /pc03 +WILL REFUSE: .*sectors of 4096 bytes/);
  assert.match(picture, /pc04 +off +\/dev\/sda/);
});

test("the network of a room is checked once, and what was found stays until a key", async () => {
  await using at = open();
  at.lab.answers.set("/rooms/lab-1/check", [
    { check: "room", level: "problem", text: "pc02: no multicast reaches it", mend: "its VLAN" },
    { check: "room", level: "ok", text: "1 of 2 PCs hear all of it", mend: null },
  ]);
  at.lab.connect({ pcs: numbers(2).map((number) => pcOf(number)) });
  await at.terminal.until("pc02");
  at.terminal.press("D");
  await at.terminal.until("choose a room with Tab first");
  at.terminal.press(arrow.right.repeat(2));
  at.terminal.press("D");
  await at.terminal.until(/!! pc02: no multicast reaches it.*-> its VLAN.*1 of 2 PCs/s);
  // Whatever else changes, it is drawn again and not asked again.
  at.lab.push({ type: "pc", pc: pcOf(1, { state: "failed" }) });
  await sleep(1200);
  assert.equal(at.lab.calls.filter(({ path }) => path.endsWith("/check")).length, 1);
  at.terminal.press(" ");
  await at.terminal.until("pc01");
});
