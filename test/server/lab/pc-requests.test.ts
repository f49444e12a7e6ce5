/** What people at PCs ask for: what a PIN allows, what waits for an operator, and what one yes is worth. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { triesAtPc, triesInRoom } from "../../../core/trust/pin-tries.ts";
import { requestLife } from "../../../core/trust/requests.ts";
import type { AgentMessage } from "../../../core/wire/agent-message.ts";
import type { ServerMessage } from "../../../core/wire/server-message.ts";
import type { DiskView } from "../../../core/wire/views.ts";
import { rightFor } from "../../../server/lab/menus.ts";
import { openApi, type TestApi } from "../api/open-api.ts";
import { mib, write } from "../store/write-image.ts";
import { helloOf, loginOf } from "./hello.ts";

const disk = (path: string, serial: string): DiskView => ({
  ...{ path, serial, size: 8 * mib, logicalSector: 512, model: "D", wwn: null, transport: "sata" },
  ...{ rotational: false, health: null, protection: null },
});

let api: TestApi;
/** What each PC was told, in its order. */
let told: [pc: string, message: ServerMessage][];
/** PCs by their number. */
let ids: string[];
const online = new Set<string>();

type Want = Extract<AgentMessage, { type: "ask" }>["want"];
const restore: Want = { action: "restore", image: "lab", disk: "/dev/sda" };
const wipe: Want = { action: "wipe", method: "zero", disk: "/dev/sda" };
const capture: Want = { action: "capture", name: "new", disk: "/dev/sda" };
const cast: Want = { action: "cast", room: "default", saveAs: null, disk: "/dev/sda" };
const everything = [restore, wipe, capture, cast];

const idOf = (pc: number): string => ids[pc] ?? assert.fail();
const ask = (want: Want, pc = 0): void =>
  api.lab.connections.message(idOf(pc), { type: "ask", want });
const sessions = (): string[] => api.lab.sessions.views().map(({ kind }) => kind);
const messages = <T extends ServerMessage["type"]>(type: T, pc = 0) =>
  told
    .filter(([id, message]) => id === idOf(pc) && message.type === type)
    .map(([, message]) => message as Extract<ServerMessage, { type: T }>);
const lastNotice = (pc = 0): string => messages("notice", pc).at(-1)?.text ?? "";
const history = (): string =>
  api.state
    .events({ limit: 999 })
    .map(({ text }) => text)
    .join("\n");
const stopAll = (): void => {
  for (const { id } of api.lab.sessions.views()) api.lab.sessions.stop(id);
};

function connect(number: number): string {
  const mac = `52:54:00:00:00:0${number}`;
  const disks = [disk("/dev/sda", `S${number}`), disk("/dev/sdb", `T${number}`)];
  const hello = helloOf(mac, { identity: { uuid: null, serials: [mac], macs: [mac] }, disks });
  const login = loginOf(hello, { kind: "tpm" });
  const { pc } = api.lab.connections.login(login);
  online.add(pc);
  api.lab.connections.connected(pc, login);
  api.lab.pcs.admit(pc, null, "ann");
  return pc;
}

function lose(pc: number): void {
  online.delete(idOf(pc));
  api.lab.connections.lost(idOf(pc), "gone");
}

/** Types a PIN, and waits until it is checked. */
async function type(pin: string, pc = 0): Promise<string> {
  const before = messages("notice", pc).length;
  api.lab.connections.message(idOf(pc), { type: "unlock", pin });
  for (let tries = 0; messages("notice", pc).length === before; tries++) {
    assert(tries < 500, "nothing was answered");
    await sleep(10);
  }
  return lastNotice(pc);
}

beforeEach(async () => {
  told = [];
  online.clear();
  const agents = {
    isConnected: (pc: string) => online.has(pc),
    send: (pc: string, message: ServerMessage) => {
      told.push([pc, message]);
      return true;
    },
    sendBytes() {},
    disconnect() {},
    refusedLogins: new Map<string, number>(),
  };
  api = await openApi("local", { agents });
  await write(api.images, [new Uint8Array(randomBytes(mib))]);
  ids = [connect(0), connect(1)];
});
afterEach(() => api.close());

test("without PIN and yes nothing that is asked for is done; stopping, leaving and withdrawing always are", () => {
  for (const want of everything) {
    ask(want);
    assert.deepEqual(sessions(), [], want.action);
    assert.equal(api.lab.requests.list().length, 1);
    assert.notEqual(messages("waiting").at(-1)?.what, null);
    ask({ action: "withdraw" });
    assert.equal(messages("waiting").at(-1)?.what, null);
    assert.deepEqual(api.lab.requests.list(), []);
  }
  ask({ action: "boot-disk" });
  assert.equal(api.lab.inventory.get(idOf(0))?.nextBoot, "local-disk");
});

test("a room that is set to ask nobody does it at once", async () => {
  await api.lab.rooms.set("default", { ask: "free" });
  ask(capture);
  assert.deepEqual(sessions(), ["capture"]);
  assert.match(history(), /was asked at its menu, where nobody has to say yes, to store its disk/);
});

test("the menu's PIN allows the PC's own disk, and the instructor's the images and the room, too", async () => {
  const pins = { pin: "2468", instructorPin: "97531" };
  assert.equal((await api.call("PATCH", "/rooms/default", pins)).status, 200);
  assert.deepEqual(messages("menu").at(-1), {
    ...{ type: "menu", pins: { menu: true, instructor: true }, right: null },
  });
  assert.doesNotMatch(JSON.stringify(told), /salt|hash/, "nothing of a PIN goes to a PC");
  assert.match(await type("1111"), /That was not the room's PIN\. 4 more tries/);
  assert.match(await type("2468"), /That was the room's PIN: it holds for 10 min/);
  assert.equal(messages("menu").at(-1)?.right, "menu");
  ask(wipe);
  assert.deepEqual(sessions(), ["wipe"]);
  stopAll();
  ask(capture);
  assert.deepEqual(sessions(), ["wipe"], "it waits");
  ask({ action: "withdraw" });
  await type("97531");
  ask(capture);
  assert.deepEqual(sessions(), ["wipe", "capture"]);
  ask(wipe, 1);
  assert.deepEqual(sessions(), ["wipe", "capture"], "at another PC nothing was typed");
  assert.match(history(), /its menu was opened with the instructor's PIN/);
  assert.doesNotMatch(history(), /2468|97531|1111/);
});

test("what a PIN allows ends with the connection, the PIN, the room, and ten minutes without use", async (t) => {
  const right = (): unknown => messages("menu").at(-1)?.right;
  await api.lab.rooms.set("default", { pin: "2468" });
  await type("2468");
  lose(0);
  connect(0);
  assert.equal(right(), null, "the connection");
  await type("2468");
  await api.lab.rooms.set("default", { pin: "2468" });
  assert.equal(right(), null, "the PIN was set anew");
  await type("2468");
  await api.lab.rooms.create("lab2");
  api.lab.pcs.set(idOf(0), { room: "lab2" }, "ann");
  ask(wipe);
  assert.deepEqual(sessions(), [], "the room");
  ask({ action: "withdraw" });
  api.lab.pcs.set(idOf(0), { room: "default" }, "ann");
  assert.equal(
    api.lab.menus.rightOf(api.lab.inventory.find(idOf(0))),
    null,
    "it does not come back",
  );
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { promise, resolve } = Promise.withResolvers<void>();
  const poll = setInterval(() => right() === "menu" && resolve(), 10);
  api.lab.connections.message(idOf(0), { type: "unlock", pin: "2468" });
  await promise;
  clearInterval(poll);
  t.mock.timers.tick(rightFor - 1);
  ask(wipe);
  assert.deepEqual(sessions(), ["wipe"]);
  stopAll();
  t.mock.timers.tick(rightFor - 1);
  assert.equal(right(), "menu", "it was used");
  t.mock.timers.tick(1);
  assert.equal(right(), null);
});

test("a PIN that is checked while its PC connects anew opens nothing, and counts", async () => {
  await api.lab.rooms.set("default", { pin: "2468" });
  api.lab.connections.message(idOf(0), { type: "unlock", pin: "2468" });
  api.lab.connections.message(idOf(0), { type: "unlock", pin: "1111" });
  assert.match(lastNotice(), /still being checked/);
  lose(0);
  connect(0);
  await sleep(500);
  assert.equal(messages("menu").at(-1)?.right, null);
});

test("five wrong PINs make a PC wait, thirty shut the room's menus until an operator opens them", async () => {
  await api.lab.rooms.set("default", { pin: "2468" });
  await type("2468", 1);
  let said = "";
  for (let tries = 0; tries < triesAtPc; tries++) said = await type("1111");
  assert.match(said, /This PC takes the next PIN in 1 min 00 s/);
  assert.match(await type("2468"), /takes the next PIN/);
  for (let number = 2; number < 7; number++) {
    ids.push(connect(number));
    for (let tries = 0; tries < triesAtPc; tries++) said = await type("1111", number);
  }
  assert.equal((ids.length - 1) * triesAtPc, triesInRoom);
  assert.match(said, /its menus are shut for 60 min|shut for 1 h 00 min/);
  assert.equal(messages("menu", 1).at(-1)?.right, null, "also those that were open");
  assert.match(await type("2468", 1), /shut for/);
  assert.notEqual(api.lab.rooms.view("default").shutUntil, null);
  assert.match(history(), /its menus are shut: 30 wrong PINs within an hour/);
  assert.equal((await api.call("POST", "/rooms/default/unlock", {})).status, 200);
  assert.equal(api.lab.rooms.view("default").shutUntil, null);
  assert.match(await type("2468", 1), /That was the room's PIN/);
});

test("one yes is one order of what was shown, and only with its word", async () => {
  const events: unknown[] = [];
  api.lab.announcer.feed.listen((event) => void events.push(event));
  ask(restore);
  const [request] = (await api.call("GET", "/requests")).body;
  assert.match(request.what, /^restore lab@1 to its disk sda \(D, S0\)$/);
  assert.deepEqual([request.name, request.word], ["pc1", "pc1"]);
  assert.match(request.overwrites[0], /pc1 {2}\/dev\/sda .* serial S0/);
  const yes = `/requests/${request.id}/yes`;
  assert.equal((await api.call("POST", yes, {})).status, 403);
  assert.equal((await api.call("POST", yes, { overwrite: "pc2" })).status, 403);
  assert.deepEqual(sessions(), []);
  const { status, body } = await api.call("POST", yes, { overwrite: "pc1" });
  assert.deepEqual([status, body.kind, body.image], [200, "restore", "lab@1"]);
  assert.equal(lastNotice(), "The server's operator said yes.");
  assert.equal((await api.call("POST", yes, { overwrite: "pc1" })).status, 404, "once");
  stopAll();
  ask(restore);
  assert.deepEqual(sessions(), ["restore"], "and nothing after it");
  assert.deepEqual(
    events.flatMap((event) => {
      const { type } = event as { type: string };
      return type.startsWith("request") ? [type] : [];
    }),
    ["request", "request-gone", "request"],
  );
  assert.match(history(), /asks to restore lab@1[\s\S]*local said yes: restore lab@1/);
});

test("a no, another connection, and a newer version: what was shown is what is done, or nothing", async () => {
  ask(restore);
  const [first] = api.lab.requests.list();
  await write(api.images, [new Uint8Array(randomBytes(mib))]);
  const { body } = await api.call("POST", `/requests/${first?.id}/yes`, { overwrite: "pc1" });
  assert.equal(body.image, "lab@1", "lab@2 was not shown");
  stopAll();
  ask(restore, 1);
  const [second] = api.lab.requests.list();
  lose(1);
  connect(1);
  assert.deepEqual(api.lab.requests.list(), []);
  const late = await api.call("POST", `/requests/${second?.id}/yes`, { overwrite: "pc2" });
  assert.equal(late.status, 404);
  ask(wipe, 1);
  const [third] = api.lab.requests.list();
  assert.equal((await api.call("POST", `/requests/${third?.id}/no`, {})).status, 204);
  assert.equal(lastNotice(1), "The server's operator said no.");
  assert.deepEqual(sessions(), ["restore"]);
});

test("a cast waits with the disks that it overwrites; with other PCs in the room it needs a new yes", async () => {
  ask(cast);
  const [request] = api.lab.requests.list();
  assert.equal(request?.word, "default");
  assert.equal(request.overwrites.length, 1);
  assert.match(request.overwrites[0] ?? "", /^pc2 {2}/);
  ids.push(connect(2));
  const yes = await api.call("POST", `/requests/${request.id}/yes`, { overwrite: "default" });
  assert.deepEqual([yes.status, yes.body.code], [409, "conflict"]);
  assert.deepEqual([sessions(), api.lab.requests.list()], [[], []]);
  assert.match(lastNotice(), /could not do it: the PCs of room default are others by now/);
  ask(cast);
  const [again] = api.lab.requests.list();
  assert.equal(again?.overwrites.length, 2);
  await api.call("POST", `/requests/${again.id}/yes`, { overwrite: "default" });
  assert.deepEqual(sessions(), ["cast"]);
});

test("what makes no sense is refused at the PC, and no operator is asked", () => {
  for (const [want, reason] of [
    [{ ...restore, image: "nothing" }, /there is no image "nothing"/],
    [{ ...wipe, disk: "/dev/sdz" }, /no disk \/dev\/sdz/],
    [{ ...cast, room: "lab9" }, /this PC is in room default now/],
  ] as const) {
    ask(want);
    assert.match(lastNotice(), reason);
  }
  ask(wipe);
  ask(wipe);
  assert.match(lastNotice(), /has asked for something already/);
  assert.equal(api.lab.requests.list().length, 1);
});

test("a request that nobody answers ends after ten minutes", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { now } = performance;
  ask(wipe);
  t.mock.method(performance, "now", () => now.call(performance) + requestLife);
  t.mock.timers.tick(requestLife);
  assert.deepEqual(api.lab.requests.list(), []);
  assert.match(lastNotice(), /No operator has answered/);
  assert.match(history(), /nobody answered: erase its disk/);
});
