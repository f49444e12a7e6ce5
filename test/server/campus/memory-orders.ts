/** Orders between the servers of a campus in memory. Whether a process has its server's name is known by the servers there. */
import { beginWithin, type SeenOrder } from "../../../core/campus/given-order.ts";
import { millis } from "../../../core/units/units.ts";
import type { CampusOrder, OrderAnswer } from "../../../core/wire/campus-order.ts";
import type { OrderHint, OrderTables } from "../../../server/campus/order-tables.ts";
import { MayBeAway } from "./may-be-away.ts";
import type { MemoryRooms } from "./memory-rooms.ts";

type Server = { readonly name: string; readonly instance: string };

interface Row {
  readonly order: CampusOrder;
  state: SeenOrder["name"];
  answer: OrderAnswer | null;
  readonly until: number;
  changed: number;
}

export class MemoryOrders {
  readonly rows = new Map<string, Row>();
  readonly campus: MemoryRooms;
  private readonly hints = new Set<{ readonly server: string; readonly hint: OrderHint }>();

  constructor(campus: MemoryRooms) {
    this.campus = campus;
  }

  tables(): MemoryOrderTables {
    return new MemoryOrderTables(this);
  }

  listen(server: string, hint: OrderHint): Disposable {
    const listener = { server, hint };
    this.hints.add(listener);
    return { [Symbol.dispose]: () => void this.hints.delete(listener) };
  }

  give(order: CampusOrder): void {
    if (!this.rows.has(order.id)) this.put(order, "new");
    this.hint(order.to, "order", null);
  }

  look(id: string): SeenOrder | null {
    const row = this.rows.get(id);
    if (row === undefined) return null;
    const { state: name, answer, changed } = row;
    if (name === "answered") return { name, answer: answer as OrderAnswer };
    return name === "taken" ? { name, silent: millis(this.campus.now - changed) } : { name };
  }

  withdraw(order: CampusOrder): SeenOrder | null {
    const row = this.rows.get(order.id);
    if (row === undefined) this.put(order, "withdrawn");
    else if (row.state === "new") this.change(row, "withdrawn");
    return this.look(order.id);
  }

  forget(id: string): void {
    if (/answered|given-up/.test(this.rows.get(id)?.state ?? "")) this.rows.delete(id);
  }

  take({ name, instance }: Server, known: readonly string[], most: number): CampusOrder[] {
    const { campus } = this;
    if (campus.servers.get(name)?.entry.instance !== instance) return [];
    const mine = [...this.rows.values()].filter(({ order }) => order.to === name);
    for (const row of mine) {
      if (row.state !== "taken") continue;
      if (known.includes(row.order.id)) row.changed = campus.now;
      else this.change(row, "given-up");
    }
    const next = mine.filter(({ state, until }) => state === "new" && until >= campus.now);
    const taken = next.slice(0, most);
    for (const row of taken) this.change(row, "taken");
    return taken.map(({ order }) => order);
  }

  answer(id: string, answer: OrderAnswer): void {
    const row = this.rows.get(id);
    if (row?.state !== "taken") return;
    row.answer = answer;
    this.change(row, "answered");
  }

  clear(server: string): void {
    const hour = 3_600_000;
    for (const [id, { order, changed }] of this.rows) {
      const age = this.campus.now - changed;
      if (age > 24 * hour || (order.from === server && age > hour)) this.rows.delete(id);
    }
  }

  private put(order: CampusOrder, state: SeenOrder["name"]): void {
    const { now } = this.campus;
    const until = now + beginWithin;
    this.rows.set(order.id, { order, state, answer: null, until, changed: now });
  }

  private change(row: Row, state: SeenOrder["name"]): void {
    row.state = state;
    row.changed = this.campus.now;
    if (state === "answered" || state === "given-up")
      this.hint(row.order.from, "answer", row.order.id);
  }

  private hint(server: string, ...said: Parameters<OrderHint>): void {
    for (const each of this.hints) if (each.server === server) each.hint(...said);
  }
}

/** As one server has them. */
export class MemoryOrderTables extends MayBeAway implements OrderTables {
  private readonly orders: MemoryOrders;

  constructor(orders: MemoryOrders) {
    super();
    this.orders = orders;
  }

  /** Null: it is there again. */
  setAway(reason: string | null): void {
    const since = this.orders.campus.iso(this.orders.campus.now);
    this.absence = reason === null ? null : { since, reason };
  }

  give = (order: CampusOrder) => this.step(() => this.orders.give(order));
  look = (id: string) => this.step(() => this.orders.look(id));
  withdraw = (order: CampusOrder) => this.step(() => this.orders.withdraw(order));
  forget = (id: string) => this.step(() => this.orders.forget(id));
  take = (server: Server, known: readonly string[], most: number) =>
    this.step(() => this.orders.take(server, known, most));
  answer = (id: string, answer: OrderAnswer) => this.step(() => this.orders.answer(id, answer));
  clear = (server: string) => this.step(() => this.orders.clear(server));

  onHint(server: string, hint: OrderHint): Disposable {
    return this.orders.listen(server, (...said) => void (this.absence === null && hint(...said)));
  }
}
