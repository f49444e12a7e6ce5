/** Orders go to PCs that an operator has placed, and their words are the only ones that count. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { AgentMessage } from "../../../core/wire/agent-message.ts";
import type { ServerMessage } from "../../../core/wire/server-message.ts";
import type { Login } from "../../../server/lab/agents.ts";
import type { Lab } from "../../../server/lab/lab.ts";
import { diskOf } from "../../client/console/fake-lab.ts";
import { openApi, type TestApi } from "../api/open-api.ts";
import { mib, write } from "../store/write-image.ts";
import { hello, loginOf } from "./hello.ts";

/** The connections of a gate that has proven all keys: what is sent, and who is cut. */
const sent = new Map<string, ServerMessage[]>();
const cut: string[] = [];
let api: TestApi;
let lab: Lab;
let call: TestApi["call"];

beforeEach(async () => {
  sent.clear();
  cut.length = 0;
  api = await openApi("local", {
    agents: {
      isConnected: (pc) => sent.has(pc),
      send(pc, message) {
        sent.get(pc)?.push(message);
        return sent.has(pc);
      },
      sendBytes: () => {},
      disconnect: (pc) => void cut.push(pc),
      refusedLogins: new Map(),
    },
  });
  ({ lab, call } = api);
  await write(api.images, [new Uint8Array(randomBytes(mib))]);
});
afterEach(() => api.close());

const macs = (number: number): string => `52:54:00:00:00:0${number}`;
function connect(number: number, more: Parameters<typeof loginOf>[1] = {}): string {
  const said = { ...hello(macs(number), `u${number}`), disks: [diskOf(number)] };
  const login: Login = loginOf(said, {
    code: String(number).repeat(6),
    ...more,
  });
  const { pc } = lab.connections.login(login);
  sent.set(pc, []);
  lab.connections.connected(pc, login);
  return pc;
}
function leave(pc: string): void {
  sent.delete(pc);
  lab.connections.lost(pc, "gone");
}
const ordersTo = (pc: string): string[] =>
  (sent.get(pc) ?? []).flatMap(({ type }) =>
    ["restore", "capture", "cast", "wipe", "power", "shell-open"].includes(type) ? [type] : [],
  );
/** What is decided is sent once it is written, in the next turn. */
const settled = (): Promise<void> => sleep(20);
const restore = (body: object) =>
  call("POST", "/sessions", {
    kind: "restore",
    image: "lab",
    room: "default",
    overwrite: "default",
    ...body,
  });

test("an order to a room places the new PCs that were shown, with their codes, and leaves out who came since", async () => {
  const [shown, late] = [connect(1), connect(2)];
  const { status, body } = await restore({ shown: [{ pc: shown, code: "111111" }] });
  assert.equal(status, 200);
  await settled();
  assert.deepEqual([ordersTo(shown), ordersTo(late)], [["restore"], []]);
  assert.deepEqual(
    body.members.map(({ pc }: { pc: string }) => pc),
    [shown],
  );
  const { identity } = (await call("GET", `/pcs/${shown}`)).body;
  assert.deepEqual([identity.state, identity.level, identity.code], ["placed", "unproven", null]);
  assert.equal((await call("GET", `/pcs/${late}`)).body.identity.state, "waiting");
  const history = (await call("GET", `/history?session=${body.id}`)).body;
  assert(history.some(({ text }: { text: string }) => /left out: pc2 is new/.test(text)));
});

test("a PC that comes new into a restore that is under way gets nothing before it is placed", async () => {
  connect(1);
  await restore({});
  const late = connect(2);
  await settled();
  assert.deepEqual(ordersTo(late), []);
  await call("POST", `/pcs/${late}/admit`, { code: "222222" });
  await settled();
  assert.deepEqual(ordersTo(late), ["restore"]);
});

test("a code that has changed since it was shown admits nobody", async () => {
  const pc = connect(1);
  const { status, body } = await call("POST", `/pcs/${pc}/admit`, { code: "999999" });
  assert.deepEqual([status, body.code], [409, "conflict"]);
  assert.equal((await call("GET", `/pcs/${pc}`)).body.identity.state, "waiting");
});

test("who is in doubt gets no order, is left out of its room's, and is refused by name with what to do", async () => {
  const pc = connect(1, { kind: "tpm", key: "k1" });
  await call("POST", `/pcs/${pc}/admit`, {});
  const rogue = connect(1, { key: "k2", code: "777777" });
  assert.notEqual(rogue, pc);
  assert.equal((await restore({})).status, 200);
  await settled();
  assert.deepEqual([ordersTo(pc), ordersTo(rogue)], [["restore"], []]);
  for (const [method, path, body] of [
    ["POST", "/captures", { pc: rogue, name: "img" }],
    ["POST", `/pcs/${rogue}/power`, { action: "reboot" }],
    ["POST", `/pcs/${rogue}/wipe`, { method: "zero", overwrite: "pc2" }],
    ["POST", "/sessions", { kind: "restore", image: "lab", pcs: [rogue], overwrite: "pc2" }],
  ] as const) {
    const answer = await call(method, path, body);
    assert.deepEqual([answer.status, answer.body.code], [403, "refused"], path);
    assert.match(answer.body.next, /pc identify pc2/);
  }
  assert.throws(() => lab.shells.requireAllowed(lab.inventory.find(rogue), "ann"), /may be pc1/);
  await settled();
  assert.deepEqual(ordersTo(rogue), []);
});

test("a capture, a wipe, power and a shell place the new PC that they name", async () => {
  const [first, second, third, fourth] = [1, 2, 3, 4].map((number) => connect(number)) as [
    string,
    string,
    string,
    string,
  ];
  await call("POST", "/captures", { pc: first, name: "img" });
  const wipe = call("POST", `/pcs/${second}/wipe`, { method: "zero", overwrite: "pc2" });
  await call("POST", `/pcs/${third}/power`, { action: "reboot" });
  const size = { columns: 80, lines: 24 };
  lab.shells.open(lab.inventory.find(fourth), {
    ...{ operator: "ann", term: "xterm", size, show: () => {}, end: () => {} },
  });
  await settled();
  const got = [first, second, third, fourth].map(ordersTo);
  assert.deepEqual(got, [["capture"], ["wipe"], ["power"], ["shell-open"]]);
  lab.sessions.stop("s2");
  await wipe;
});

test("a wipe that nobody waits for is answered once it is ordered", async () => {
  const pc = connect(1);
  const order = { method: "zero", overwrite: "pc1", wait: false };
  const { status, body } = await call("POST", `/pcs/${pc}/wipe`, order);
  assert.deepEqual([status, body.kind, body.endedAt], [200, "wipe", null]);
  lab.sessions.stop(body.id);
});

test("in a room that admits placed, an order to a new PC is refused; pc set and the walk place it", async () => {
  await call("POST", "/rooms", { name: "lab1" });
  assert.equal((await call("GET", "/rooms/lab1")).body.settings.admit, "placed");
  await call("PATCH", "/rooms/default", { admit: "placed" });
  const [moved, walked] = [connect(1), connect(2)];
  const refused = await restore({});
  assert.deepEqual([refused.status, refused.body.code], [403, "refused"]);
  assert.match(refused.body.message, /nobody has placed pc1 yet; nobody has placed pc2 yet/);
  await call("PATCH", `/pcs/${moved}`, { name: "desk" });
  assert.equal((await call("GET", `/pcs/${moved}`)).body.identity.state, "waiting", "a name only");
  await call("PATCH", `/pcs/${moved}`, { room: "lab1" });
  await call("POST", "/rooms/lab1/walk", { on: true });
  lab.connections.message(walked, { type: "ask", want: { action: "take-seat" } });
  for (const pc of [moved, walked])
    assert.equal((await call("GET", `/pcs/${pc}`)).body.identity.state, "placed");
});

test("in a room that admits proven, a PC without a TPM gets nothing, and loses what it had", async () => {
  const [memory, tpm] = [connect(1), connect(2, { kind: "tpm" })];
  for (const pc of [memory, tpm]) await call("POST", `/pcs/${pc}/admit`, {});
  await call("PATCH", "/rooms/default", { admit: "proven" });
  await restore({});
  await settled();
  assert.deepEqual([ordersTo(memory), ordersTo(tpm)], [[], ["restore"]]);
  await call("PATCH", "/rooms/default", { admit: "placed" });
  await settled();
  assert.deepEqual(ordersTo(memory), ["restore"], "the room takes it in");
});

test("pc revoke cuts a PC off at once, and out of its session; it gets nothing until it is admitted, and all of it is told", async () => {
  const [pc, other] = [connect(1, { kind: "tpm" }), connect(2, { kind: "tpm" })];
  const orders = (to: string) =>
    (sent.get(to) ?? []).flatMap((each) => (each.type === "restore" ? [each] : []));
  const { body } = await restore({});
  await settled();
  assert.deepEqual(ordersTo(pc), ["restore"]);
  const [before] = orders(other);
  assert(before !== undefined);
  const report = { session: body.id, attempt: 1, phase: "working", end: null } as const;
  lab.connections.message(other, { type: "alive", state: "waiting", report });
  await call("POST", `/pcs/${pc}/revoke`, {});
  await settled();
  assert.deepEqual(cut, [pc]);
  const after = orders(other).at(-1);
  assert.notDeepEqual(after?.cast.keys, before.cast.keys, "the others get keys that it has not");
  leave(pc);
  assert.throws(() => connect(1, { kind: "tpm" }), /revoked/);
  const { members } = (await call("GET", `/sessions/${body.id}`)).body;
  const results = members.map((each: { pc: string; result: string }) => [each.pc, each.result]);
  assert.deepEqual(Object.fromEntries(results), { [pc]: "stopped", [other]: "pending" });
  await call("POST", `/pcs/${pc}/admit`, {});
  connect(1, { kind: "tpm" });
  await settled();
  assert.deepEqual(ordersTo(pc), [], "it was put out of the session by a person");
  await call("POST", `/sessions/${body.id}/stop`, {});
  leave(other);
  await settled();
  assert.equal((await restore({ room: null, pcs: [pc], overwrite: "pc1" })).status, 200);
  await settled();
  assert.deepEqual(ordersTo(pc), ["restore"]);
  const texts = (await call("GET", `/history?pc=${pc}`)).body.map(
    ({ text, operator }: { text: string; operator: string }) => `${operator}: ${text}`,
  );
  for (const text of ["local: the key of pc1 is revoked", "local: the key of pc1 is admitted"])
    assert(texts.includes(text), texts.join("\n"));
});

test("the words of a PC that waits, and of another than was ordered, count for nothing", async () => {
  const [pc, other] = [connect(1), connect(2)];
  const { body } = await call("POST", "/captures", { pc, name: "img" });
  await settled();
  const end = {
    outcome: "done",
    reason: null,
    next: null,
    rootHash: null,
    counters: null,
  } as const;
  const work = { session: body.id as string, attempt: 1 };
  const lies: AgentMessage[] = [
    { type: "alive", state: "idle", report: { ...work, phase: "done", end } },
    {
      ...{ type: "progress", ...work, phase: "capturing", counters: null },
      ...{ bytesDone: 0, bytesTotal: Number.MAX_SAFE_INTEGER },
    },
  ];
  const stateOf = async (): Promise<string> =>
    (await call("GET", `/sessions/${body.id}`)).body.state;
  for (const lie of lies) lab.connections.message(other, lie);
  await call("POST", `/pcs/${other}/admit`, {});
  for (const lie of lies) lab.connections.message(other, lie);
  await settled();
  const before = await stateOf();
  assert.notEqual(before, "failed", "another PC's size is none of this capture's");
  lab.connections.message(pc, {
    type: "alive",
    state: "idle",
    report: { ...work, phase: "done", end },
  });
  await settled();
  assert.equal(await stateOf(), "failed", "its own word ends it: no image was stored");
});

test("a waiting PC may ask for nothing, and one without a lasting key for nothing that reaches others", async () => {
  const [waiting, memory] = [connect(1), connect(2)];
  await call("POST", `/pcs/${memory}/admit`, {});
  const said = (pc: string): string | undefined =>
    sent
      .get(pc)
      ?.flatMap((message) => (message.type === "notice" ? [message.text] : []))
      .at(-1);
  lab.connections.message(waiting, {
    type: "ask",
    want: { action: "capture", name: "img", disk: "/dev/sda" },
  });
  assert.match(said(waiting) ?? "", /nobody has placed this PC yet/);
  lab.connections.message(waiting, { type: "unlock", pin: "2468" });
  assert.match(said(waiting) ?? "", /nobody has placed this PC yet/);
  await call("PATCH", "/rooms/default", { ask: "free" });
  const cast = { action: "cast", room: "default", saveAs: null, disk: "/dev/sda" } as const;
  lab.connections.message(memory, { type: "ask", want: cast });
  assert.match(lab.requests.list()[0]?.what ?? "", /cast its disk/, "an operator is asked");
  lab.connections.message(memory, { type: "ask", want: { action: "withdraw" } });
  lab.connections.message(memory, {
    type: "ask",
    want: { action: "capture", name: "img", disk: "/dev/sda" },
  });
  await settled();
  assert.deepEqual([ordersTo(waiting), ordersTo(memory)], [[], ["capture"]]);
});

test("what a waiting PC is told is its own: its name, and in a walk the next seat", async () => {
  await call("PATCH", "/rooms/default", { pin: "2468" });
  const pc = connect(1);
  const placed = sent.get(pc)?.find(({ type }) => type === "placed");
  assert.deepEqual(placed, {
    ...{ type: "placed", name: "pc1", room: "default", seat: null },
    ...{ shell: false, walk: null, level: "waiting", language: "en" },
  });
});

test("a PC of an older server that a session still wants is placed by that order when it proves its key", async () => {
  const old = lab.inventory.create(hello(macs(1), "u1"), "t", null);
  delete old.unplaced;
  lab.inventory.save(old);
  await restore({});
  const pc = connect(1, { kind: "tpm" });
  assert.equal(pc, old.id);
  await settled();
  assert.deepEqual(ordersTo(pc), ["restore"]);
});
