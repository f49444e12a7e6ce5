/** The API as programs meet it: what it refuses, and in which words. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AjvCompiler } from "@fastify/ajv-compiler";
import { SerializerSelector } from "@fastify/fast-json-stringify-compiler";
import { exitStatus } from "../../../core/errors.ts";
import { seatGrid } from "../../../core/session/seats.ts";
import { roomDefaults } from "../../../core/wire/rooms.ts";
import type { Lab } from "../../../server/lab/lab.ts";
import type { PcRecord } from "../../../server/state/records.ts";
import type { StateStore } from "../../../server/state/state-store.ts";
import { writtenSchema } from "../../../server/written-schema.ts";
import { hello, helloOf, register } from "../lab/hello.ts";
import { openApi, type TestApi } from "./open-api.ts";

let api: TestApi;
let lab: Lab;
let state: StateStore;
let call: TestApi["call"];

before(async () => {
  api = await openApi("local");
  ({ lab, state, call } = api);
  register(lab.inventory, helloOf("52:54:00:00:00:01"));
});

after(() => api.close());

test("what is there is listed in the contract's fields, unknown as null", async () => {
  const { body } = await call("GET", "/pcs");
  assert.deepEqual(Object.keys(body[0]), [
    ...["id", "mac", "macs", "name", "room", "seat", "state", "ip", "firmware", "secureBoot"],
    ...["agentVersion", "nic", "disks", "memoryBytes", "session", "lastSeen", "doubt", "identity"],
    ...["address", "fields", "bootTrouble"],
  ]);
  assert.equal(body[0].firmware, null);
  assert.deepEqual((await call("GET", "/rooms")).body, [
    {
      ...{ name: "default", pcs: 1, online: 0, session: null },
      ...{
        settings: { ...roomDefaults, admit: "on-order" },
        pin: false,
        instructorPin: false,
        shutUntil: null,
      },
      ...{ seats: [], walk: null },
    },
  ]);
  assert.deepEqual(await call("GET", "/campus"), { status: 200, body: null });
  const { body: ofAll } = await call("GET", "/campus/rooms");
  const { server, owner, since, running } = ofAll[0];
  assert.deepEqual([ofAll.length, server, owner, since, running], [1, null, null, null, null]);
});

test("a call that destroys has to name what it destroys", async () => {
  const request = { kind: "restore", image: "lab", room: "default" };
  assert.equal((await call("POST", "/sessions", request)).status, 400);
  const wrong = await call("POST", "/sessions", { ...request, overwrite: "lab1" });
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
    [
      "/sessions",
      { kind: "restore", image: "a", pcs: ["pc1"], overwrite: "pc1", startTimeout: 1e7 },
    ],
    ["/pcs/pc1/power", { action: "explode" }],
  ] as const) {
    const { status, body: said } = await call("POST", path, body);
    assert.equal(status, 400, `${path} ${JSON.stringify(body)}`);
    assert.equal(said.code, "usage");
  }
  assert.equal((await call("PATCH", "/pcs/pc1", { colour: "red" })).status, 400);
});

test("a name that is refused is told in a sentence, with a name that would do", async () => {
  const { body: image } = await call("POST", "/captures", { pc: "pc1", name: "Büro 2" });
  assert.equal(image.message, '"Büro 2" cannot be the name of an image: it has "ü"');
  assert.match(image.next, /letters A-Z and a-z, digits, and \. _ - .*at most 63.*: Buro-2, say$/);
  const said = async (method: "POST" | "PATCH" | "PUT", path: string, body: object) =>
    (await call(method, path, body)).body.message;
  assert.match(await said("POST", "/rooms", { name: "lab 1" }), /name of a room: it has a space$/);
  assert.match(
    await said("PATCH", "/pcs/pc1", { name: ".pc" }),
    /name of a PC: it begins with "."$/,
  );
  const seats = [{ name: "A1/2", column: 0, row: 0 }];
  assert.match(
    await said("PUT", "/rooms/default/seats", { seats }),
    /name of a seat: it has "\/"$/,
  );
  const request = { name: "Jo", role: "admin" };
  assert.match(await said("POST", "/operators", request), /an operator: it begins with "J"$/);
});

test("whatever a body lacks or has too much, the answer is a sentence with the field", async () => {
  const restore = { kind: "restore", image: "a", room: "default", overwrite: "x" };
  for (const [path, body, message, next] of [
    ["/captures", { name: "x" }, "pc is missing", /text of 1 to 128 characters/],
    ["/captures", { pc: "pc1", name: 7 }, "name is 7", /letters A-Z/],
    ["/captures", { pc: "pc1", name: "x", colour: 1 }, 'the body has a field "colour"', /pc, name/],
    ["/captures", undefined, "the body is missing", /an object/],
    ["/sessions", { ...restore, kind: "burn" }, 'kind is "burn"', /restore or cast/],
    ["/sessions", { room: "default" }, "kind is missing", /restore or cast/],
    ["/sessions", { ...restore, start: 0 }, "start is 0", /whole number from 1/],
    ["/sessions", { ...restore, verify: "no" }, 'verify is "no"', /written or read-back/],
    ["/sessions", { ...restore, pcs: [""] }, 'pcs[0] is ""', /text of 1 to 128/],
    ["/rooms/default/wake", { timeout: 901 }, "timeout is 901", /a number from 0 up to 900/],
    ["/rooms/default/walk", { on: "yes" }, 'on is "yes"', /true or false/],
  ] as const) {
    const { status, body: said } = await call("POST", path, body);
    const sent = `${path} ${JSON.stringify(body)}: ${JSON.stringify(said)}`;
    assert.equal(status, 400, sent);
    assert(said.message.startsWith(message), sent);
    assert.match(said.next, next, sent);
    assert.doesNotMatch(said.message + said.next, /must |pattern|\^\[/, sent);
  }
  const pin = (await call("PATCH", "/rooms/default", { pin: "12" })).body;
  assert.deepEqual([pin.message, pin.next], ['pin is "12"', "it has to be text: 4 to 12 digits"]);
});

test("a PC that is not connected cannot be ordered about", async () => {
  const capture = await call("POST", "/captures", { pc: "pc1", name: "lab", disk: null });
  assert.deepEqual([capture.status, capture.body.code], [503, "pc-unreachable"]);
  assert.equal(exitStatus("pc-unreachable"), 1, "3 is for a server that is not reached");
  const reboot = await call("POST", "/pcs/pc1/power", { action: "reboot" });
  assert.equal(reboot.status, 503);
});

test("a MAC that may be one of two PCs is refused, and who tried is in the history", async () => {
  const dock = "52:54:00:00:00:99";
  const laptops = ["u1", "u2"].map((uuid) => register(lab.inventory, hello(dock, uuid)));
  const { status } = await call("POST", `/pcs/${dock}/power`, { action: "reboot" });
  assert.equal(status, 409);
  const told = (await call("GET", "/history?limit=1")).body[0];
  assert.deepEqual([told.pc, told.text.includes("refused: 409")], [dock, true]);
  for (const { id } of laptops) lab.inventory.forget(id);
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

test("a room is set setting by setting; its PIN goes in and never comes out", async () => {
  await call("POST", "/rooms", { name: "lab2" });
  const set = await call("PATCH", "/rooms/lab2", { shell: false, pin: "2468" });
  assert.deepEqual([set.body.settings, set.body.pin], [{ ...roomDefaults, shell: false }, true]);
  assert.doesNotMatch(JSON.stringify(set.body), /2468/);
  assert.doesNotMatch(JSON.stringify(state.rooms()), /2468/);
  const off = await call("PATCH", "/rooms/lab2", { pin: null, naming: "lab2-{seat}" });
  assert.deepEqual([off.body.settings.shell, off.body.pin], [false, false]);
  for (const change of [{ pin: "12" }, { shell: "on" }, { colour: "red" }, { naming: "desk" }]) {
    assert.equal((await call("PATCH", "/rooms/lab2", change)).status, 400, JSON.stringify(change));
  }
  assert.equal((await call("PATCH", "/rooms/lab9", { grow: "none" })).status, 404);
});

test("seats: a map, PCs in them, one PC a seat, and none without a place", async () => {
  const seats = seatGrid(2, 1);
  const room = await call("PUT", "/rooms/lab2/seats", { seats });
  assert.deepEqual(room.body.seats, [
    { name: "A1", column: 0, row: 0, pc: null },
    { name: "A2", column: 1, row: 0, pc: null },
  ]);
  assert.equal(
    (await call("PUT", "/rooms/lab2/seats", { seats: [...seats, seats[0]] })).status,
    400,
  );
  const seated = await call("PATCH", "/pcs/desk-1", {
    ...{ room: "lab2", seat: "A2", name: "desk-1" },
  });
  assert.equal(seated.body.seat, "A2");
  const { id } = seated.body;
  assert.equal((await call("GET", "/rooms/lab2")).body.seats[1].pc, id);
  const other = register(lab.inventory, helloOf("52:54:00:00:00:02"));
  const taken = await call("PATCH", `/pcs/${other.id}`, { room: "lab2", seat: "A2" });
  assert.deepEqual([taken.status, taken.body.code], [409, "conflict"]);
  await call("PUT", "/rooms/lab2/seats", { seats: seats.slice(0, 1) });
  assert.equal((await call("GET", "/pcs/desk-1")).body.seat, null, "its seat is gone");
  await call("PATCH", "/pcs/desk-1", { seat: "A1", name: "desk-1" });
  assert.equal((await call("PATCH", "/pcs/desk-1", { room: "default" })).body.seat, null);
});

test("seat walk: one after the other takes the next seat, and the room's name for it", async () => {
  const [first, second, third] = [3, 4, 5].map((number) =>
    register(lab.inventory, helloOf(`52:54:00:00:00:0${number}`)),
  ) as [PcRecord, PcRecord, PcRecord];
  await call("PUT", "/rooms/lab2/seats", { seats: seatGrid(2, 1) });
  assert.throws(() => lab.rooms.takeSeat(first), /no seat walk/);
  assert.equal((await call("POST", "/rooms/default/walk", { on: true })).status, 403);
  const walking = await call("POST", "/rooms/lab2/walk", { on: true });
  assert.deepEqual(walking.body.walk, { next: "A1" });
  assert.equal((await call("POST", "/rooms", { name: "lab3" })).status, 200);
  assert.equal((await call("POST", "/rooms/lab3/walk", { on: true })).status, 409);
  lab.rooms.takeSeat(first);
  assert.deepEqual([first.room, first.seat, first.name], ["lab2", "A1", "lab2-A1"]);
  assert.throws(() => lab.rooms.takeSeat(first), /already/);
  lab.rooms.takeSeat(second);
  assert.equal(second.name, "lab2-A2");
  assert.throws(() => lab.rooms.takeSeat(third), /no free seat/);
  assert.deepEqual((await call("POST", "/rooms/lab2/walk", { on: false })).body.walk, null);
  // A room that nobody has drawn gets its seats on the way.
  await call("POST", "/rooms/lab3/walk", { on: true });
  lab.rooms.takeSeat(third);
  assert.deepEqual((await call("GET", "/rooms/lab3")).body.seats, [
    { name: "1", column: 0, row: 0, pc: third.id },
  ]);
  await call("POST", "/rooms/lab3/walk", { on: false });
});

test("a room is found in any spelling, and keeps its own", async () => {
  assert.equal((await call("POST", "/rooms", { name: "Hall" })).status, 200);
  const again = await call("POST", "/rooms", { name: "HALL" });
  assert.deepEqual([again.status, again.body.code], [409, "conflict"]);
  const pc = register(lab.inventory, helloOf("52:54:00:00:00:77"));
  const moved = await call("PATCH", `/pcs/${pc.id}`, { room: "hall", seat: "A1" });
  assert.equal(moved.body.room, "Hall");
  const { body } = await call("GET", "/rooms/hALL");
  assert.deepEqual([body.name, body.pcs, body.seats[0].pc], ["Hall", 1, pc.id]);
  const change = { grow: "last", admit: "on-order" };
  assert.equal((await call("PATCH", "/rooms/hall", change)).body.settings.grow, "last");
  const by = { operator: "ann", shown: null };
  assert.deepEqual(lab.orders.targets({ room: "hall", pcs: null }, by), [pc]);
  assert.equal((await call("DELETE", "/rooms/HALL")).status, 204);
  assert.equal(pc.room, "default");
});

test("each call's schemas can be compiled, although that is done when the call is first made", () => {
  const validatorOf = AjvCompiler()({}, { customOptions: {} });
  const serializerOf = SerializerSelector()({}, {});
  let count = 0;
  for (const { method, url, schema } of api.routes) {
    const route = { method: String(method), url };
    for (const httpPart of ["body", "params", "querystring"] as const)
      if (schema?.[httpPart] !== undefined) {
        validatorOf({ ...route, httpPart, schema: schema[httpPart] });
        count++;
      }
    for (const [httpStatus, each] of Object.entries(schema?.response ?? {})) {
      serializerOf({ ...route, httpStatus, schema: each });
      count++;
    }
  }
  assert(count > 150, `${count} schemas`);
});

interface ResponseSchema {
  readonly type?: string;
  readonly const?: unknown;
  readonly anyOf?: readonly ResponseSchema[];
  readonly items?: ResponseSchema;
  readonly properties?: Readonly<Record<string, ResponseSchema>>;
}

/** A document of this schema, at each choice by the part that `chosen` takes. */
function documentOf(schema: ResponseSchema, chosen: 0 | -1): unknown {
  if (schema.anyOf !== undefined) return documentOf(schema.anyOf.at(chosen) ?? {}, chosen);
  if (schema.const !== undefined) return schema.const;
  switch (schema.type) {
    case "object": {
      const parts = Object.entries(schema.properties ?? {});
      return Object.fromEntries(parts.map(([name, part]) => [name, documentOf(part, chosen)]));
    }
    case "array":
      return [documentOf(schema.items ?? {}, chosen)];
    case "string":
      return 'a "text"';
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return 7;
  }
}

test("what a call answers is written as it is, without what its schema does not name", () => {
  const serializerOf = SerializerSelector()({}, {});
  let count = 0;
  for (const { method, url, schema } of api.routes)
    for (const [httpStatus, each] of Object.entries(schema?.response ?? {})) {
      const response = each as ResponseSchema;
      if (response.type !== "object") continue;
      const route = { method: String(method), url, httpStatus };
      const write = serializerOf({ ...route, schema: writtenSchema(response) });
      for (const chosen of [0, -1] as const) {
        const document = documentOf(response, chosen) as object;
        assert.deepEqual(JSON.parse(write({ ...document, unnamed: 1 })), document, url);
      }
      count++;
    }
  assert(count > 40, `${count} schemas`);
});
