/** Orders between the servers of a campus, in memory and with PostgreSQL. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { CampusServer } from "../../../core/wire/campus.ts";
import type { CampusOrder, OrderAnswer, OrderedCall } from "../../../core/wire/campus-order.ts";
import { CampusOrders, type DoOrder, givenAtOnce } from "../../../server/campus/campus-orders.ts";
import type { OrderTables } from "../../../server/campus/order-tables.ts";
import { MemoryOrders } from "./memory-orders.ts";
import { MemoryRooms } from "./memory-rooms.ts";
import { orderTablesContract } from "./order-tables-contract.ts";
import { PostgresCampus } from "./postgres-campus.ts";
import { until } from "./registry-contract.ts";
import { hostClock, RoomTime } from "./room-site.ts";
import { entryOf } from "./room-tables-contract.ts";

let campus: PostgresCampus;
before(async () => {
  campus = await PostgresCampus.start();
});
after(() => campus[Symbol.asyncDispose]());

orderTablesContract("in memory", async () => {
  const rooms = new MemoryRooms();
  const orders = new MemoryOrders(rooms);
  return {
    ...{ one: orders.tables(), other: orders.tables() },
    async has(server, instance) {
      rooms.servers.set(server, { entry: entryOf(server, { instance }), since: 0, heard: 0 });
    },
    async pass(ms) {
      rooms.now += ms;
    },
    [Symbol.asyncDispose]: async () => {},
  };
});

/** The tables of two servers in PostgreSQL, emptied. */
async function inPostgres() {
  const { admin, registries } = await campus.fresh();
  const [one, other] = registries;
  assert(one !== undefined && other !== undefined);
  return {
    ...{ one: one.orderTables(), other: other.orderTables() },
    async has(server: string, instance: string) {
      await one.roomTables().greet(entryOf(server, { instance, isFirst: true }));
    },
    async pass(ms: number) {
      const moved = admin`${ms} * interval '1 ms'`;
      await admin`UPDATE campus_order SET until = until - ${moved}, changed = changed - ${moved}`;
    },
    [Symbol.asyncDispose]: async () => {},
  };
}
orderTablesContract("PostgreSQL", inPostgres);

const call: OrderedCall = {
  ...{ operator: "alice", role: "operator", method: "POST", path: "/rooms", body: "{}" },
};
const serverOf = (name: string, away: string | null = null): CampusServer => ({
  ...{ name, address: `https://${name}:8443`, version: "1.0", since: "t", away },
});
const never = new AbortController().signal;
const answerTo = ({ id, path }: Pick<CampusOrder, "id" | "path">): OrderAnswer => ({
  ...{ status: 200, type: "text/plain", body: `${path} of ${id.length} for the other one` },
});

/** One server; `doOrder` null: it does none. */
function serverOn(
  tables: OrderTables,
  server: string,
  doOrder: DoOrder | null,
  { time = hostClock.time, steady = hostClock.steady, servers = ["one", "other"] } = {},
): CampusOrders & AsyncDisposable {
  const orders = new CampusOrders({
    ...{ tables, server, instance: `process of ${server}`, time, steady },
    servers: () => servers.map((name) => serverOf(name)),
    newId: () => randomBytes(16).toString("hex"),
  });
  if (doOrder !== null) orders.begin(doOrder);
  return Object.assign(orders, { [Symbol.asyncDispose]: () => orders.close() });
}

test("PostgreSQL: a hundred orders, ten at a time, are answered well within a second", async (context) => {
  await using tables = await inPostgres();
  await tables.has("other", "process of other");
  await tables.has("one", "process of one");
  await using one = serverOn(tables.one, "one", async (order) => answerTo(order));
  await using _ = serverOn(tables.other, "other", async (order) => answerTo(order));
  const took: number[] = [];
  const lane = async (): Promise<void> => {
    for (let left = 10; left > 0; left--) {
      const from = performance.now();
      const { body } = await one.order("other", call, never);
      took.push(performance.now() - from);
      assert.equal(body, "/rooms of 32 for the other one");
    }
  };
  await Promise.all(Array.from({ length: 10 }, lane));
  took.sort((left, right) => left - right);
  context.diagnostic(`ms: median ${took[50]?.toFixed(0)}, p99 ${took[98]?.toFixed(0)}`);
  assert((took[98] ?? Infinity) < 1000, `${took[98]}`);
  await until(async () => (await campus.admin`SELECT FROM campus_order`).count === 0);
});

test("PostgreSQL: no hint is needed, and a body is not kept", async () => {
  await using tables = await inPostgres();
  await tables.has("other", "process of other");
  const deaf = (of: OrderTables): OrderTables =>
    Object.assign(Object.create(of), { onHint: () => ({ [Symbol.dispose]() {} }) });
  await using one = serverOn(deaf(tables.one), "one", null);
  const kept: unknown[] = [];
  await using _ = serverOn(deaf(tables.other), "other", async (order) => {
    kept.push(order.body, ...(await campus.admin`SELECT body FROM campus_order`));
    return answerTo(order);
  });
  const { status } = await one.order("other", { ...call, body: '{"name":"lab"}' }, never);
  assert.equal(status, 200);
  assert.deepEqual(kept, ['{"name":"lab"}', { body: null }]);
});

/** Two servers in memory, whose clock a test moves; the second one does orders as `doOrder` says. */
function inMemory(doOrder: DoOrder | null) {
  const time = new RoomTime();
  const orders = new MemoryOrders(time.campus);
  const has = (server: string, instance = `process of ${server}`): void => {
    const entry = entryOf(server, { instance });
    time.campus.servers.set(server, { entry, since: 0, heard: 0 });
  };
  has("one");
  has("other");
  const clock = { time, steady: time.steady };
  const [mine, theirs] = [orders.tables(), orders.tables()];
  const one = serverOn(mine, "one", null, clock);
  const other = serverOn(theirs, "other", doOrder, clock);
  const begin = (work: DoOrder) => serverOn(theirs, "other", work, clock);
  return { time, orders, has, mine, theirs, one, other, begin };
}

interface Seen {
  answer: OrderAnswer | null;
  error: (Error & { readonly code?: string }) | null;
}

/** What became of an order, once it has; null until then. */
function ordered(one: CampusOrders, gone = never): Seen {
  const seen: Seen = { answer: null, error: null };
  one.order("other", call, gone).then(
    (answer) => {
      seen.answer = answer;
    },
    (error: Error) => {
      seen.error = error;
    },
  );
  return seen;
}

test("a server that takes no orders did nothing, and that is said in some ten seconds", async () => {
  const { time, one, orders } = inMemory(null);
  const seen = ordered(one);
  await time.pass(9000);
  assert.deepEqual({ ...seen }, { answer: null, error: null });
  await time.pass(3000);
  assert.equal(seen.error?.code, "away");
  assert.match(seen.error?.message ?? "", /^other did not answer; nothing was done there$/);
  // Also when it begins now.
  const done: string[] = [];
  const late = serverOn(orders.tables(), "other", async (order) => {
    done.push(order.id);
    return answerTo(order);
  });
  await sleep(50);
  await late.close();
  assert.deepEqual(done, []);
});

test("a server that works on and on is waited for, and one that is killed amid it is not", async () => {
  let over = (): void => {};
  const { time, one, other, begin } = inMemory(
    (order) =>
      new Promise((resolve) => {
        over = () => resolve(answerTo(order));
      }),
  );
  const slow = ordered(one);
  await time.pass(300_000);
  assert.deepEqual({ ...slow }, { answer: null, error: null });
  over();
  await time.pass(100);
  assert.equal(slow.answer?.status, 200);

  const killed = ordered(one);
  await time.pass(1000);
  await other.close();
  await time.pass(20_000);
  assert.equal(killed.error?.code, "failed");
  assert.match(killed.error?.message ?? "", /taken the order, and did not say what came of it/);

  const again = ordered(one);
  await time.pass(1000);
  const done: string[] = [];
  const next = begin(async (order) => {
    done.push(order.id);
    return answerTo(order);
  });
  await time.pass(2000);
  assert.equal(again.answer?.status, 200);
  assert.equal(done.length, 1);
  await next.close();
});

test("what a process had taken is given up by the next one at its start, and never done again", async () => {
  const done: string[] = [];
  const { time, one, other, begin } = inMemory((order) => {
    done.push(order.id);
    return new Promise(() => {});
  });
  const seen = ordered(one);
  await time.pass(1000);
  await other.close();
  const next = begin(async (order) => {
    done.push(order.id);
    return answerTo(order);
  });
  await time.pass(1500);
  assert.match(seen.error?.message ?? "", /did not say what came of it/);
  assert.equal(done.length, 1);
  await next.close();
});

test("an answer that the database does not take is given again when it is back", async () => {
  const { time, one, theirs, other } = inMemory(async (order) => {
    theirs.setAway("cut");
    return answerTo(order);
  });
  const seen = ordered(one);
  await time.pass(8000);
  assert.deepEqual({ ...seen }, { answer: null, error: null });
  theirs.setAway(null);
  await time.pass(2500);
  assert.equal(seen.answer?.status, 200);
  await other.close();
});

test("who goes away withdraws what was not begun", async () => {
  const { time, one, orders } = inMemory(null);
  const gone = new AbortController();
  const seen = ordered(one, gone.signal);
  await time.pass(500);
  gone.abort();
  await time.pass(100);
  assert.match(seen.error?.message ?? "", /nothing was done there/);
  assert.deepEqual(
    [...orders.rows.values()].map(({ state }) => state),
    ["withdrawn"],
  );
});

test("without the database nothing is given, and what it takes along is not known", async () => {
  const { time, one, mine } = inMemory(null);
  const seen = ordered(one);
  await time.pass(1000);
  mine.setAway("cut");
  await assert.rejects(one.order("other", call, never), /database is away since/);
  await time.pass(20_000);
  assert.equal(seen.error?.code, "failed");
  assert.match(seen.error?.message ?? "", /whether other has got the order is not known/);
});

test("so many orders are under way, and no more", async () => {
  const { time, one } = inMemory(null);
  const all = Array.from({ length: givenAtOnce }, () => ordered(one));
  await assert.rejects(one.order("other", call, never), { code: "too-many" });
  await assert.rejects(one.order("third", call, never), { code: "not-found" });
  await time.pass(15_000);
  assert(all.every(({ error }) => error?.code === "away"));
  const again = ordered(one);
  await time.pass(100);
  assert.equal(again.error, null);
});
