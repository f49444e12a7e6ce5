/** The API as programs meet it: what it refuses, and in which words. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fastify, { type FastifyInstance } from "fastify";
import { systemClock } from "../../../core/node/clock.ts";
import type { Hello } from "../../../core/wire/control.ts";
import { apiRoutes } from "../../../server/api/routes.ts";
import { Lab } from "../../../server/rooms/lab.ts";
import { openStateStore, type StateStore } from "../../../server/state/state-store.ts";
import { type ImageStore, openImageStore } from "../../../server/store/image-store.ts";

let folder: string;
let state: StateStore;
let images: ImageStore;
let lab: Lab;
let app: FastifyInstance;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "roomcast-api-"));
  state = openStateStore(folder);
  images = await openImageStore(join(folder, "store"));
  lab = new Lab({
    state,
    images,
    clock: systemClock,
    version: "test",
    openSender: () => Promise.reject(new Error("nothing is cast in this test")),
    wake: async () => {},
    log: () => {},
  });
  app = fastify({
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
  }) as unknown as FastifyInstance;
  await app.register(
    apiRoutes({ lab, images, status: () => Promise.reject(new Error("not asked here")) }),
    { prefix: "/api/v1" },
  );
  const hello: Hello = {
    type: "hello",
    protocol: 1,
    agentVersion: "1",
    instance: "i",
    name: null,
    identity: { uuid: null, serials: [], macs: [] },
    mac: "52:54:00:00:00:01",
    ip: null,
    firmware: null,
    secureBoot: null,
    nic: { driver: null, speedMbps: null },
    disks: [],
    memoryBytes: null,
    state: "idle",
    task: null,
  };
  lab.inventory.register(hello, () => false, systemClock.isoTime());
});

after(async () => {
  await app.close();
  await lab.close();
  await images[Symbol.asyncDispose]();
  state.close();
  await rm(folder, { recursive: true });
});

async function call(method: "GET" | "POST" | "PATCH" | "DELETE", path: string, body?: object) {
  const answer = await app.inject({
    method,
    url: `/api/v1${path}`,
    ...(body === undefined ? {} : { payload: body }),
  });
  return { status: answer.statusCode, body: answer.body === "" ? null : answer.json() };
}

test("what is there is listed in the contract's fields, unknown as null", async () => {
  const { body } = await call("GET", "/pcs");
  assert.deepEqual(Object.keys(body[0]), [
    ...["id", "mac", "macs", "name", "room", "seat", "state", "ip", "firmware", "secureBoot"],
    ...["agentVersion", "nic", "disks", "memoryBytes", "session", "lastSeen"],
  ]);
  assert.equal(body[0].firmware, null);
  assert.deepEqual((await call("GET", "/rooms")).body, [
    { name: "default", pcs: 1, online: 0, session: null },
  ]);
});

test("a call that destroys has to name what it destroys", async () => {
  const wish = { kind: "restore", image: "lab", room: "default" };
  assert.equal((await call("POST", "/sessions", wish)).status, 400);
  const wrong = await call("POST", "/sessions", { ...wish, overwrite: "lab1" });
  assert.deepEqual([wrong.status, wrong.body.code], [403, "refused"]);
  const wipe = await call("POST", "/pcs/pc1/wipe", { method: "zero", overwrite: "pc2" });
  assert.deepEqual([wipe.status, wipe.body.code], [403, "refused"]);
});

test("what is not there is named, with where to look", async () => {
  for (const [method, path] of [
    ["GET", "/pcs/nobody"],
    ["GET", "/images/nothing"],
    ["GET", "/sessions/s99"],
    ["DELETE", "/rooms/nowhere"],
    ["GET", "/else"],
  ] as const) {
    const { status, body } = await call(method, path);
    assert.equal(status, 404, path);
    assert.equal(body.code, "not-found");
    assert(body.next.length > 0);
  }
});

test("a body that does not fit is refused, not bent to fit", async () => {
  for (const [path, body] of [
    ["/captures", { pc: "pc1", name: "Not A Name" }],
    ["/captures", { pc: "pc1", name: "x", disk: 7 }],
    ["/rooms", { name: "../etc" }],
    ["/sessions", { kind: "restore", image: "a", room: "default", overwrite: "x", start: 0 }],
    ["/pcs/pc1/power", { action: "explode" }],
  ] as const) {
    const { status, body: said } = await call("POST", path, body);
    assert.equal(status, 400, `${path} ${JSON.stringify(body)}`);
    assert.equal(said.code, "usage");
  }
  assert.equal((await call("PATCH", "/pcs/pc1", { colour: "red" })).status, 400);
});

test("a PC that is not connected cannot be ordered about", async () => {
  const capture = await call("POST", "/captures", { pc: "pc1", name: "lab", disk: null });
  assert.deepEqual([capture.status, capture.body.code], [503, "unreachable"]);
  const reboot = await call("POST", "/pcs/pc1/power", { action: "reboot" });
  assert.equal(reboot.status, 503);
});

test("a PC is renamed and placed; names stay unique, rooms have to exist", async () => {
  assert.equal((await call("POST", "/rooms", { name: "lab1" })).status, 200);
  const moved = await call("PATCH", "/pcs/pc1", { name: "desk-1", room: "lab1", seat: "A1" });
  assert.deepEqual([moved.body.name, moved.body.room, moved.body.seat], ["desk-1", "lab1", "A1"]);
  assert.equal((await call("PATCH", "/pcs/desk-1", { room: "lab9" })).status, 404);
  assert.equal((await call("POST", "/rooms", { name: "lab1" })).status, 409);
  assert.equal((await call("DELETE", "/rooms/default")).status, 403);
  assert.equal((await call("DELETE", "/rooms/lab1")).status, 204);
  assert.equal((await call("GET", "/pcs/desk-1")).body.room, "default");
});
