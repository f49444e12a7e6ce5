/** What operators are told is done is on the disk. Here it is full: from the call to its answer, and to what PCs are told. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { CastSender } from "../../../core/cast/ends.ts";
import { RoomcastError } from "../../../core/errors.ts";
import { bulkKind } from "../../../core/wire/bulk.ts";
import type { ServerMessage } from "../../../core/wire/server-message.ts";
import type { SessionView } from "../../../core/wire/views.ts";
import { counters, disk } from "../../core/session/play.ts";
import { helloOf, loginOf } from "../lab/hello.ts";
import { type SmallDisk, smallDisk } from "../small-disk.ts";
import { mib, write } from "../store/write-image.ts";
import { openApi, type TestApi } from "./open-api.ts";

let small: SmallDisk;
let api: TestApi;
let sent: { readonly pc: string; readonly message: ServerMessage }[];
let pcs: string[];
/** What the casts of the server were told. */
let cast: string[];

beforeEach(async () => {
  small = smallDisk();
  [sent, cast] = [[], []];
  api = await openApi("local", {
    folder: small.folder,
    openSender: async () => sender(),
    agents: {
      isConnected: () => true,
      refusedLogins: new Map(),
      send: (pc, message) => sent.push({ pc, message }) > 0,
      sendBytes() {},
      disconnect() {},
    },
  });
  await write(api.images, [new Uint8Array(randomBytes(mib))], "img");
  pcs = [1, 2, 3].map((number) => {
    const login = loginOf(helloOf(`52:54:00:00:00:0${number}`), { kind: "file" });
    const { pc } = api.lab.connections.login(login);
    api.lab.connections.connected(pc, login);
    return pc;
  });
  for (const pc of pcs) await ask(200, "POST", `/pcs/${pc}/admit`, {});
});
afterEach(async () => {
  await api.close();
  small[Symbol.dispose]();
});

function sender(): CastSender {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  return {
    ...{ join() {}, report() {}, announce() {}, rekey() {}, ended },
    leave: () => void cast.push("leave"),
    async close() {
      cast.push("close");
      resolve();
    },
  };
}

async function ask(status: number, ...call: Parameters<TestApi["call"]>) {
  const answer = await api.call(...call);
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  return answer.body;
}

const begin = (numbers: readonly number[], more: object = {}): readonly [string, object] => {
  const named = numbers.map((number) => `pc${number}`);
  return [
    "/sessions",
    { kind: "restore", image: "img", pcs: named, overwrite: named.join(), ...more },
  ];
};

/** The PC is ordered, says that it is ready, and what it is at. */
function work(pc: string, session: string): void {
  const attempt = 1;
  const report = { session, attempt, phase: "working", end: null } as const;
  const order = sent.find(
    ({ pc: to, message }) => to === pc && message.type === "restore",
  )?.message;
  assert(order?.type === "restore");
  const wants = { kind: bulkKind.wants, tag: order.cast.tag, payload: new Uint8Array(1) };
  api.lab.runner.equipment.takeFrame(pc, wants);
  api.lab.connections.message(pc, { type: "ready", session, attempt, disk, counters });
  api.lab.connections.message(pc, { type: "alive", state: "receiving", report });
}

const sentTo = (pc: string): string[] =>
  sent.flatMap(({ pc: to, message }) =>
    to === pc && "attempt" in message ? `${message.type} ${message.session}` : [],
  );

/** What a server that is started now would go on with. */
const resumed = (): string[] => api.state.journal.open().map(({ stored }) => `s${stored.number}`);

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1000 && !(await isSo()); tries++) await sleep(10);
  assert(await isSo(), JSON.stringify([cast, api.lab.sessions.views()]));
}

const noSpace = (body: { code: string; message: string; next: string }): void => {
  assert.equal(body.code, "no-space");
  assert.match(body.message, /state\.db \(append\): .*the disk is full/);
  assert(body.next.includes(`\`df ${small.folder}\``), body.next);
};

test("a stop: its PCs are told, the answer says what holds, and it is written when there is space", async () => {
  const { id } = await ask(200, "POST", ...begin([1, 2]));
  for (const pc of pcs.slice(0, 2)) work(pc, id);
  await until(async () => (await ask(200, "GET", `/sessions/${id}`)).state === "casting");
  small.fill();
  sent = [];
  const told = await ask(507, "POST", `/sessions/${id}/stop`);
  noSpace(told);
  assert.match(
    told.message,
    /^the stop of session s1 cannot be written down \(.*\): whoever is at work there is told to stop all the same, but goes on if the server is started anew/,
  );
  for (const pc of pcs.slice(0, 2)) assert.deepEqual(sentTo(pc), [`cancel ${id}`]);
  await until(() => cast.includes("close"));
  const shown: SessionView = await ask(200, "GET", `/sessions/${id}`);
  assert.deepEqual([shown.state, shown.endedAt], ["casting", null]);
  assert.deepEqual(resumed(), [id]);
  assert.match(api.lab.announcer.warnings.join(), /sessions stand still/);
  // Who has stopped is not ordered anew, and a stop that is said again is answered alike.
  api.lab.connections.message(pcs[0] as string, { type: "alive", state: "idle", report: null });
  assert.equal((await ask(507, "POST", `/sessions/${id}/stop`)).message, told.message);
  assert.deepEqual(sentTo(pcs[0] as string), [`cancel ${id}`]);
  await ask(507, "POST", ...begin([1]));
  small.free();
  await until(() => resumed().length === 0);
  assert.equal((await ask(200, "GET", `/sessions/${id}`)).state, "stopped");
  assert.equal((await ask(200, "POST", `/sessions/${id}/stop`)).state, "stopped");
  assert.deepEqual(api.lab.announcer.warnings, []);
});

test("a PC that is taken out is told, and no other", async () => {
  const { id } = await ask(200, "POST", ...begin([1, 2]));
  for (const pc of pcs.slice(0, 2)) work(pc, id);
  await until(async () => (await ask(200, "GET", `/sessions/${id}`)).state === "casting");
  small.fill();
  sent = [];
  const told = await ask(507, "POST", `/sessions/${id}/drop`, { pc: "pc2" });
  noSpace(told);
  assert.match(told.message, /^the removal of pc2 from session s1 cannot be written down/);
  assert.deepEqual([sentTo(pcs[0] as string), sentTo(pcs[1] as string)], [[], [`cancel ${id}`]]);
  small.free();
  const result = async () => {
    const { members }: SessionView = await ask(200, "GET", `/sessions/${id}`);
    return members.find(({ name }) => name === "pc2")?.result;
  };
  assert.equal(await result(), "pending");
  await until(async () => (await result()) === "stopped");
  await ask(200, "POST", `/sessions/${id}/stop`);
});

test("what begins work is not begun, not then and not later", async () => {
  const { id } = await ask(200, "POST", ...begin([1, 2], { start: "all" }));
  work(pcs[0] as string, id);
  await until(async () => (await ask(200, "GET", `/sessions/${id}`)).members[0].disk !== null);
  small.fill();
  sent = [];
  const before = await ask(200, "GET", "/sessions");
  for (const [path, body, what] of [
    [...begin([3]), /^the restore of img@1 to 1 PCs .*: nothing is begun$/],
    [
      "/captures",
      { pc: "pc3", name: "new" },
      /^writing the catalogue of the image store: the image store is full$/,
    ],
    [
      "/pcs/pc3/wipe",
      { method: "zero", overwrite: "pc3" },
      /^the wipe \(zero\) .*: nothing is begun$/,
    ],
    [`/sessions/${id}/start`, undefined, /^the start of session s1 .*: nothing has changed$/],
    [
      `/sessions/${id}/admit`,
      { pc: "pc3", overwrite: "pc3" },
      /^the admission of pc3 to session s1 .*: nothing/,
    ],
  ] as const) {
    const told = await ask(507, "POST", path, body);
    assert.equal(told.code, "no-space", told.message);
    assert.match(told.message, what);
  }
  assert.deepEqual(await ask(200, "GET", "/sessions"), before);
  small.free();
  await sleep(1500);
  assert.deepEqual(await ask(200, "GET", "/sessions"), before);
  assert.deepEqual(pcs.flatMap(sentTo), []);
  const texts = api.state.events({ limit: 100 }).map(({ text }) => text);
  assert.deepEqual(
    texts.filter((text) => /^(capture|wipe)/.test(text)),
    [],
  );
  assert.deepEqual(resumed(), [id]);
  // The number that nothing has had is the next one's.
  assert.equal((await ask(200, "POST", ...begin([3]))).id, "s2");
  assert.equal((await ask(200, "POST", `/sessions/${id}/start`)).state, "casting");
  for (const each of [id, "s2"]) await ask(200, "POST", `/sessions/${each}/stop`);
});

test("a disk that takes the session, and not that its PC is placed", async () => {
  const login = loginOf(helloOf("52:54:00:00:00:04"), { kind: "file" });
  const { pc } = api.lab.connections.login(login);
  api.lab.connections.connected(pc, login);
  const { savePc } = api.state;
  api.state.savePc = () => {
    throw new RoomcastError("no-space", "the disk is full", "free some");
  };
  const [path, body] = begin([4]);
  const told = await ask(507, "POST", path, { ...body, shown: [{ pc, code: login.code }] });
  assert.equal(
    told.message,
    "that pc4 is placed cannot be written down (the disk is full): session s1 has it all the same, and waits for it",
  );
  assert.equal(told.next, "free some; then `roomcast pc admit pc4`");
  assert.deepEqual([resumed(), sentTo(pc)], [["s1"], []]);
  api.state.savePc = savePc;
  await ask(200, "POST", "/pcs/pc4/admit", {});
  await until(() => sentTo(pc).length > 0);
  await ask(200, "POST", "/sessions/s1/stop");
});

test("what a verified PC leads to may wait, and stops nobody", async () => {
  const { id } = await ask(200, "POST", ...begin([1]));
  const pc = pcs[0] as string;
  work(pc, id);
  await until(async () => (await ask(200, "GET", `/sessions/${id}`)).state === "casting");
  const { savePc } = api.state;
  api.state.savePc = (record, when) => {
    if (when !== "soon") throw new RoomcastError("no-space", "the disk is full", "free some");
    savePc(record, when);
  };
  const { rootHash = "" } = api.images.find("img") ?? {};
  const end = { outcome: "verified", reason: null, next: null, rootHash, counters: null } as const;
  const report = { session: id, attempt: 1, phase: "done" as const, end };
  api.lab.connections.message(pc, { type: "alive", state: "idle", report });
  await until(async () => (await ask(200, "GET", `/sessions/${id}`)).state === "done");
  const saved = () => api.state.pcs().find((record) => record.id === pc)?.nextBoot;
  await until(() => saved() === "local-disk");
});
