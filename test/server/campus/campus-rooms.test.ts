/** Servers and rooms of a campus, in memory and with PostgreSQL. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type RoomSettings, roomDefaults } from "../../../core/wire/rooms.ts";
import { MemoryRooms, type MemoryTables } from "./memory-rooms.ts";
import { PostgresCampus } from "./postgres-campus.ts";
import { until } from "./registry-contract.ts";
import { hostClock, RoomSite, RoomTime, roomOf } from "./room-site.ts";
import { roomTablesContract } from "./room-tables-contract.ts";

let campus: PostgresCampus;
before(async () => {
  campus = await PostgresCampus.start();
});
after(() => campus[Symbol.asyncDispose]());

roomTablesContract("in memory", async () => {
  const memory = new MemoryRooms();
  return {
    ...{ one: memory.tables(), other: memory.tables() },
    async pass(ms) {
      memory.now += ms;
    },
    [Symbol.asyncDispose]: async () => {},
  };
});

roomTablesContract("PostgreSQL", async () => {
  const { admin, registries } = await campus.fresh();
  const [one, other] = registries;
  assert(one !== undefined && other !== undefined);
  return {
    ...{ one: one.roomTables(), other: other.roomTables() },
    // Instead of the clock, what was written by it is moved.
    async pass(ms) {
      await admin`UPDATE server SET heard = heard - ${ms} * interval '1 ms'`;
      await admin`
        UPDATE room SET until = until - ${ms} * interval '1 ms',
          wanted_at = wanted_at - ${ms} * interval '1 ms'`;
    },
    [Symbol.asyncDispose]: async () => {},
  };
});

/** Two servers in memory, started. */
async function twoServers() {
  const time = new RoomTime();
  const site = (name: string) => {
    const tables = time.campus.tables();
    return { tables, site: new RoomSite(name, tables, { time, steady: time.steady }) };
  };
  const one = site("one");
  const other = site("other");
  one.site.rooms.set("lab1", roomOf("lab1"));
  other.site.rooms.set("hall", roomOf("hall"));
  for (const { site: each } of [one, other]) await each.start();
  await time.pass(2000);
  return {
    ...{ time, one: one.site, other: other.site },
    cut: (tables: MemoryTables, reason: string | null) => tables.setAway(reason),
    ...{ oneTables: one.tables, otherTables: other.tables },
    async [Symbol.asyncDispose]() {
      await one.site.stop();
      await other.site.stop();
    },
  };
}

test("each server sees the rooms of all, and each has a default of its own", async () => {
  await using servers = await twoServers();
  const all = [
    "default one one 0",
    "default other other 0",
    "hall other other 0",
    "lab1 one one 0",
  ];
  assert.deepEqual(servers.one.seen(), all);
  assert.deepEqual(servers.other.seen(), all);
  servers.one.campus?.requireOwn("LAB1");
  servers.one.campus?.requireOwn("default");
  const addresses = () => servers.one.campus?.status().servers.map(({ address }) => address);
  assert.deepEqual(addresses(), ["https://one:8443", "https://other:8443"]);
  servers.other.address = "https://10.79.0.1:8443";
  await servers.time.pass(20_000);
  assert.deepEqual(addresses(), ["https://one:8443", "https://10.79.0.1:8443"]);
});

test("what changes is told twice a second at most, in its last state, and only when it is another", async () => {
  await using servers = await twoServers();
  const { one, other, time } = servers;
  let told = 0;
  using _ = servers.otherTables.onHint((about) => void (about === "views" && told++));
  for (let online = 1; online <= 40; online++) {
    one.set(roomOf("lab1", online % 2, "1 of 2 verified so far."));
    await time.pass(100);
  }
  await time.pass(1000);
  assert(told >= 8 && told <= 11, `${told}`);
  assert(other.seen().includes("lab1 one one 0 1 of 2 verified so far."));
  one.set(roomOf("lab1", 0, "1 of 2 verified so far."));
  const before = told;
  await time.pass(3000);
  assert.equal(told, before);
  // Nor are others told of when a room comes.
  one.set(roomOf("lab3"));
  await time.pass(2000);
  const views = servers.time.campus.views.filter(({ room }) => room === "lab1" || room === "lab3");
  assert.equal(new Set(views.map(({ changed }) => changed)).size, 2);
  one.remove("lab1");
  one.remove("lab3");
  await time.pass(1000);
  assert.deepEqual(other.seen(), [
    "default one one 0",
    "default other other 0",
    "hall other other 0",
  ]);
});

test("a room is made at one server alone, and goes to another once it is removed", async () => {
  await using servers = await twoServers();
  const { one, other, time } = servers;
  const make = (site: RoomSite, name: string) =>
    site.campus?.making(name, () => site.set(roomOf(name)));
  const refused = assert.rejects(async () => make(other, "LAB1"), {
    code: "conflict",
    message: "the room LAB1 is of the server one of the campus",
    next: "do it there; or move the room here: `roomcast room move LAB1 --server other`",
  });
  await time.pass(100);
  await refused;
  assert(!other.rooms.has("LAB1"));
  one.remove("lab1");
  await time.pass(1000);
  const made = make(other, "LAB1");
  await time.pass(100);
  await made;
  other.campus?.requireOwn("lab1");
});

test("a room that another server has stays in the list, marked, and is refused", async () => {
  await using servers = await twoServers();
  const { one, other, time } = servers;
  other.set(roomOf("Lab1"));
  assert.throws(() => other.campus?.requireOwn("Lab1"), { code: "away" });
  await time.pass(1000);
  assert.throws(() => other.campus?.requireOwn("Lab1"), {
    code: "conflict",
    message: /of the server one/,
  });
  assert(other.seen().includes("Lab1 other one 0"));
  assert(!one.seen().includes("Lab1 other one 0"));
  assert.match(other.campus?.warnings.join() ?? "", /the room Lab1 is of the server one/);
});

test("a room is seen with a long line, and with settings of a newer roomcast; what cannot be read is told", async () => {
  await using servers = await twoServers();
  const { one, other, time } = servers;
  one.set(roomOf("lab1", 1, "a1 failed ".repeat(300)));
  const glow = { ...roomDefaults, language: "glow", sshKeys: ["ada"] };
  one.set({ ...roomOf("lab2"), settings: glow as unknown as RoomSettings });
  one.set({ ...roomOf("lab3"), pcs: "many" as unknown as number });
  await time.pass(2000);
  const views = other.campus?.views() ?? [];
  const [lab1, lab2, lab3] = ["lab1", "lab2", "lab3"].map((name) =>
    views.find((view) => view.name === name),
  );
  assert.equal(lab1?.running?.length, 2048);
  assert.deepEqual(lab2?.settings, { ...roomDefaults, sshKeys: ["ada"] });
  assert.equal(lab3, undefined);
  assert.deepEqual(other.campus?.warnings, [
    "the room lab2 of the server one has settings that this roomcast cannot read, and is shown with the usual ones (language): bring this server up to date, as one is",
    "the room lab3 of the server one cannot be read, and is not shown: bring this server up to date, as one is",
  ]);
  assert.deepEqual(one.campus?.warnings, []);
});

test("while the database is away a server goes on, also after a restart, and tells what it last knew since when", async () => {
  await using servers = await twoServers();
  const { one, other, time } = servers;
  other.set(roomOf("lab1"));
  await time.pass(1000);
  for (const tables of [servers.oneTables, servers.otherTables]) tables.setAway("switched off");
  await time.pass(120_000);
  await one.stop();
  await other.stop();
  await one.start();
  await other.start();
  await time.pass(1000);
  one.campus?.requireOwn("lab1");
  assert.throws(() => other.campus?.requireOwn("lab1"), { code: "conflict" });
  // A room that is made meanwhile waits.
  await one.campus?.making("lab9", () => one.set(roomOf("lab9")));
  assert.throws(() => one.campus?.requireOwn("lab9"), { code: "away" });
  for (const tables of [servers.oneTables, servers.otherTables]) tables.setAway(null);
  await time.pass(1000);
  one.campus?.requireOwn("lab9");
  servers.otherTables.setAway("its cable is out");
  one.set(roomOf("lab9", 1));
  await time.pass(3000);
  assert(
    other.seen().includes("lab9 one one 0 since 1970-01-01T00:02:05.000Z"),
    other.seen().join(),
  );
});

test("a server that is not heard is away, and so are its rooms", async () => {
  await using servers = await twoServers();
  const { one, other, time } = servers;
  await one.stop();
  await time.pass(20_000);
  const since = other.campus?.status().servers[0]?.away;
  assert(since !== null && since !== undefined);
  assert(other.seen().includes(`lab1 one one 0 since ${since}`));
});

test("only an operator takes over the room of a server that is off, and that one hears of it", async () => {
  await using servers = await twoServers();
  const { one, other, time } = servers;
  other.set(roomOf("lab1"));
  await one.stop();
  const early = assert.rejects(async () => other.campus?.move("lab1"), {
    code: "away",
    message: "the room lab1 stays at the server one, which did not answer in 20 seconds",
  });
  await time.pass(30_000);
  await early;
  assert.throws(() => other.campus?.requireOwn("lab1"), { code: "conflict" });
  await time.pass(60_000);
  const taken = other.campus?.move("lab1");
  await time.pass(100);
  await taken;
  other.campus?.requireOwn("lab1");
  await one.start();
  await time.pass(1000);
  assert.throws(() => one.campus?.requireOwn("lab1"), /of the server other/);
});

test("the second server of a name is told so at its start, or when the database is there", async () => {
  await using servers = await twoServers();
  const { time } = servers;
  const tables = time.campus.tables();
  await using second = new RoomSite("one", tables, { time, steady: time.steady });
  await assert.rejects(second.start(), {
    code: "conflict",
    message: "another server of the campus is named one, too: the one at https://one:8443",
  });
  tables.setAway("not yet");
  second.rooms.set("lab1", roomOf("lab1"));
  await second.start();
  tables.setAway(null);
  await time.pass(1000);
  assert.match(second.campus?.warnings[0] ?? "", /another server of the campus is named one, too/);
  assert.throws(() => second.campus?.requireOwn("lab1"), {
    code: "conflict",
    next: /\[server\] name/,
  });
  servers.one.campus?.requireOwn("lab1");
  // When that one is off for good, this one is it.
  await servers.one.stop();
  await time.pass(90_000);
  second.campus?.requireOwn("lab1");
});

test("PostgreSQL: an event at one server is seen at another within a second", async () => {
  await campus.fresh();
  const [forOne, forOther] = campus.registries;
  assert(forOne !== undefined && forOther !== undefined);
  await using one = new RoomSite("one", forOne.roomTables(), hostClock);
  await using other = new RoomSite("other", forOther.roomTables(), hostClock);
  one.rooms.set("lab1", roomOf("lab1"));
  await one.start();
  await other.start();
  await until(() => other.seen().includes("lab1 one one 0"));
  // What was told at the start was told by now.
  await new Promise((done) => setTimeout(done, 1000));
  const began = performance.now();
  one.set(roomOf("lab1", 1, "0 of 2 verified so far."));
  await until(() => other.seen().includes("lab1 one one 1 0 of 2 verified so far."));
  const took = performance.now() - began;
  assert(took < 1000, `${took} ms`);
});
