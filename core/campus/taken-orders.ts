/**
 * The orders of other servers of the campus that this server does: a pure machine. The database gives each to it once
 * at most; what was given and is not known here was given to an earlier process, or its telling was lost, and is given up.
 */
import { type Millis, millis } from "../units/units.ts";
import type { CampusOrder, OrderAnswer } from "../wire/campus-order.ts";
import { lookEvery, tellEvery } from "./given-order.ts";

/** As many are done at the same time. */
export const doneAtOnce = 16;
/** One that takes longer waits for something, and no other waits for it. */
export const longAfter = millis(5000);
/** As many are under way at the same time, those that take long among them. */
const underWayAtMost = 256;

export type TakenEvent =
  | { readonly type: "wake" }
  /** There may be a new one. */
  | { readonly type: "hint" }
  /** After a `take`: these are this server's to do. */
  | { readonly type: "took"; readonly orders: readonly CampusOrder[] }
  | { readonly type: "took-nothing" }
  | { readonly type: "done"; readonly id: string; readonly answer: OrderAnswer }
  /** After an `answer`: the database has it, or will not have it; or it did not say. */
  | { readonly type: "answered"; readonly id: string }
  | { readonly type: "not-answered"; readonly id: string };

export type TakenAction =
  /** Say that the server is at those of `known`, give up its others, and take so many new ones. */
  | { readonly type: "take"; readonly known: readonly string[]; readonly most: number }
  | { readonly type: "do"; readonly order: CampusOrder }
  | { readonly type: "answer"; readonly id: string; readonly answer: OrderAnswer };

/** `answer`: null while it is being done. `retryAt`: null while the database is asked. */
interface Known {
  readonly takenAt: Millis;
  answer: OrderAnswer | null;
  retryAt: Millis | null;
}

export class TakenOrders {
  private readonly known = new Map<string, Known>();
  private isTaking = false;
  private most = 0;
  /** As many came as were asked for: there may be more. */
  private areMore = false;
  private nextTake: Millis;

  constructor(now: Millis) {
    this.nextTake = now;
  }

  /** When to `wake` it; null: it waits for what it asked. */
  get deadline(): Millis | null {
    const retries = [...this.known.values()].map(({ retryAt }) => retryAt ?? Infinity);
    const first = Math.min(this.isTaking ? Infinity : this.nextTake, ...retries);
    return first === Infinity ? null : millis(first);
  }

  handle(event: TakenEvent, now: Millis): TakenAction[] {
    const actions: TakenAction[] = [];
    switch (event.type) {
      case "wake":
        break;
      case "hint":
        this.nextTake = now;
        break;
      case "took":
        this.isTaking = false;
        this.areMore = event.orders.length === this.most;
        for (const order of event.orders) {
          this.known.set(order.id, { takenAt: now, answer: null, retryAt: null });
          actions.push({ type: "do", order });
        }
        break;
      case "took-nothing":
        this.isTaking = false;
        break;
      case "done": {
        const { takenAt = now } = this.known.get(event.id) ?? {};
        this.known.set(event.id, { takenAt, answer: event.answer, retryAt: now });
        break;
      }
      case "answered":
        this.known.delete(event.id);
        if (this.areMore) this.nextTake = now;
        break;
      case "not-answered": {
        const known = this.known.get(event.id);
        if (known !== undefined) known.retryAt = millis(now + lookEvery);
        break;
      }
    }
    return [...actions, ...this.answers(now), ...this.takes(now)];
  }

  private answers(now: Millis): TakenAction[] {
    return [...this.known].flatMap(([id, known]): TakenAction[] => {
      const { answer, retryAt } = known;
      if (answer === null || retryAt === null || now < retryAt) return [];
      known.retryAt = null;
      return [{ type: "answer", id, answer }];
    });
  }

  private takes(now: Millis): TakenAction[] {
    if (this.isTaking || now < this.nextTake) return [];
    this.isTaking = true;
    this.nextTake = millis(now + tellEvery);
    const known = [...this.known.keys()];
    const begun = [...this.known.values()].filter(({ takenAt }) => now - takenAt < longAfter);
    this.most = Math.max(0, Math.min(doneAtOnce - begun.length, underWayAtMost - known.length));
    return [{ type: "take", known, most: this.most }];
  }
}
