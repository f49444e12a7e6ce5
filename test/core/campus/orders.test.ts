/** Orders of a campus: servers whose clocks differ, whose ways to the database lose what is asked and what is answered, and which are killed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  beginWithin,
  type GivenAction,
  type GivenEvent,
  GivenOrder,
  lookEvery,
  type OrderEnd,
  silentFor,
} from "../../../core/campus/given-order.ts";
import {
  doneAtOnce,
  longAfter,
  type TakenEvent,
  TakenOrders,
} from "../../../core/campus/taken-orders.ts";
import { millis } from "../../../core/units/units.ts";
import type { CampusOrder } from "../../../core/wire/campus-order.ts";
import { MemoryOrders } from "../../server/campus/memory-orders.ts";
import { MemoryRooms } from "../../server/campus/memory-rooms.ts";
import { orderOf } from "../../server/campus/order-tables-contract.ts";
import { entryOf } from "../../server/campus/room-tables-contract.ts";
import { seeded } from "../../sim/random.ts";

const answer = { status: 200, type: null, body: "" };

/** An order that was given at 0, to which things happen at a time. */
function given() {
  const machine = new GivenOrder(millis(0));
  const on = (at: number, event: GivenEvent) => machine.handle(event, millis(at));
  return { machine, on };
}
const asked = (action: GivenAction | null) => action?.type;
const endOf = (action: GivenAction | null) => (action?.type === "end" ? action.end.name : action);

test("an order is given, looked at when it is hinted, and answered", () => {
  const { machine, on } = given();
  assert.equal(asked(on(0, { type: "wake" })), "give");
  assert.equal(machine.deadline, null);
  assert.equal(on(5, { type: "given" }), null);
  assert.equal(asked(on(9, { type: "hint" })), "look");
  assert.equal(on(9, { type: "hint" }), null);
  // Of a hint amid a look it looks again.
  assert.equal(asked(on(10, { type: "seen", order: { name: "new" } })), "look");
  assert.equal(on(11, { type: "seen", order: { name: "new" } }), null);
  assert.equal(machine.deadline, 11 + lookEvery);
  assert.equal(asked(on(11, { type: "hint" })), "look");
  const end = on(12, { type: "seen", order: { name: "answered", answer } });
  assert.deepEqual(end, { type: "end", end: { name: "answered", answer } });
  assert.equal(machine.deadline, null);
  assert.equal(on(13, { type: "hint" }), null);
});

test("what nobody has begun in time is withdrawn, and only then is it said that nothing was done", () => {
  const { on } = given();
  on(0, { type: "wake" });
  on(1, { type: "given" });
  assert.equal(asked(on(beginWithin - 1, { type: "wake" })), "look");
  on(beginWithin - 1, { type: "seen", order: { name: "new" } });
  const late = beginWithin + lookEvery;
  assert.equal(asked(on(late, { type: "wake" })), "withdraw");
  assert.equal(endOf(on(late, { type: "seen", order: { name: "withdrawn" } })), "not-begun");
});

test("what was begun meanwhile is waited for as long as its server says that it is at it", () => {
  const { on } = given();
  on(0, { type: "wake" });
  on(1, { type: "given" });
  on(beginWithin, { type: "wake" });
  for (let at: number = beginWithin; at < 100 * silentFor; at += lookEvery) {
    assert.equal(on(at, { type: "seen", order: { name: "taken", silent: millis(3000) } }), null);
    assert.equal(asked(on(at + lookEvery, { type: "wake" })), "look");
  }
  const silent = { name: "taken", silent: silentFor } as const;
  assert.equal(endOf(on(100 * silentFor, { type: "seen", order: silent })), "no-word");
});

test("without the database it ends in time, and claims nothing", () => {
  for (const [seen, expected] of [
    [{ name: "new" }, "not-known"],
    [{ name: "taken", silent: millis(0) }, "no-word"],
    [null, "not-known"],
  ] as const) {
    const { machine, on } = given();
    on(0, { type: "wake" });
    on(0, { type: "given" });
    on(lookEvery, { type: "wake" });
    let action = on(lookEvery, { type: "seen", order: seen });
    let at: number = lookEvery;
    while (action?.type !== "end" && at < 60_000) {
      at = Math.max(at, machine.deadline ?? at) + 1;
      action = on(at, machine.deadline === null ? { type: "no-answer" } : { type: "wake" });
    }
    assert.equal(endOf(action), expected);
    assert(at <= silentFor + 3 * lookEvery + 100, `${at}`);
  }
});

test("an order for which nobody waits is withdrawn at once, and what was begun is left", () => {
  const { on } = given();
  on(0, { type: "wake" });
  on(1, { type: "gone" });
  assert.equal(asked(on(2, { type: "given" })), "withdraw");
  assert.equal(endOf(on(3, { type: "no-answer" })), "not-known");
  const begun = given();
  begun.on(0, { type: "wake" });
  begun.on(1, { type: "given" });
  begun.on(2, { type: "hint" });
  begun.on(3, { type: "seen", order: { name: "taken", silent: millis(0) } });
  assert.equal(endOf(begun.on(4, { type: "gone" })), "no-word");
});

test("a server does so many orders at the same time, and answers until the database has it", () => {
  const machine = new TakenOrders(millis(0));
  const on = (at: number, event: TakenEvent) => machine.handle(event, millis(at));
  assert.deepEqual(on(0, { type: "wake" }), [{ type: "take", known: [], most: doneAtOnce }]);
  const orders = Array.from({ length: doneAtOnce }, () => orderOf());
  const ids = orders.map(({ id }) => id);
  const [first = ""] = ids;
  assert.deepEqual(
    on(1, { type: "took", orders }).map(({ type }) => type),
    orders.map(() => "do"),
  );
  assert.deepEqual(on(2, { type: "hint" }), [{ type: "take", known: ids, most: 0 }]);
  on(3, { type: "took", orders: [] });
  const answers = [{ type: "answer", id: first, answer }];
  assert.deepEqual(on(4, { type: "done", id: first, answer }), answers);
  assert.deepEqual(on(5, { type: "not-answered", id: first }), []);
  // It is this server's until then.
  assert.deepEqual(on(6, { type: "hint" }), [{ type: "take", known: ids, most: 0 }]);
  on(7, { type: "took-nothing" });
  assert.equal(machine.deadline, 5 + lookEvery);
  assert.deepEqual(on(5 + lookEvery, { type: "wake" }), answers);
  assert.deepEqual(on(6 + lookEvery, { type: "answered", id: first }), [
    { type: "take", known: ids.slice(1), most: 1 },
  ]);
});

test("orders that take long keep no other from being done", () => {
  const machine = new TakenOrders(millis(0));
  const on = (at: number, event: TakenEvent) => machine.handle(event, millis(at));
  let at = 0;
  let count = 0;
  let wave = on(at, { type: "wake" });
  for (; ; at += longAfter) {
    const [take] = wave;
    assert(take?.type === "take");
    assert.equal(take.known.length, count);
    if (take.most === 0) break;
    const orders = Array.from({ length: take.most }, () => orderOf());
    count += orders.length;
    on(at, { type: "took", orders });
    assert.deepEqual(
      on(at + longAfter - 1, { type: "hint" }).map(
        (action) => action.type === "take" && action.most,
      ),
      [0],
    );
    on(at + longAfter - 1, { type: "took-nothing" });
    wave = on(at + longAfter, { type: "hint" });
  }
  assert.equal(count, 256);
});

interface Given {
  readonly order: CampusOrder;
  readonly machine: GivenOrder;
  readonly at: number;
  end: OrderEnd | null;
  endedAt: number;
  /** Its origin was killed. */
  isLost: boolean;
}

/** One server: it gives orders to the others and does theirs. */
class SimServer {
  readonly name: string;
  readonly given: Given[] = [];
  isCut = false;
  private readonly campus: SimCampus;
  private readonly ahead: number;
  private taken: TakenOrders;
  private life = 0;

  constructor(name: string, campus: SimCampus) {
    this.name = name;
    this.campus = campus;
    this.ahead = campus.random() * 1e9;
    this.taken = new TakenOrders(this.now);
    this.start();
  }

  get now() {
    return millis(this.campus.now + this.ahead);
  }

  start(): void {
    this.life++;
    for (const each of this.given) each.isLost ||= each.end === null;
    this.taken = new TakenOrders(this.now);
    const entry = entryOf(this.name, { instance: `${this.life}` });
    this.campus.rooms.servers.set(this.name, { entry, since: 0, heard: 0 });
  }

  give(to: string): void {
    const { campus } = this;
    const order = orderOf({ id: `${campus.given++}`, from: this.name, to });
    const machine = new GivenOrder(this.now);
    const at = campus.now;
    const one = { order, machine, at, end: null, endedAt: 0, isLost: false };
    this.given.push(one);
    this.onGiven(one, { type: "wake" });
  }

  hint(about: "order" | "answer"): void {
    if (this.isCut || this.campus.random() < this.campus.losing) return;
    if (about === "order") return this.onTaken({ type: "hint" });
    for (const one of this.given) this.onGiven(one, { type: "hint" });
  }

  wake(): void {
    if (this.now >= (this.taken.deadline ?? Infinity)) this.onTaken({ type: "wake" });
    for (const one of this.given) {
      const { deadline } = one.machine;
      if (deadline !== null && this.now >= deadline) this.onGiven(one, { type: "wake" });
    }
  }

  private onGiven(one: Given, event: GivenEvent): void {
    if (one.isLost || one.end !== null) return;
    const { campus } = this;
    const { orders } = campus;
    const { order, machine } = one;
    const action = machine.handle(event, this.now);
    if (action === null) return;
    if (action.type === "end") {
      one.end = action.end;
      one.endedAt = campus.now;
      campus.ended(one);
      return;
    }
    const asks: Record<typeof action.type, () => GivenEvent> = {
      give: () => {
        orders.give(order);
        return { type: "given" };
      },
      look: () => ({ type: "seen", order: orders.look(order.id) }),
      withdraw: () => ({ type: "seen", order: orders.withdraw(order) }),
    };
    this.ask(asks[action.type], (answered) => this.onGiven(one, answered ?? { type: "no-answer" }));
  }

  private onTaken(event: TakenEvent): void {
    const { campus, name, life } = this;
    const { orders } = campus;
    for (const action of this.taken.handle(event, this.now)) {
      if (action.type === "do") {
        const { id } = action.order;
        campus.did(action.order, name);
        campus.after(campus.random() * 4000, () => {
          if (life !== this.life) return;
          campus.doneAt.set(id, campus.now);
          this.onTaken({ type: "done", id, answer: { status: 200, type: null, body: id } });
        });
      } else if (action.type === "take") {
        const { known, most } = action;
        this.ask(
          () => orders.take({ name, instance: `${life}` }, known, most),
          (taken) =>
            this.onTaken(
              taken === null ? { type: "took-nothing" } : { type: "took", orders: taken },
            ),
        );
      } else {
        const { id } = action;
        this.ask(
          () => orders.answer(id, action.answer),
          (stored) => this.onTaken({ type: stored === null ? "not-answered" : "answered", id }),
        );
      }
    }
  }

  /** Of what is asked something is lost, something comes late, and of what is answered something is lost. Null: no answer. */
  private ask<T>(work: () => T, then: (answer: T | null) => void): void {
    const { campus, life } = this;
    const { random, losing } = campus;
    const tell = (answer: T | null): void => {
      if (life === this.life) then(answer);
    };
    if (this.isCut || random() < losing) {
      // It may be done all the same, and later than its caller thinks.
      if (random() < 0.5) campus.after(random() * 8000, () => void work());
      campus.after(random() * 5000, () => tell(null));
      return;
    }
    campus.after(random() * 50, () => {
      const answer = work();
      const isLost = this.isCut || random() < losing;
      campus.after(random() * (isLost ? 5000 : 50), () => tell(isLost ? null : answer));
    });
  }
}

class SimCampus {
  readonly random: () => number;
  readonly rooms = new MemoryRooms();
  readonly orders = new MemoryOrders(this.rooms);
  readonly servers: SimServer[];
  /** Of what is asked, and of hints, so much is lost. */
  losing = 0;
  given = 0;
  readonly ends: Given[] = [];
  private readonly done = new Map<string, number>();
  /** When it was, by id. */
  readonly doneAt = new Map<string, number>();
  private readonly never = new Set<string>();
  private readonly due: { readonly at: number; readonly work: () => void }[] = [];

  constructor(seed: number) {
    this.random = seeded(seed);
    this.servers = ["a", "b", "c"].map((name) => new SimServer(name, this));
    for (const server of this.servers)
      this.orders.listen(server.name, (about) => this.after(1, () => server.hint(about)));
  }

  get now(): number {
    return this.rooms.now;
  }

  after(ms: number, work: () => void): void {
    this.due.push({ at: this.now + ms, work });
  }

  did({ id, to }: CampusOrder, server: string): void {
    assert.equal(server, to);
    assert(!this.never.has(id), `${id} is done after it was said that nothing was`);
    this.done.set(id, (this.done.get(id) ?? 0) + 1);
    assert.equal(this.done.get(id), 1, `${id} is done twice`);
  }

  ended(one: Given): void {
    const { end, order } = one;
    const { id } = order;
    this.ends.push(one);
    if (end?.name === "not-begun") {
      assert(!this.done.has(id), `${id} was done, and it was said that nothing was`);
      this.never.add(id);
    }
    if (end?.name === "answered") {
      assert.equal(end.answer.body, id);
      assert.equal(this.done.get(id), 1);
    }
  }

  pass(ms: number): void {
    const end = this.now + ms;
    for (; this.now < end; this.rooms.now += 10) {
      for (const server of this.servers) server.wake();
      for (let at = this.due.length - 1; at >= 0; at--) {
        const due = this.due[at];
        if (due === undefined || due.at > this.now) continue;
        this.due.splice(at, 1);
        due.work();
      }
    }
  }
}

function run(seed: number): string[] {
  const campus = new SimCampus(seed);
  const { random, servers } = campus;
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  campus.losing = pick([0, 0.02, 0.2]);
  const isRough = seed % 4 !== 0;
  for (let step = 0; step < 60; step++) {
    campus.pass(random() * 1000);
    const server = pick(servers);
    const dice = isRough ? random() : 1;
    if (dice < 0.1) server.start();
    else if (dice < 0.2) server.isCut = !server.isCut;
    else server.give(pick(servers.filter((each) => each !== server)).name);
  }
  for (const server of servers) server.isCut = false;
  campus.losing = 0;
  campus.pass(60_000);
  for (const server of servers)
    for (const { end, isLost, order } of server.given)
      assert(end !== null || isLost, `seed ${seed}: order ${order.id} does not end`);
  for (const { end, at, endedAt } of campus.ends) {
    if (end?.name !== "answered") assert(endedAt - at < 60_000, `seed ${seed}: it ended late`);
  }
  return campus.ends.map(({ end }) => end?.name ?? "");
}

test("no order is done twice, none of which it was said that nothing was done, and each ends", () => {
  const seen = new Map<string, number>();
  for (let seed = 0; seed < 120; seed++)
    for (const name of run(seed)) seen.set(name, (seen.get(name) ?? 0) + 1);
  // Else the rule was not tried.
  for (const name of ["answered", "not-begun", "no-word", "not-known"])
    assert((seen.get(name) ?? 0) > 10, `${name}: ${seen.get(name)}`);
});

test("where nothing is lost every order is answered as soon as it is done", () => {
  const campus = new SimCampus(7);
  const [a] = campus.servers;
  for (let left = 10; left > 0; left--) {
    a?.give("b");
    campus.pass(5000);
  }
  assert.deepEqual(
    campus.ends.map(({ end }) => end?.name),
    Array.from({ length: 10 }, () => "answered"),
  );
  for (const { order, endedAt } of campus.ends) {
    const after = endedAt - (campus.doneAt.get(order.id) ?? 0);
    assert(after >= 0 && after < 300, `${after} ms after it was done`);
  }
});
