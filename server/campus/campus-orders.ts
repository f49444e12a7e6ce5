/** Orders between the servers of a campus: those that are given here, and those that this server does for the others. */
import {
  type GivenAction,
  type GivenEvent,
  GivenOrder,
  type OrderEnd,
} from "../../core/campus/given-order.ts";
import { type TakenAction, type TakenEvent, TakenOrders } from "../../core/campus/taken-orders.ts";
import { errorText } from "../../core/errors.ts";
import { millis } from "../../core/units/units.ts";
import type { CampusServer } from "../../core/wire/campus.ts";
import {
  type CampusOrder,
  type OrderAnswer,
  type OrderedCall,
  orderBytesLimit,
} from "../../core/wire/campus-order.ts";
import { Nap } from "./nap.ts";
import {
  databaseAway,
  noSuchServer,
  notAnswered,
  orderTooLarge,
  serverAway,
  tooManyOrders,
} from "./order-faults.ts";
import type { OrderTables } from "./order-tables.ts";
import { type CampusTime, isAway } from "./patience.ts";

/** So many orders that were given here may be under way. */
export const givenAtOnce = 64;
/** Milliseconds between two times that old orders are removed. */
const clearEvery = 600_000;

export interface CampusOrdersPorts {
  readonly tables: OrderTables;
  /** This server's name, and of its process. */
  readonly server: string;
  readonly instance: string;
  /** All that were heard of. */
  servers(): readonly CampusServer[];
  readonly time: Pick<CampusTime, "sleep">;
  /** A clock that nobody sets, in milliseconds. */
  steady(): number;
  /** 16 bytes in hexadecimal, which nobody guesses. */
  newId(): string;
}

/** Does an order here; never rejects. */
export type DoOrder = (order: CampusOrder) => Promise<OrderAnswer>;

export class CampusOrders {
  private readonly ports: CampusOrdersPorts;
  private readonly subscription: Disposable;
  /** Of the orders that were given here, by their ids. */
  private readonly given = new Map<string, Nap>();
  /** Of doing those of others. */
  private readonly doing: Nap;
  private readonly taken: TakenOrders;
  private readonly events: TakenEvent[] = [];
  private readonly closing = new AbortController();
  private clearAt = 0;
  private trouble: string | null = null;
  private running: Promise<void> = Promise.resolve();

  constructor(ports: CampusOrdersPorts) {
    this.ports = ports;
    this.doing = this.nap();
    this.taken = new TakenOrders(this.now);
    this.subscription = ports.tables.onHint(ports.server, (about, id) => {
      if (about === "order") this.happened({ type: "hint" });
      else if (id !== null) this.given.get(id)?.wake();
      else for (const nap of this.given.values()) nap.wake();
    });
  }

  get server(): string {
    return this.ports.server;
  }

  /** In words. */
  get warnings(): string[] {
    return this.trouble === null ? [] : [`orders of other servers of the campus: ${this.trouble}`];
  }

  /** Throws `not-found` for a server that the campus does not have. */
  serverNamed(name: string): CampusServer {
    const found = this.ports.servers().find((server) => server.name === name);
    if (found === undefined) throw noSuchServer(name);
    return found;
  }

  /**
   * Has another server do a call, and answers what it answers. Rejects with `away` where nothing was done, and with
   * `failed` where that is not known. `gone`: nobody waits any more.
   */
  async order(to: string, call: OrderedCall, gone: AbortSignal): Promise<OrderAnswer> {
    const { tables, server: from, newId } = this.ports;
    const server = this.serverNamed(to);
    const away = tables.away();
    if (away !== null) throw databaseAway(to, away.since);
    if (server.away !== null) throw serverAway(to, server.away);
    if (Buffer.byteLength(call.body ?? "") > orderBytesLimit) throw orderTooLarge(server);
    if (this.given.size >= givenAtOnce) throw tooManyOrders(givenAtOnce);
    const order = { ...call, id: newId(), from, to };
    const end = await this.follow(order, AbortSignal.any([gone, this.closing.signal]));
    if (end.name === "answered" || end.name === "no-word")
      // One that stays is removed with the old ones.
      tables.forget(order.id).catch(() => {});
    if (end.name === "answered") return end.answer;
    throw notAnswered(end.name, to);
  }

  /** From now on this server does what the others order. */
  begin(doOrder: DoOrder): void {
    this.running = this.run(doOrder);
  }

  /** What is being done is not waited for. */
  async close(): Promise<void> {
    this.closing.abort();
    this.subscription[Symbol.dispose]();
    this.doing.wake();
    await this.running;
  }

  private get now() {
    return millis(this.ports.steady());
  }

  private nap(): Nap {
    const { time, steady } = this.ports;
    return new Nap(time, steady);
  }

  private async follow(order: CampusOrder, gone: AbortSignal): Promise<OrderEnd> {
    const machine = new GivenOrder(this.now);
    const nap = this.nap();
    const leave = (): void => nap.wake();
    this.given.set(order.id, nap);
    gone.addEventListener("abort", leave);
    try {
      let event: GivenEvent = { type: "wake" };
      let hasLeft = false;
      for (;;) {
        const action = machine.handle(event, this.now);
        if (action?.type === "end") return action.end;
        if (action !== null) {
          event = await this.ask(order, action);
          continue;
        }
        const { deadline } = machine;
        await nap.until(deadline);
        const isDue = deadline !== null && this.now >= deadline;
        event = { type: gone.aborted && !hasLeft ? "gone" : isDue ? "wake" : "hint" };
        hasLeft = gone.aborted;
      }
    } finally {
      gone.removeEventListener("abort", leave);
      this.given.delete(order.id);
    }
  }

  private async ask(
    order: CampusOrder,
    { type }: Exclude<GivenAction, { readonly type: "end" }>,
  ): Promise<GivenEvent> {
    const { tables } = this.ports;
    try {
      if (type === "look") return { type: "seen", order: await tables.look(order.id) };
      if (type === "withdraw") return { type: "seen", order: await tables.withdraw(order) };
      await tables.give(order);
      return { type: "given" };
    } catch (error) {
      if (!isAway(error)) throw error;
      return { type: "no-answer" };
    }
  }

  private happened(event: TakenEvent): void {
    this.events.push(event);
    this.doing.wake();
  }

  private async run(doOrder: DoOrder): Promise<void> {
    while (!this.closing.signal.aborted) {
      const event = this.events.shift() ?? { type: "wake" };
      for (const action of this.taken.handle(event, this.now)) void this.act(action, doOrder);
      this.clear();
      if (this.events.length === 0) await this.doing.until(this.taken.deadline);
    }
  }

  private async act(action: TakenAction, doOrder: DoOrder): Promise<void> {
    const { tables, server: name, instance } = this.ports;
    switch (action.type) {
      case "do": {
        const { id } = action.order;
        this.happened({ type: "done", id, answer: await doOrder(action.order) });
        return;
      }
      case "take":
        try {
          const orders = await tables.take({ name, instance }, action.known, action.most);
          this.trouble = null;
          this.happened({ type: "took", orders });
        } catch (error) {
          this.trouble = isAway(error) ? null : errorText(error);
          this.happened({ type: "took-nothing" });
        }
        return;
      case "answer":
        try {
          await tables.answer(action.id, action.answer);
          this.happened({ type: "answered", id: action.id });
        } catch (error) {
          // What the database refuses to take is given up with the next look.
          const type = isAway(error) ? "not-answered" : "answered";
          this.happened({ type, id: action.id });
        }
    }
  }

  private clear(): void {
    const { tables, server } = this.ports;
    if (this.now < this.clearAt || tables.away() !== null) return;
    this.clearAt = this.now + clearEvery;
    tables.clear(server).catch(() => {});
  }
}
