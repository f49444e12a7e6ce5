/** Rooms of a campus as operators meet them. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { CampusRoomView } from "../../../core/wire/campus.ts";
import type { CampusRooms } from "../../../server/campus/campus-rooms.ts";
import { memberOf, sessionOf } from "../../client/console/fake-lab.ts";
import { MemoryOrders } from "../campus/memory-orders.ts";
import { MemoryRooms } from "../campus/memory-rooms.ts";
import { until } from "../campus/registry-contract.ts";
import { hostClock, RoomSite, roomOf } from "../campus/room-site.ts";
import { helloOf, register } from "../lab/hello.ts";
import { openMember } from "./campus-member.ts";
import type { TestApi } from "./open-api.ts";

const memory = new MemoryRooms();
const other = new RoomSite("other", memory.tables(), hostClock);
let campus: CampusRooms;
let api: TestApi;

before(async () => {
  other.rooms.set("lab2", roomOf("lab2", 1, "1 of 2 verified so far."));
  await other.start();
  ({ api, rooms: campus } = await openMember("one", memory, new MemoryOrders(memory)));
  await until(() => campus.views().length === 3);
});

after(async () => {
  await other.stop();
  await api.close();
});

const rooms = async (): Promise<CampusRoomView[]> => (await api.call("GET", "/campus/rooms")).body;

test("a server of a campus lists the rooms of all servers, in the fields of a room and four more", async () => {
  const [first] = (await api.call("GET", "/rooms")).body;
  const list = await rooms();
  assert.deepEqual(
    list.map(({ name, server, owner, since, running }) => [name, server, owner, since, running]),
    [
      ["default", "one", "one", null, null],
      ["default", "other", "other", null, null],
      ["lab2", "other", "other", null, "1 of 2 verified so far."],
    ],
  );
  const more = ["running", "server", "owner", "since"];
  for (const room of list) assert.deepEqual(Object.keys(room), [...Object.keys(first), ...more]);
  const { campus: seen } = (await api.call("GET", "/status")).body;
  assert.deepEqual((await api.call("GET", "/campus")).body, seen);
  assert.deepEqual([seen.server, seen.away, seen.servers.length], ["one", null, 2]);
});

test("what is told of a session in a room is cut, however many PCs have failed", (t) => {
  const failed = [1, 2, 3].map((number) =>
    memberOf(number, { result: "failed", state: "failed", reason: `${number}`.repeat(1024) }),
  );
  t.mock.method(api.lab.sessions, "restoreIn", () => "s1");
  t.mock.method(api.lab.sessions, "find", () => sessionOf([...failed, memberOf(4)]));
  const { running } = api.lab.publishedRoom("default");
  assert.match(running ?? "", /^0 of 4 verified so far. 3 failed: pc01, 1{1024}; pc02, 2+$/);
  assert.equal(running?.length, 2048);
});

test("a room is made where the campus has none of its name, and may be used at once", async () => {
  assert.equal((await api.call("POST", "/rooms", { name: "lab1" })).status, 200);
  campus.requireOwn("lab1");
  await until(() => other.seen().includes("lab1 one one 0"));
  const { status, body } = await api.call("POST", "/rooms", { name: "LAB2" });
  assert.deepEqual([status, body.code], [409, "conflict"]);
  assert.match(body.message, /LAB2 is of the server other/);
  assert.equal((await api.call("GET", "/rooms/lab2")).status, 404);
  assert.equal((await api.call("DELETE", "/rooms/lab1")).status, 204);
  await until(() => !other.seen().includes("lab1 one one 0"));
});

test("what begins something in a room of another server is refused with its name", async () => {
  const { lab, call } = api;
  // It was there before this server belonged to the campus.
  lab.inventory.createRoom("lab2");
  campus.changed("lab2");
  await until(() => campus.warnings.length === 1);
  const pc = register(lab.inventory, helloOf("52:54:00:00:00:01"));
  pc.room = "lab2";
  lab.inventory.save(pc);
  const { name } = pc;
  for (const [path, body] of [
    ["/captures", { pc: name, name: "new" }],
    [`/pcs/${name}/wipe`, { method: "zero", overwrite: name }],
    ["/rooms/lab2/wake", { timeout: 0 }],
  ] as const) {
    const answer = await call("POST", path, body);
    assert.deepEqual([answer.status, answer.body.code], [409, "conflict"], path);
    assert.match(answer.body.message, /lab2 is of the server other of the campus/);
  }
  for (const request of [
    { room: "lab2", pcs: null },
    { room: null, pcs: [name] },
  ])
    assert.throws(() => lab.orders.targets(request, null), /lab2 is of the server other/);
  const copy = (await rooms()).find((each) => each.server === "one" && each.name === "lab2");
  assert.equal(copy?.owner, "other");
});

test("a room moves at the word of the server that takes it, whether its own one lives or is off", async () => {
  const { call } = api;
  const move = (room: string, server: string) => call("POST", `/rooms/${room}/move`, { server });
  const elsewhere = await move("lab2", "other");
  assert.deepEqual([elsewhere.status, elsewhere.body.code], [403, "refused"]);
  assert.match(elsewhere.body.message, /this one is one$/);
  other.busy.set("lab2", "session s3 is at work in room lab2");
  const refused = await move("LAB2", "one");
  assert.deepEqual([refused.status, refused.body.code], [409, "conflict"]);
  assert.match(refused.body.message, /LAB2 stays at the server other: session s3 is at work/);
  other.busy.clear();
  other.contents.set("lab2", "row1");
  const { status, body } = await move("LAB2", "one");
  assert.deepEqual([status, body.name, body.move.from], [200, "lab2", "other"]);
  assert.equal(body.seats[0].name, "row1");
  campus.requireOwn("lab2");
  assert.deepEqual(other.gone, ["lab2 one"]);
  other.set(roomOf("lab3"));
  await until(() => campus.views().some(({ name }) => name === "lab3"));
  await other.stop();
  memory.now += 70_000;
  const taken = await move("lab3", "one");
  assert.deepEqual([taken.status, taken.body.move.told], [200, null]);
  campus.requireOwn("lab3");
  assert(api.lab.inventory.hasRoom("lab3"));
  const own = await move("default", "one");
  assert.deepEqual([own.status, own.body.code], [403, "refused"]);
});
