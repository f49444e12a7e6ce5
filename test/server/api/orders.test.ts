/** What is asked of one server of a campus, and done by another: two whole servers, in memory. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Role } from "../../../core/wire/api.ts";
import { orderBytesLimit, serverHeader } from "../../../core/wire/campus-order.ts";
import { memberOf, sessionOf } from "../../client/console/fake-lab.ts";
import { MemoryOrders } from "../campus/memory-orders.ts";
import { MemoryRooms } from "../campus/memory-rooms.ts";
import { orderOf } from "../campus/order-tables-contract.ts";
import { until } from "../campus/registry-contract.ts";
import { helloOf, loginOf, register } from "../lab/hello.ts";
import { mib, write } from "../store/write-image.ts";
import { type Member, openMember } from "./campus-member.ts";
import type { Method } from "./open-api.ts";

const memory = new MemoryRooms();
const orders = new MemoryOrders(memory);
let alpha: Member;
let beta: Member;
const tokens = {} as Record<Role, string>;

before(async () => {
  alpha = await openMember("alpha", memory, orders, { trust: "tokens" });
  beta = await openMember("beta", memory, orders);
  for (const role of ["viewer", "operator", "admin"] as const)
    tokens[role] = (await alpha.api.operators.add(`a-${role}`, role)).token;
  register(alpha.api.lab.inventory, helloOf("52:54:00:00:00:0a"));
  await beta.api.call("POST", "/rooms", { name: "lab1" });
  for (const last of [1, 2]) {
    const { lab } = beta.api;
    const login = loginOf(helloOf(`52:54:00:00:00:0${last}`), { kind: "tpm" });
    const { pc } = lab.connections.login(login);
    lab.connections.connected(pc, login);
    lab.pcs.admit(pc, null, "ann");
    lab.pcs.set(pc, { room: "lab1" }, "ann");
  }
  await write(beta.api.images, [new Uint8Array(mib)], "base");
  await until(() => alpha.rooms.status().servers.length === 2);
  await until(() => alpha.rooms.status().servers.every(({ address }) => address !== null));
});

after(async () => {
  await alpha.api.close();
  await beta.api.close();
});

/** At alpha, for the server that is named. */
async function at(server: string, role: Role, method: Method, path: string, body?: object) {
  const answer = await alpha.api.app.inject({
    ...{ method, url: `/api/v1${path}` },
    headers: { authorization: `Bearer ${tokens[role]}`, [serverHeader]: server },
    ...(body === undefined ? {} : { payload: body }),
  });
  const isJson = /json/.test(String(answer.headers["content-type"]));
  return { status: answer.statusCode, body: isJson ? answer.json() : answer.body, answer };
}

const newest = async ({ api }: Member, token?: string) => {
  const { body } = await api.call("GET", "/history?limit=1", undefined, token);
  return body.at(-1) as { text: string; operator: string; session: string; room: string };
};

test("what another server has is answered as that one answers it", async () => {
  const there = await beta.api.call("GET", "/pcs");
  const { body, status, answer } = await at("beta", "viewer", "GET", "/pcs");
  assert.deepEqual([status, body.length], [200, 2]);
  assert.deepEqual(
    body.map(({ name }: { name: string }) => name),
    there.body.map(({ name }: { name: string }) => name),
  );
  assert.match(String(answer.headers["content-type"]), /^application\/json/);
  const list = await at("beta", "operator", "GET", "/rooms/lab1/export");
  assert.match(list.body, /^name,seat,mac/);
  assert.match(String(list.answer.headers["content-type"]), /^text\/csv/);
  const none = await at("beta", "viewer", "GET", "/sessions/s99");
  assert.deepEqual(none.body, (await beta.api.call("GET", "/sessions/s99")).body);
  assert.equal(none.status, 404);
  const bent = await at("beta", "operator", "POST", "/rooms", { name: "../etc" });
  assert.deepEqual([bent.status, bent.body.code], [400, "usage"]);
});

test("a server that is named by its own name does it as ever, and without a header nothing goes elsewhere", async () => {
  const { body } = await at("alpha", "viewer", "GET", "/pcs");
  assert.equal(body[0].mac, "52:54:00:00:00:0a");
  const { body: plain } = await alpha.api.call("GET", "/pcs", undefined, tokens.viewer);
  assert.deepEqual(plain, body);
});

test("a restore that is ordered at one server begins at the other, with its operator's name", async () => {
  const request = { kind: "restore", image: "base", room: "lab1", overwrite: "lab1" };
  const { status, body } = await at("beta", "operator", "POST", "/sessions", request);
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual([body.kind, body.room, body.members.length], ["restore", "lab1", 2]);
  assert.equal(beta.api.lab.sessions.find(body.id).room, "lab1");
  assert.equal(alpha.api.lab.sessions.views().length, 0);
  const there = await newest(beta);
  assert.equal(there.operator, "a-operator, at alpha");
  assert.match(there.text, /^a-operator, at alpha: restore an image, .*image=base room=lab1/);
  const here = await newest(alpha, tokens.viewer);
  assert.equal(here.operator, "a-operator");
  assert.match(here.text, /^a-operator from 127.0.0.1: restore an image, .* at beta, .*room=lab1/);
  assert.deepEqual([here.session, here.room], [null, null]);
  const stopped = await at("beta", "operator", "POST", `/sessions/${body.id}/stop`, {});
  assert.equal(stopped.status, 200);
  assert.notEqual(beta.api.lab.sessions.find(body.id).endedAt, null);
  assert.equal(orders.rows.size, 0);
});

test("the sessions of another server come without what was done to each system, if that is asked for", async (t) => {
  const step = { name: "grow", result: "done" as const, detail: "to 500 GB", files: [] };
  const view = sessionOf([memberOf(1, { steps: [step] })]);
  t.mock.method(beta.api.lab.sessions, "views", () => [view]);
  const listed = async (query: string) =>
    (await at("beta", "viewer", "GET", `/sessions${query}`)).body;
  assert.deepEqual(await listed(""), [view]);
  assert.deepEqual(await listed("?brief=true"), [sessionOf([memberOf(1)])]);
});

test("who may not do it here does not do it elsewhere, and is told so here", async () => {
  const before = orders.rows.size;
  const rooms = beta.api.lab.inventory.rooms();
  const refused = await at("beta", "viewer", "POST", "/rooms", { name: "lab9" });
  assert.deepEqual([refused.status, refused.body.code], [403, "refused"]);
  assert.match(refused.body.message, /a-viewer is a viewer/);
  assert.match(
    (await newest(alpha, tokens.viewer)).text,
    /: create a room at beta \(refused: 403\)$/,
  );
  assert.deepEqual([beta.api.lab.inventory.rooms(), orders.rows.size], [rooms, before]);
});

test("what needs an admin, what is secret and what goes on and on is asked of the server itself", async () => {
  for (const [method, path, body] of [
    ["POST", "/trust/rotate", {}],
    ["POST", "/images/base/steps", { name: "s", script: "x" }],
    ["POST", "/rooms/lab1/move", { server: "beta" }],
    ["GET", "/trust"],
    ["GET", "/events"],
    ["GET", "/login"],
    ["POST", "/logout", {}],
    ["GET", "/pcs/pc1/shell?term=x&columns=80&lines=24"],
    ["POST", "/rooms/lab1/wall-link", {}],
    ["POST", "/images/base/verify", {}],
    ["GET", "/images/base/disk.zst"],
    ["POST", "/imports", { name: "x" }],
    ["PATCH", "/rooms/lab1", { pin: "2468" }],
  ] as const) {
    const answer = await at("beta", "admin", method, path, body);
    assert.deepEqual([answer.status, answer.body.code], [403, "refused"], path);
    assert.match(answer.body.message, /cannot be asked of beta through another server/, path);
    assert.equal(
      answer.body.next,
      "ask beta itself, where your token and password count as they do here: https://beta:8443",
      path,
    );
  }
  assert.equal(orders.rows.size, 0);
  // A PIN that is taken away is none.
  assert.equal((await at("beta", "admin", "PATCH", "/rooms/lab1", { pin: null })).status, 200);
});

test("what all servers have alike is done here, and is not asked of another", async () => {
  for (const [method, path, body] of [
    ["GET", "/operators"],
    ["POST", "/operators", { name: "eve", role: "admin" }],
    ["DELETE", "/operators/a-viewer"],
    ["POST", "/ssh-keys", { name: "eve", key: "x" }],
  ] as const) {
    const { status, body: refusal } = await at("beta", "admin", method, path, body);
    assert.deepEqual([status, refusal.code], [403, "refused"], path);
    assert.match(refusal.message, /have one list, which is the same at beta as here$/, path);
    assert.match(refusal.next, /^do it here: leave out --server-name/, path);
  }
  assert.equal(orders.rows.size, 0);
});

test("a room that shall move to another server is asked for there, at an address that is named", async () => {
  const { status, body } = await at("alpha", "admin", "POST", "/rooms/lab1/move", {
    server: "beta",
  });
  assert.deepEqual([status, body.code], [403, "refused"]);
  assert.match(body.message, /by the word of the server that takes it, and this one is alpha/);
  assert.equal(body.next, "do it at beta: https://beta:8443");
});

test("a server that is not there is named, and what is too large is refused", async () => {
  const unknown = await at("gamma", "viewer", "GET", "/pcs");
  assert.deepEqual([unknown.status, unknown.body.code], [404, "not-found"]);
  assert.match(unknown.body.message, /no server gamma/);
  const large = { csv: "x".repeat(orderBytesLimit) };
  const refused = await at("beta", "operator", "POST", "/rooms/lab1/import", large);
  assert.equal(refused.body.code, "refused");
  assert.match(refused.body.message, /at most 1048576 bytes/);
});

test("whoever writes orders into the database gets no more than an operator has", async () => {
  const tables = orders.tables();
  const answered = async (more: object) => {
    const order = orderOf({ from: "alpha", to: "beta", body: null, ...more });
    await tables.give(order);
    await until(() => orders.look(order.id)?.name === "answered");
    const seen = orders.look(order.id);
    assert(seen?.name === "answered");
    orders.rows.delete(order.id);
    return seen.answer;
  };
  const operators = () => beta.api.operators.list().length;
  const before = operators();
  for (const [more, status] of [
    [{ method: "GET", path: "/status" }, 200],
    [{ role: "admin", path: "/operators", body: '{"name":"eve","role":"admin"}' }, 400],
    [{ path: "/operators", body: '{"name":"eve","role":"admin"}' }, 403],
    [{ method: "GET", path: "/events" }, 403],
    [{ method: "GET", path: "/trust" }, 403],
    [{ method: "PATCH", path: "/rooms/lab1", body: '{"pin":"2468"}' }, 403],
    [{ method: "GET", path: "/../../metrics" }, 404],
    [{ method: "GET", path: "http://beta/api/v1/status" }, 400],
    [{ method: "TRACE", path: "/status" }, 400],
    [{ operator: "root: said\nso" }, 400],
    [{ role: "viewer", path: "/rooms", body: '{"name":"lab8"}' }, 403],
  ] as const) {
    const { status: found, body } = await answered(more);
    assert.equal(found, status, `${JSON.stringify(more)}: ${body}`);
  }
  assert.equal(operators(), before);
  assert(!beta.api.lab.inventory.hasRoom("lab8"));
});

test("an order that is given again, or whose answer is written again, is not done again", async () => {
  const tables = orders.tables();
  const order = orderOf({ from: "alpha", to: "beta", path: "/rooms", body: '{"name":"lab7"}' });
  await tables.give(order);
  await until(() => orders.look(order.id)?.name === "answered");
  assert.equal((await beta.api.call("DELETE", "/rooms/lab7")).status, 204);
  await tables.give(order);
  await tables.give(order);
  assert.equal((await at("beta", "viewer", "GET", "/rooms/lab7")).status, 404);
  orders.rows.delete(order.id);
});

test("a server that belongs to no campus asks nobody", async () => {
  const { openApi } = await import("./open-api.ts");
  await using alone = await openApi("local");
  const headers = { [serverHeader]: "beta" };
  const answer = await alone.app.inject({ method: "GET", url: "/api/v1/pcs", headers });
  assert.deepEqual([answer.statusCode, answer.json().code], [403, "refused"]);
  assert.match(answer.json().message, /belongs to no campus/);
});

test("a server that is silent is said to be so, with since when, and the database too", async () => {
  const since = new Date(memory.now).toISOString();
  await beta.orders.close();
  await beta.rooms.close();
  memory.now += 20_000;
  await until(() => alpha.rooms.status().servers.some(({ away }) => away !== null));
  const { status, body } = await at("beta", "operator", "POST", "/rooms", { name: "lab6" });
  assert.deepEqual([status, body.code], [503, "away"]);
  assert(body.message.includes(`beta was not heard since ${since}`), body.message);
  assert.match(body.next, /nothing was done there/);
});
