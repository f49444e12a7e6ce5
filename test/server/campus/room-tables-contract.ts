/** What all tables of servers and rooms do, whatever keeps them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RoomTables, ServerEntry, Unnamed } from "../../../server/campus/room-tables.ts";
import { until } from "./registry-contract.ts";

/** Two servers of a new campus, and how its clock is moved past them. */
export interface TwoTables extends AsyncDisposable {
  readonly one: RoomTables;
  readonly other: RoomTables;
  /** Lets so many milliseconds pass, as far as leases and servers are concerned. */
  pass(ms: number): Promise<void>;
}

export const entryOf = (name: string, more: Partial<ServerEntry> = {}): ServerEntry => ({
  ...{ name, folder: `folder of ${name}`, instance: `process of ${name}`, isFirst: false },
  ...{ address: `https://${name}:8443`, version: "1.0" },
  ...more,
});
const named = (...names: readonly string[]) =>
  names.map((name) => ({ room: name.toLowerCase(), name }));
const none: Unnamed = { held: [], removed: [] };
const minute = 61_000;
const lab1 = { room: "lab1", name: "lab1" };

export function roomTablesContract(kind: string, open: () => Promise<TwoTables>): void {
  const contract = (title: string, work: (tables: TwoTables) => Promise<void>): void => {
    test(`${kind}: ${title}`, async () => {
      await using tables = await open();
      await work(tables);
    });
  };
  const owners = async (tables: RoomTables, server: string, ...rooms: readonly string[]) => {
    const { leases } = await tables.beat(entryOf(server), named(...rooms), none);
    return Object.fromEntries(leases.map((lease) => [lease.room, lease.server]));
  };

  const leaseOf = async (tables: RoomTables, server: string, rooms: readonly string[]) => {
    const { leases } = await tables.beat(entryOf(server), named(...rooms), none);
    const found = leases.find(({ room }) => room === "lab1");
    assert(found !== undefined);
    return found;
  };
  const epochOf = async (tables: RoomTables, server: string): Promise<number> =>
    (await leaseOf(tables, server, ["lab1"])).epoch;

  contract(
    "a room is the server's that asked first, whatever its capital letters",
    async ({ one, other }) => {
      assert.deepEqual(await owners(one, "one", "Lab1"), { lab1: "one" });
      assert.deepEqual(await owners(other, "other", "LAB1", "lab2"), {
        lab1: "one",
        lab2: "other",
      });
    },
  );

  contract(
    "a server keeps its rooms while they lapse, and what it has no more is another's",
    async (tables) => {
      const { one, other, pass } = tables;
      await owners(one, "one", "lab1", "lab2");
      await pass(minute);
      assert.deepEqual(await owners(other, "other", "lab1"), { lab1: "one", lab2: "one" });
      await owners(one, "one", "lab2");
      assert.deepEqual(await owners(other, "other", "lab1"), { lab1: "other", lab2: "one" });
    },
  );

  contract(
    "a room that has lapsed is an operator's to take, with what was published of it last",
    async ({ one, other, pass }) => {
      const epoch = await epochOf(one, "one");
      await one.publishRecord("one", { room: "lab1", epoch, record: "r1" });
      await one.publishRecord("one", { room: "lab1", epoch: epoch - 1, record: "r0" });
      await pass(minute);
      assert.deepEqual(await other.want("other", lab1), { kind: "taken", from: "one" });
      const { leases } = await one.beat(entryOf("one"), [lab1], none);
      const [after] = leases;
      assert.deepEqual([after?.server, after?.isArriving, after?.given], ["other", true, null]);
      assert(Number(after?.epoch) > epoch);
      // What the old server still has on its way is left out.
      await one.publishRecord("one", { room: "lab1", epoch, record: "r2" });
      assert.equal(await one.record("one", "lab1"), null);
      const found = await other.record("other", "lab1");
      assert.deepEqual([found?.record, found?.server], ["r1", "one"]);
      assert.equal(new Date(found?.told ?? "").toISOString(), found?.told);
      // Said again, it is as it was.
      assert.deepEqual(await other.want("other", lab1), { kind: "own" });
    },
  );

  contract(
    "a server that lives is asked, and gives a room with what is in it, once",
    async ({ one, other }) => {
      const epoch = await epochOf(one, "one");
      await one.publishRecord("one", { room: "lab1", epoch, record: "before" });
      const first = await other.want("other", lab1);
      const asked = await other.want("other", lab1);
      assert(first.kind === "asked" && asked.kind === "asked");
      assert.equal(asked.from, "one");
      assert(asked.move > first.move);
      assert.deepEqual((await leaseOf(one, "one", ["lab1"])).order, {
        ...{ move: asked.move, by: "other", refusal: null },
      });
      const given = { room: "lab1", epoch, to: "other", record: "all of it" };
      for (const wrong of [{ move: first.move }, { move: asked.move, epoch: epoch - 1 }])
        assert.equal(await one.give("one", { ...given, ...wrong }), false);
      assert.equal(await other.give("other", { ...given, move: asked.move }), false);
      assert.equal(await one.give("one", { ...given, to: "third", move: asked.move }), false);
      assert.equal(await one.give("one", { ...given, move: asked.move }), true);
      assert.equal(await one.give("one", { ...given, move: asked.move }), false);
      // Who has it keeps it, also when it says that it has no such room yet.
      const lease = await leaseOf(other, "other", []);
      assert.deepEqual(
        [lease.server, lease.isArriving, lease.given, lease.order?.by],
        ["other", true, asked.move, null],
      );
      assert.equal((await other.record("other", "lab1"))?.record, "all of it");
      await other.arrived("other", "lab1", epoch);
      assert.equal((await leaseOf(other, "other", [])).isArriving, true);
      await other.arrived("other", "lab1", lease.epoch);
      assert.equal((await leaseOf(other, "other", ["lab1"])).isArriving, false);
      // What is removed goes, and what was published of it.
      await other.beat(entryOf("other"), [], { ...none, removed: ["lab1"] });
      assert.deepEqual(await other.want("other", lab1), { kind: "taken", from: null });
      assert.equal(await other.record("other", "lab1"), null);
    },
  );

  contract(
    "what was not taken goes on as it was published, and so does what is taken over then",
    async ({ one, other, pass }) => {
      const epoch = await epochOf(one, "one");
      const asked = await other.want("other", lab1);
      assert(asked.kind === "asked");
      await one.give("one", { room: "lab1", epoch, to: "other", move: asked.move, record: "r" });
      const arriving = await leaseOf(other, "other", []);
      const back = await one.want("one", lab1);
      assert(back.kind === "asked");
      const passed = { room: "lab1", epoch: arriving.epoch, to: "one", move: back.move };
      assert.equal(await other.give("other", { ...passed, record: null }), true);
      assert.equal((await one.record("one", "lab1"))?.record, "r");
      await pass(minute);
      assert.deepEqual(await other.want("other", lab1), { kind: "taken", from: "one" });
      assert.equal((await other.record("other", "lab1"))?.record, "r");
    },
  );

  contract(
    "a server says why it keeps a room, and an order that nobody waits for is none",
    async ({ one, other, pass }) => {
      const epoch = await epochOf(one, "one");
      const asked = await other.want("other", lab1);
      assert(asked.kind === "asked");
      await one.refuse("one", "lab1", { move: asked.move, reason: "s3 is at work" });
      assert.deepEqual((await leaseOf(other, "other", [])).order, {
        ...{ move: asked.move, by: null, refusal: "s3 is at work" },
      });
      const second = await other.want("other", lab1);
      assert(second.kind === "asked");
      assert.equal((await leaseOf(one, "one", ["lab1"])).order?.refusal, null);
      // Of an answer to the order before, nothing is said.
      await one.refuse("one", "lab1", { move: asked.move, reason: "late" });
      await other.withdraw("other", "lab1", asked.move);
      assert.equal((await leaseOf(one, "one", ["lab1"])).order?.by, "other");
      await other.withdraw("other", "lab1", second.move);
      const given = { room: "lab1", epoch, to: "other", record: "r" };
      assert.equal(await one.give("one", { ...given, move: second.move }), false);
      const third = await other.want("other", lab1);
      assert(third.kind === "asked");
      await pass(minute);
      await one.beat(entryOf("one"), [lab1], none);
      assert.equal((await leaseOf(one, "one", ["lab1"])).order?.by, null);
      assert.equal(await one.give("one", { ...given, move: third.move }), false);
    },
  );

  contract(
    "what a server does not have any more waits for a word, with what was published of it",
    async ({ one, other }) => {
      await owners(one, "one", "lab1", "lab2");
      const epoch = await epochOf(one, "one");
      await one.publishRecord("one", { room: "lab1", epoch, record: "r" });
      await one.publish("one", [{ room: "lab1", epoch, view: "v" }]);
      const beat = () => one.beat(entryOf("one"), [], { ...none, removed: ["hall"] });
      const [lease, ...more] = (await beat()).leases;
      // Of lab2 nothing was published, and so nothing is lost with it.
      assert.deepEqual(more, []);
      assert.deepEqual(
        [lease?.room, lease?.server, lease?.epoch, lease?.isArriving],
        ["lab1", "one", epoch, true],
      );
      assert.deepEqual((await other.look(0)).views, []);
      assert.deepEqual(await one.want("one", lab1), { kind: "own" });
      assert.equal((await one.record("one", "lab1"))?.record, "r");
      await one.arrived("one", "lab1", epoch);
      assert.equal((await leaseOf(one, "one", ["lab1"])).isArriving, false);
    },
  );

  contract("a room that is held is neither taken anew nor given back", async ({ one }) => {
    assert.deepEqual((await one.beat(entryOf("one"), [], { ...none, held: ["lab1"] })).leases, []);
    await one.beat(entryOf("one"), [lab1], none);
    const { leases } = await one.beat(entryOf("one"), [], { ...none, held: ["lab1"] });
    assert.equal(leases.length, 1);
  });

  contract(
    "a name is one server's: its restart takes it over, another waits until it is silent",
    async (tables) => {
      const { one, other, pass } = tables;
      assert.deepEqual(await one.greet(entryOf("one", { isFirst: true })), { namesake: null });
      const foreign = entryOf("one", {
        folder: "another",
        instance: "another",
        address: null,
        isFirst: true,
      });
      const { namesake } = await other.greet(foreign);
      assert.equal(namesake?.address, "https://one:8443");
      // Its leases are not touched by the other one.
      await owners(one, "one", "lab1");
      assert.deepEqual((await other.beat(foreign, [], none)).leases, []);
      assert.deepEqual(await owners(one, "one", "lab1"), { lab1: "one" });
      // The same folder in a new process; and the earlier process, should it live, is told.
      const again = entryOf("one", { instance: "restarted", isFirst: true });
      assert.equal((await one.greet(again)).namesake, null);
      assert.notEqual((await one.greet(entryOf("one"))).namesake, null);
      await pass(minute);
      assert.equal((await other.greet(foreign)).namesake, null);
    },
  );

  contract("who is not heard is away", async ({ one, other, pass }) => {
    await one.greet(entryOf("one"));
    await pass(16_000);
    await other.greet(entryOf("other", { address: null }));
    const { servers } = await other.look(0);
    assert.deepEqual(
      servers.map(({ name, address, version, away }) => [name, address, version, away !== null]),
      [
        ["one", "https://one:8443", "1.0", true],
        ["other", null, "1.0", false],
      ],
    );
    for (const { since } of servers) assert.equal(new Date(since).toISOString(), since);
  });

  contract(
    "views are told in full once, and only under a lease that holds",
    async ({ one, other, pass }) => {
      const epoch = await epochOf(one, "one");
      const view = (room: string, text: string, under: number | null) => ({
        room,
        view: text,
        epoch: under,
      });
      await one.publish("one", [
        view("default", "d", null),
        view("lab1", '1 "ü"', epoch),
        view("lab2", "2", 99),
      ]);
      await one.publish("one", [view("lab1", "of an earlier lease", epoch - 1)]);
      const first = await other.look(0);
      assert.deepEqual(
        first.views.map((each) => [each.server, each.room, each.view]),
        [
          ["one", "default", "d"],
          ["one", "lab1", '1 "ü"'],
        ],
      );
      const seen = Math.max(...first.views.map(({ changed }) => changed));
      await one.publish("one", [view("lab1", "3", epoch)]);
      const second = await other.look(seen);
      assert.deepEqual(
        second.views.map((each) => each.view),
        ["3"],
      );
      const third = await other.look(Math.max(...second.views.map(({ changed }) => changed)));
      assert.deepEqual(third.views, []);
      const all = (await other.look(0)).views;
      for (const { count, sum } of [second, third])
        assert.deepEqual([count, sum], [2, all.reduce((total, each) => total + each.changed, 0)]);
      await pass(minute);
      await other.want("other", lab1);
      await one.publish("one", [view("lab1", "4", epoch)]);
      await one.beat(entryOf("one"), [lab1], none);
      const rooms = (await other.look(0)).views.map((each) => each.room);
      assert.deepEqual(rooms, ["default"]);
    },
  );

  contract("the others get a hint of leases and of views", async ({ one, other }) => {
    const hints: string[] = [];
    using _ = other.onHint((about) => void hints.push(about));
    await owners(one, "one", "lab1");
    await until(() => hints.includes("leases"));
    assert(!hints.includes("views"));
    await one.publish("one", [{ room: "default", epoch: null, view: "d" }]);
    await until(() => hints.includes("views"));
  });
}
