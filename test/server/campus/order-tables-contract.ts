/** What all tables of orders do, whatever keeps them. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import type { CampusOrder } from "../../../core/wire/campus-order.ts";
import type { OrderTables } from "../../../server/campus/order-tables.ts";
import { until } from "./registry-contract.ts";

/** Two servers of a new campus, `one` and `other`, and how its clock is moved past their orders. */
export interface TwoOrderTables extends AsyncDisposable {
  readonly one: OrderTables;
  readonly other: OrderTables;
  /** From now on this process has the server's name. */
  has(server: string, instance: string): Promise<void>;
  pass(ms: number): Promise<void>;
}

export const orderOf = (more: Partial<CampusOrder> = {}): CampusOrder => ({
  ...{ id: randomBytes(16).toString("hex"), from: "one", to: "other", operator: "alice" },
  ...{ role: "operator", method: "POST", path: "/sessions?x=1", body: '{"a":"ü"}' },
  ...more,
});
const done = { status: 409, type: "application/json", body: '{"code":"ü"}' };
const other = { name: "other", instance: "its process" };

export function orderTablesContract(kind: string, open: () => Promise<TwoOrderTables>): void {
  const contract = (title: string, work: (tables: TwoOrderTables) => Promise<void>): void => {
    test(`${kind}: ${title}`, async () => {
      await using tables = await open();
      await tables.has(other.name, other.instance);
      await work(tables);
    });
  };

  contract("an order is taken by its server as it was given, and once", async (tables) => {
    const order = orderOf();
    const without = orderOf({ method: "GET", body: null });
    await tables.one.give(order);
    await tables.one.give(order);
    await tables.one.give(without);
    await tables.one.give(orderOf({ to: "third" }));
    assert.deepEqual(await tables.one.look(order.id), { name: "new" });
    const taken = await tables.other.take(other, [], 9);
    const byId = (list: readonly CampusOrder[]) =>
      list.toSorted((left, right) => (left.id < right.id ? -1 : 1)).map((each) => ({ ...each }));
    assert.deepEqual(byId(taken), byId([order, without]));
    const ids = taken.map(({ id }) => id);
    assert.deepEqual(await tables.other.take(other, ids, 9), []);
    await tables.one.give(order);
    assert.deepEqual(await tables.other.take(other, ids, 9), []);
  });

  contract("as many are taken as were asked for", async (tables) => {
    for (let left = 5; left > 0; left--) await tables.one.give(orderOf());
    const first = await tables.other.take(other, [], 2);
    assert.equal(first.length, 2);
    const known = first.map(({ id }) => id);
    assert.equal((await tables.other.take(other, known, 0)).length, 0);
    assert.equal((await tables.other.take(other, known, 9)).length, 3);
  });

  contract("what came of an order is read until it is forgotten", async (tables) => {
    const order = orderOf();
    await tables.one.give(order);
    await tables.other.take(other, [], 9);
    await tables.other.answer(order.id, done);
    assert.deepEqual(await tables.one.look(order.id), { name: "answered", answer: done });
    // A second one, and a look of the server, change nothing.
    await tables.other.answer(order.id, { ...done, status: 200 });
    await tables.other.take(other, [], 9);
    assert.deepEqual(await tables.one.withdraw(order), { name: "answered", answer: done });
    await tables.one.forget(order.id);
    assert.equal(await tables.one.look(order.id), null);
    assert.equal(await tables.one.look(orderOf().id), null);
  });

  contract(
    "an order that was withdrawn is never taken, also when it comes later",
    async (tables) => {
      const [given, late] = [orderOf(), orderOf()];
      await tables.one.give(given);
      for (const order of [given, late]) {
        assert.deepEqual(await tables.one.withdraw(order), { name: "withdrawn" });
        await tables.one.give(order);
        await tables.one.forget(order.id);
        await tables.one.give(order);
      }
      assert.deepEqual(await tables.other.take(other, [], 9), []);
      const begun = orderOf();
      await tables.one.give(begun);
      await tables.other.take(other, [], 9);
      assert.equal((await tables.one.withdraw(begun))?.name, "taken");
    },
  );

  contract("an order that nobody takes in ten seconds is void", async (tables) => {
    const order = orderOf();
    await tables.one.give(order);
    await tables.pass(10_500);
    assert.deepEqual(await tables.other.take(other, [], 9), []);
    assert.deepEqual(await tables.one.look(order.id), { name: "new" });
  });

  contract(
    "a server that is at an order says so, and gives up what it does not know",
    async (tables) => {
      const orders = [orderOf(), orderOf()] as const;
      for (const order of orders) await tables.one.give(order);
      await tables.other.take(other, [], 9);
      await tables.pass(20_000);
      const before = await tables.one.look(orders[0].id);
      assert(before?.name === "taken" && before.silent >= 20_000 && before.silent < 60_000);
      await tables.other.take(other, [orders[0].id], 9);
      const after = await tables.one.look(orders[0].id);
      assert(after?.name === "taken" && after.silent < 15_000);
      assert.deepEqual(await tables.one.look(orders[1].id), { name: "given-up" });
      await tables.other.answer(orders[1].id, done);
      assert.deepEqual(await tables.one.look(orders[1].id), { name: "given-up" });
    },
  );

  contract("only the process that has the server's name takes, and gives up", async (tables) => {
    const order = orderOf();
    await tables.one.give(order);
    const former = { ...other, instance: "an earlier one" };
    assert.deepEqual(await tables.other.take(former, [], 9), []);
    assert.deepEqual(await tables.other.take({ ...other, name: "nobody" }, [], 9), []);
    assert.equal((await tables.other.take(other, [], 9)).length, 1);
    await tables.other.take(former, [], 9);
    assert.equal((await tables.one.look(order.id))?.name, "taken");
  });

  contract("each server hears of orders for it, and of answers to its own", async (tables) => {
    const hints: string[] = [];
    using _ = tables.one.onHint("one", (about, id) => void hints.push(`one ${about} ${id}`));
    using __ = tables.other.onHint("other", (about) => void hints.push(`other ${about}`));
    const [order, lost] = [orderOf(), orderOf()];
    await tables.one.give(order);
    await until(() => hints.length > 0);
    assert.deepEqual(hints, ["other order"]);
    await tables.other.take(other, [], 9);
    await tables.other.answer(order.id, done);
    await until(() => hints.length > 1);
    assert.deepEqual(hints, ["other order", `one answer ${order.id}`]);
    await tables.one.give(lost);
    await tables.other.take(other, [], 9);
    await tables.other.take(other, [], 9);
    await until(() => hints.length > 3);
    assert.deepEqual(hints.slice(2), ["other order", `one answer ${lost.id}`]);
  });

  contract("old orders are removed: one's own after an hour, any after a day", async (tables) => {
    const [mine, theirs, fresh] = [orderOf(), orderOf({ from: "other", to: "one" }), orderOf()];
    await tables.one.give(mine);
    await tables.other.give(theirs);
    await tables.pass(3_700_000);
    await tables.one.give(fresh);
    await tables.one.clear("one");
    const left = async () => {
      const seen = [mine, theirs, fresh].map(({ id }) => tables.one.look(id));
      return (await Promise.all(seen)).map((each) => each !== null);
    };
    assert.deepEqual(await left(), [false, true, true]);
    await tables.pass(24 * 3_600_000);
    await tables.one.clear("one");
    assert.deepEqual(await left(), [false, false, false]);
  });
}
