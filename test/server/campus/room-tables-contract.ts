/** What all tables of servers and rooms do, whatever keeps them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RoomTables, ServerEntry } from "../../../server/campus/room-tables.ts";
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
const minute = 61_000;

export function roomTablesContract(kind: string, open: () => Promise<TwoTables>): void {
  const contract = (title: string, work: (tables: TwoTables) => Promise<void>): void => {
    test(`${kind}: ${title}`, async () => {
      await using tables = await open();
      await work(tables);
    });
  };
  const owners = async (tables: RoomTables, server: string, ...rooms: readonly string[]) => {
    const { leases } = await tables.beat(entryOf(server), named(...rooms));
    return Object.fromEntries(leases.map((lease) => [lease.room, lease.server]));
  };

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
    "an operator takes over a room that has lapsed, and no other",
    async ({ one, other, pass }) => {
      await owners(one, "one", "lab1");
      const [lab1] = named("lab1");
      assert(lab1 !== undefined);
      await assert.rejects(
        other.takeOver("other", lab1),
        /lab1 is of the server one of the campus, which was heard/,
      );
      await pass(minute);
      const { leases: before } = await other.beat(entryOf("other"), []);
      await other.takeOver("other", lab1);
      const { leases: after } = await one.beat(entryOf("one"), named("lab1"));
      assert.deepEqual(
        [after[0]?.server, Number(after[0]?.epoch) > Number(before[0]?.epoch)],
        ["other", true],
      );
      // Done again, it is as it was.
      await other.takeOver("other", lab1);
    },
  );

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
      assert.deepEqual((await other.beat(foreign, [])).leases, []);
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
      const { leases } = await one.beat(entryOf("one"), named("lab1"));
      const epoch = leases[0]?.epoch ?? 0;
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
      const [lab1] = named("lab1");
      assert(lab1 !== undefined);
      await other.takeOver("other", lab1);
      await one.publish("one", [view("lab1", "4", epoch)]);
      await one.beat(entryOf("one"), named("lab1"));
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
