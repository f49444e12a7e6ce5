/** Each order of the page shows a command that the command line takes, and sends what its word confirms. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { roomcastProgram } from "../../client/cli/program.ts";
import type { Action, Plan } from "../../client/page/orders/action.ts";
import * as pcs from "../../client/page/orders/pcs.ts";
import { castAction, restoreAction } from "../../client/page/orders/restore.ts";
import * as rooms from "../../client/page/orders/rooms.ts";
import * as sessions from "../../client/page/orders/sessions.ts";
import * as stock from "../../client/page/orders/stock.ts";
import { Store } from "../../client/page/store.ts";
import { assert as holds } from "../../core/errors.ts";
import type { OperatorView } from "../../core/wire/api.ts";
import { pcOf } from "../client/console/fake-lab.ts";
import { restoringRoom } from "./scenes.ts";

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
      ...{ delta: "yes", start: "all", verify: "written", personalise: "", canary: "2", fit: "" },
      // biome-ignore lint/suspicious/noThenProperty: the field's name.
      then: "boot-disk",
    },
  ],
  ["cast", castAction(store, one, whole), { saveAs: "copy" }],
  ["capture", pcs.captureAction(store, one), { name: "fresh", raw: "yes" }],
  ...(["wake", "reboot", "poweroff", "boot-disk"] as const).map(
    (power) => [power, pcs.powerAction(store, two, power)] as const,
  ),
  ["wipe", pcs.wipeAction(store, two), { method: "zero" }],
  [
    "name and place",
    pcs.editAction(store, one),
    { name: "a1", room: "new-room", seat: "", address: "10.0.0.7/24" },
  ],
  ["move", pcs.moveAction(store, two), { room: "default" }],
  ["admit", pcs.admitAction(two)],
  ["revoke", pcs.revokeAction(two)],
  ["forget", pcs.forgetAction(two)],
  ["identify", pcs.identifyAction(pcOf(7, { doubt: [{ id: "id1", name: "pc01" }] }))],
  ["identify as new", pcs.identifyAction(pcOf(7, { doubt: [] })), { as: "" }],
  ["start", sessions.startAction(session)],
  ["stop", sessions.stopAction(session)],
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
  ["import", rooms.importAction(room), { csv: "name,mac\n" }],
  ["wake a room", rooms.wakeRoomAction(room)],
  ["delete an image", stock.deleteImageAction(image)],
  ["add a step", stock.addStepAction(image), { name: "printer.sh", script: "true" }],
  ["remove a step", stock.removeStepAction(image, "printer.sh")],
  ["schedule", stock.scheduleAction(store, null), { zone: "Europe/Berlin", delta: "yes" }],
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

/** The words of a line as a shell would split it; there are no other quotes than '…'. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|[^\s']+/g)].map(([word, quoted]) => quoted ?? word);

for (const [name, action, values] of orders) {
  test(`${name}: its command is one of the command line's`, async () => {
    const { commands, calls, refused, done } = planOf(action, values);
    assert.equal(refused, null);
    assert(commands.length > 0 && calls.length > 0 && done !== "");
    for (const line of commands) {
      let ran = 0;
      const program = roomcastProgram("vt100", "/tmp", async () => void ran++);
      for (const each of [program, ...descendants(program)])
        each.exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} });
      const [first, ...words] = wordsOf(line);
      assert.equal(first, "roomcast");
      await program.parseAsync(words, { from: "user" });
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
