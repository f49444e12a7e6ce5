/** Each order of the page shows a command that the command line takes, and sends what its word confirms. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { takePins } from "../../client/cli/pins.ts";
import { plainTerminal, roomcastProgram } from "../../client/cli/program.ts";
import type { Action, Plan } from "../../client/page/orders/action.ts";
import * as images from "../../client/page/orders/images.ts";
import * as inventory from "../../client/page/orders/inventory.ts";
import * as pcs from "../../client/page/orders/pcs.ts";
import { castAction, restoreAction } from "../../client/page/orders/restore.ts";
import * as rooms from "../../client/page/orders/rooms.ts";
import * as sessions from "../../client/page/orders/sessions.ts";
import * as stock from "../../client/page/orders/stock.ts";
import * as trust from "../../client/page/orders/trust.ts";
import { Store } from "../../client/page/store.ts";
import { assert as holds } from "../../core/errors.ts";
import type { OperatorView } from "../../core/wire/api.ts";
import { pcOf } from "../client/console/fake-lab.ts";
import { renewing, restoringRoom, trustView } from "./scenes.ts";

const scene = restoringRoom(3, 2);
const store = new Store();
store.take([...scene.state, { type: "ready" }]);
store.settle();
const [one, other, third] = scene.pcs;
holds(one !== undefined && other !== undefined && third !== undefined, "the room has PCs");
const { room, session } = scene;
const [image] = store.images.all();
holds(image !== undefined, "there is an image");
const two = [one, other];
const operator: OperatorView = {
  ...{ name: "ann", role: "operator", password: false, issuer: null },
  ...{ createdAt: "2026-11-21T09:00:00Z", lastSeen: null },
};
const request = {
  ...{ id: "q1", pc: one.id, name: one.name, room: room.name, action: "wipe" as const },
  ...{ what: "wipe its disk", overwrites: ["sda"], word: one.name },
  ...{ askedAt: "2026-11-21T09:00:00Z", endsAt: "2026-11-21T09:10:00Z" },
};
const scheduled = { id: "c1", image: "win11-lab", room: room.name } as Parameters<
  typeof stock.unscheduleAction
>[0];
const key = { name: "staff", keys: [], by: "ann", addedAt: "2026-11-21T09:00:00Z" };

const whole = { room: room.name, pcs: [] };
const orders: readonly (readonly [string, Action, (Record<string, string> | undefined)?])[] = [
  ["restore a room", restoreAction(store, whole)],
  [
    "restore PCs, every option changed",
    restoreAction(store, { room: null, pcs: two.map(({ id }) => id) }),
    {
      ...{ delta: "yes", start: "count", startCount: "2", startTimeout: "90", verify: "written" },
      ...{ personalise: "", canary: "2", fit: "", disk: "/dev/sda", prove: "wait" },
      // biome-ignore lint/suspicious/noThenProperty: the field's name.
      then: "boot-disk",
    },
  ],
  ["cast", castAction(store, one, whole), { saveAs: "copy", raw: "yes", prove: "no" }],
  ["capture", pcs.captureAction(store, one), { name: "fresh", raw: "yes" }],
  ...(["wake", "reboot", "poweroff", "boot-disk"] as const).map(
    (power) => [power, pcs.powerAction(store, two, power)] as const,
  ),
  ["wipe", pcs.wipeAction(store, two), { method: "zero", disk: "wwn:0x5000" }],
  [
    "name and place",
    inventory.editAction(store, one),
    {
      ...{ name: "a1", room: "new-room", seat: "", address: "10.0.0.7/24" },
      fields: "PRINTER=east wing\nOWNER=",
    },
  ],
  ["move", inventory.moveAction(store, two), { room: "default" }],
  ["admit", inventory.admitAction(two)],
  ["revoke", inventory.revokeAction(two)],
  ["forget", inventory.forgetAction(two)],
  ["identify", inventory.identifyAction(pcOf(7, { doubt: [{ id: "id1", name: "pc01" }] }))],
  ["identify as new", inventory.identifyAction(pcOf(7, { doubt: [] })), { as: "" }],
  ["start", sessions.startAction(session)],
  ["stop", sessions.stopAction(store, session)],
  ["drop", sessions.dropAction(store, session, one)],
  ["let in", sessions.letInAction(store, session, one)],
  ["retry", sessions.retryAction(store, { ...session, endedAt: session.startedAt })],
  ["yes", sessions.yesAction(request)],
  ["create a room", rooms.createRoomAction(), { name: "lab-2" }],
  ["delete a room", rooms.deleteRoomAction(room)],
  ["unlock", rooms.unlockAction(room)],
  ["walk", rooms.walkAction(room)],
  ["end the walk", rooms.walkAction({ ...room, walk: { next: null } })],
  ["grid", rooms.gridAction(room)],
  ["add a seat", rooms.addSeatAction(store, room), { seat: "Z9" }],
  ["remove a seat", rooms.removeSeatAction(store, room)],
  ["import", rooms.importAction(room), { csv: "name,mac\n" }],
  ["wake a room", pcs.wakeRoomAction(room)],
  ["delete an image", images.deleteImageAction(store, image)],
  ["add a step", images.addStepAction(image), { name: "printer.sh", script: "true" }],
  ["write notes", images.notesAction(image), { notes: "Maths, two\nlines; it’s $HOME" }],
  ["remove notes", images.notesAction(image), { notes: "" }],
  ["remove a step", images.removeStepAction(image, "printer.sh")],
  ["fit an image", images.fitAction(store, image), { size: "240GB" }],
  ["export an image", images.exportAction(image)],
  [
    "import an image",
    images.importImageAction(trustView, "https://lab.example:8443"),
    {
      ...{ file: "/srv/old disks/win.vhdx", name: "win", where: "there", raw: "yes" },
      ...{ disk: "sda", size: "500GB", without: "2, 5" },
    },
  ],
  ["rotate the key", trust.rotateAction(trustView)],
  ["finish the rotation", trust.finishRotationAction(renewing)],
  [
    "schedule",
    stock.scheduleAction(store, null),
    { zone: "Europe/Berlin", delta: "yes", wake: "60", fit: "", personalise: "" },
  ],
  ["unschedule", stock.unscheduleAction(scheduled)],
  ["add an operator", stock.addOperatorAction(), { name: "bob", role: "viewer" }],
  ["change an operator", stock.editOperatorAction(operator), { role: "admin", password: "x" }],
  ["remove an operator", stock.removeOperatorAction(operator)],
  ["add a key", stock.addSshKeyAction(), { name: "staff", text: "ssh-ed25519 AAAA" }],
  ["remove a key", stock.removeSshKeyAction(key)],
  ...rooms.settingKeys.map((setting) => {
    const value = { shell: "off", disk: "transport=nvme", prefix: "24" }[setting as string];
    const action = rooms.settingAction(room, setting);
    return [`set ${setting}`, action, value === undefined ? undefined : { value }] as const;
  }),
];

const planOf = (action: Action, more: Record<string, string> = {}): Plan =>
  action.plan({
    ...Object.fromEntries(action.fields.map(({ name, value }) => [name, value])),
    ...more,
  });

test("who stops a session sees of what it is", () => {
  const wipe = { ...session, kind: "wipe" as const, image: null, room: null };
  const { facts } = planOf(
    sessions.stopAction(store, { ...wipe, members: session.members.slice(0, 1) }),
  );
  assert.deepEqual(facts, [`Wipe of ${session.members[0]?.name}`]);
  assert.deepEqual(planOf(sessions.stopAction(store, session)).facts, [
    `Restore of ${session.image}, ${session.room}`,
  ]);
});

/** The words of a line as a shell would split it; there are no other quotes than '…'. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|[^\s']+/g)].map(([word, quoted]) => quoted ?? word);

for (const [name, action, values] of orders) {
  test(`${name}: its command is one of the command line's`, async () => {
    const { commands, calls, download, refused, done } = planOf(action, values);
    assert.equal(refused, null);
    assert(commands.length > 0);
    // What only a terminal can do sends nothing.
    const isDone = calls.length > 0 || download !== null;
    assert.equal(isDone && done !== "", action.submit !== null);
    for (const line of commands) {
      let ran = 0;
      const program = roomcastProgram(plainTerminal, "/tmp", async () => void ran++);
      for (const each of [program, ...descendants(program)])
        each.exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} });
      const [first, ...typed] = wordsOf(line);
      assert.equal(first, "roomcast");
      const { words } = takePins(typed);
      await program.parseAsync([...words], { from: "user" });
      assert.equal(ran, 1, line);
    }
  });
}

type Program = ReturnType<typeof roomcastProgram>;
const descendants = (program: Program): Program[] =>
  (program.commands as Program[]).flatMap((each) => [each, ...descendants(each)]);

test("what is typed is a room's name, up to three PCs' names, or how many PCs", () => {
  const wordFor = (targets: Parameters<typeof restoreAction>[1]) =>
    planOf(restoreAction(store, targets));
  const some = (count: number) => ({
    room: null,
    pcs: scene.pcs.slice(0, count).map(({ id }) => id),
  });
  assert.equal(wordFor(whole).word, "lab-1");
  const three = wordFor(some(3));
  assert.equal(three.word, "lab1-a1,lab1-a2,lab1-a3");
  const five = wordFor(some(5));
  assert.equal(five.word, "5 PCs");
  assert.deepEqual(
    five.calls.map(({ body }) => (body as { overwrite: string }).overwrite),
    ["lab1-a1,lab1-a2,lab1-a3,lab1-b1,lab1-b2"],
    "the server is told all of them",
  );
});

test("names that the image's system would not take are refused before anybody types a word", () => {
  store.take([{ type: "pc", pc: { ...one, name: "a_name_with_underscores" } }]);
  const planned = planOf(restoreAction(store, { room: null, pcs: [one.id] }));
  assert.match(planned.refused ?? "", /cannot be a host name of Windows.*--personalise none/);
  store.take([{ type: "pc", pc: one }]);
});

/** What the server is sent, and what is typed to the same end. */
const sent = (action: Action, values: Record<string, string>): [unknown, string | undefined] => {
  const { calls, commands } = planOf(action, values);
  return [calls[0]?.body, commands[0]];
};

test("what is chosen under More is in the call and in the command", () => {
  const some = { room: null, pcs: [other.id] };
  const [body, line] = sent(restoreAction(store, some), {
    ...{ start: "count", startCount: "2", startTimeout: "90", prove: "wait", proveSeconds: "120" },
    disk: "serial:S3Z9NB0K0002",
  });
  const { disk, start, startTimeout, proveBoot } = body as Record<string, unknown>;
  assert.deepEqual(
    { disk, start, startTimeout, proveBoot },
    { disk: "serial:S3Z9NB0K0002", start: 2, startTimeout: 90, proveBoot: 120 },
  );
  assert.equal(
    line,
    "roomcast restore win11-lab@4 --pc lab1-a2 --disk serial:S3Z9NB0K0002 --start 2 --start-timeout 90 --prove-boot 120",
  );
  const [never, noProof] = sent(restoreAction(store, some), { prove: "no" });
  assert.equal((never as { proveBoot: unknown }).proveBoot, null);
  assert.match(noProof ?? "", / --no-prove-boot$/);
  const [usual, short] = sent(restoreAction(store, some), {});
  assert(!("proveBoot" in (usual as object)), "the server decides");
  assert.equal(short, "roomcast restore win11-lab@4 --pc lab1-a2");
});

test("seconds and counts that are none are refused, and only where they mean something", () => {
  const action = restoreAction(store, whole);
  for (const values of [
    { start: "count", startCount: "0" },
    { start: "all", startTimeout: "soon" },
    { prove: "wait", proveSeconds: "" },
  ])
    assert.match(planOf(action, values).refused ?? "", /whole numbers from 1/);
  assert.equal(planOf(action, { startTimeout: "soon", proveSeconds: "" }).refused, null);
});

test("a disk that says that it is failing is used only once it is ticked", () => {
  const [disk] = one.disks;
  holds(disk !== undefined, "it has a disk");
  store.take([{ type: "pc", pc: { ...one, disks: [{ ...disk, health: "failed: worn out" }] } }]);
  const action = restoreAction(store, { room: null, pcs: [one.id] });
  assert.match(planOf(action).facts[0] ?? "", /WILL REFUSE: .* failing/);
  const ticked = planOf(action, { [`failing ${disk.serial}`]: "yes" });
  assert.doesNotMatch(ticked.facts[0] ?? "", /WILL REFUSE/);
  const [call] = ticked.calls;
  holds(call !== undefined, "it is ordered");
  assert.deepEqual((call.body as { failingDisks: unknown }).failingDisks, [disk.serial]);
  assert.match(ticked.commands[0] ?? "", new RegExp(` --use-failing-disk ${disk.serial}`));
  assert.deepEqual(planOf(pcs.wipeAction(store, [one])).calls[0]?.body, {
    ...{ method: "discard", disk: null, failingDisks: [], overwrite: one.name },
    ...{ shown: [], wait: false },
  });
  store.take([{ type: "pc", pc: one }]);
});

test("a PC that gets into a session again, or is tried again, loses the disk that was ordered", () => {
  const [disk] = one.disks;
  holds(disk !== undefined, "it has a disk");
  const nvme = { ...disk, path: "/dev/nvme0n1", health: "failed: worn out", serial: "NV1" };
  store.take([{ type: "pc", pc: { ...one, disks: [disk, nvme] } }]);
  const end = { endedAt: session.startedAt };
  const [member] = session.members;
  holds(member !== undefined, "it has a part");
  const named = { ...session, disk: "/dev/nvme0n1", failingDisks: ["NV1"] };
  const ordered = { ...named, members: [{ ...member, disk: null }] };
  const failed = {
    ...{ ...named, ...end, disk: "/dev/sda" },
    members: [{ ...member, ...end, disk: nvme, result: "failed" as const }],
  };
  for (const action of [
    sessions.letInAction(store, ordered, { ...one, disks: [disk, nvme] }),
    sessions.retryAction(store, failed),
  ])
    assert.match(planOf(action).facts[0] ?? "", /^lab1-a1: \/dev\/nvme0n1 .*NV1/);
  store.take([{ type: "pc", pc: one }]);
});

test("what goes with an image or a PC is said before it is deleted", () => {
  const step = { name: "printer.sh", bytes: 9, by: "ann", addedAt: "2026-11-21T09:00:00Z" };
  const fitted = { ...image, id: "fitted", fitOf: image.id, fitSize: "240GB" };
  store.take([{ type: "image", image: fitted }]);
  const { facts } = planOf(images.deleteImageAction(store, { ...image, steps: [step] }));
  assert.match(facts.join("\n"), /win11-lab@4 \(.*win11-lab@4-fit-240GB \(.*printer\.sh/s);
  const small = planOf(images.deleteImageAction(store, { ...fitted, steps: [step] })).facts;
  assert.doesNotMatch(small.join("\n"), /win11-lab@4 |printer/, "those are its origin's, and stay");
  store.take([{ type: "image-gone", id: fitted.id }]);
  const { warnings } = planOf(inventory.forgetAction(two));
  assert.match(warnings.join("\n"), /SSH host keys.*The history stays/s);
});

test("of a PC's own fields those are sent that change, and one that is gone is taken away", () => {
  const pc = { ...one, fields: { PRINTER: "east", DESK: "4" } };
  const [body, line] = sent(inventory.editAction(store, pc), { fields: "PRINTER=west wing\n" });
  assert.deepEqual(body, { fields: { PRINTER: "west wing", DESK: "" } });
  assert.equal(line, `roomcast pc set ${one.name} --field 'PRINTER=west wing' DESK=`);
  assert.match(
    planOf(inventory.editAction(store, pc), { fields: "4x=y" }).refused ?? "",
    /NAME=VALUE/,
  );
  assert.equal(
    planOf(inventory.editAction(store, pc)).refused,
    "Nothing is changed yet.",
    "as it was is no change",
  );
});

test("an image is fitted to a class of disks, as a restore to such a disk would have it", () => {
  const action = images.fitAction(store, image);
  const { calls, commands, work } = planOf(action, { size: "240057409536" });
  assert.deepEqual(calls, [
    { method: "post", path: `/images/${image.id}/fit`, body: { diskBytes: 240_057_409_536 } },
  ]);
  assert.deepEqual(commands, ["roomcast image fit win11-lab@4 --disk-size 240GB"]);
  assert.equal(work, "Fitting win11-lab@4 to 240GB");
  assert.match(planOf(action, { size: "1TB" }).refused ?? "", /it fits as it is/);
  assert.match(
    planOf(action, { size: "1GB" }).refused ?? "",
    /needs .*GB, and cannot be made to fit 1.0 GB; choose a larger size/,
  );
  assert.match(planOf(action, { size: "small" }).refused ?? "", /Give a size/);
});
