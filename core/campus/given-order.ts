/**
 * One order that was given at this server, and that another server of the campus shall do: a pure machine. It
 * ends with what came of the order, and says that nothing was done only where that is sure. docs/campus.md argues
 * why.
 */
import { type Millis, millis } from "../units/units.ts";
import type { OrderAnswer } from "../wire/campus-order.ts";

/** In so long an order has to be begun, by the database's clock; later nobody begins it. */
export const beginWithin = millis(10_000);
/** A server that is at an order says so in so long: a fifth of `silentFor`. */
export const tellEvery = millis(3000);
/** An order is given up when its server, or the database, was not heard for so long. */
export const silentFor = millis(15_000);
/** Between two looks at an order of which nothing was hinted. */
export const lookEvery = millis(1000);

/** An order as the database has it. Once it is `answered`, `given-up` or `withdrawn` it stays so. */
export type SeenOrder =
  | { readonly name: "new" }
  /** `silent`: since when its server has not said that it is at it. */
  | { readonly name: "taken"; readonly silent: Millis }
  | { readonly name: "answered"; readonly answer: OrderAnswer }
  /** Its server had taken it, and does not know any more what came of it. */
  | { readonly name: "given-up" }
  | { readonly name: "withdrawn" };

export type GivenEvent =
  | { readonly type: "wake" }
  /** Its state may be another one. */
  | { readonly type: "hint" }
  /** Nobody waits for it any more. */
  | { readonly type: "gone" }
  /** The database has the order. */
  | { readonly type: "given" }
  /** After a `look` or a `withdraw`; null: there is no such order. */
  | { readonly type: "seen"; readonly order: SeenOrder | null }
  /** What was asked may have been done, or not. */
  | { readonly type: "no-answer" };

export type OrderEnd =
  | { readonly name: "answered"; readonly answer: OrderAnswer }
  /** It was not begun, and never will be. */
  | { readonly name: "not-begun" }
  /** It was begun, and nobody says what came of it. */
  | { readonly name: "no-word" }
  /** Whether it was begun is not known: the database is away, or has lost it. */
  | { readonly name: "not-known" };

export type GivenAction =
  /** Put the order into the database; done again, it changes nothing. */
  | { readonly type: "give" }
  | { readonly type: "look" }
  /** See to it that it is never begun, unless it was; then look. */
  | { readonly type: "withdraw" }
  | { readonly type: "end"; readonly end: OrderEnd };

/** `giving`: whether the database has it is not known. `given`: it is there, and was not begun when it was last seen. */
type State = "giving" | "given" | "withdrawing" | "taken" | "ended";

export class GivenOrder {
  private state: State = "giving";
  private isAsking = false;
  private isGone = false;
  /** Something was hinted since it asked. */
  private isHinted = false;
  private heardAt: Millis;
  private nextAsk: Millis;
  private readonly withdrawAt: Millis;

  constructor(now: Millis) {
    this.heardAt = now;
    this.nextAsk = now;
    this.withdrawAt = millis(now + beginWithin);
  }

  /** When to `wake` it; null: it waits for what it asked, or has ended. */
  get deadline(): Millis | null {
    return this.isAsking || this.state === "ended" ? null : this.nextAsk;
  }

  /** Answers what to do, if anything. */
  handle(event: GivenEvent, now: Millis): GivenAction | null {
    if (this.state === "ended") return null;
    const end = this.take(event, now);
    if (end !== null) return this.ended(end);
    if (this.isAsking || now < this.nextAsk) return null;
    if (now - this.heardAt >= silentFor) return this.ended(this.unheard());
    const isOver = now >= this.withdrawAt || this.isGone;
    if (isOver && this.state !== "taken") this.state = "withdrawing";
    this.isAsking = true;
    this.isHinted = false;
    return { type: asked[this.state] };
  }

  /** Answers how it has ended, or null. */
  private take(event: GivenEvent, now: Millis): OrderEnd | null {
    switch (event.type) {
      case "wake":
        return null;
      case "hint":
        this.isHinted = true;
        this.nextAsk = now;
        return null;
      case "gone":
        this.isGone = true;
        this.nextAsk = now;
        return this.state === "taken" ? { name: "no-word" } : null;
      case "given":
        this.heard(now);
        this.state = "given";
        return null;
      case "seen":
        this.heard(now);
        return this.saw(event.order);
      case "no-answer":
        this.isAsking = false;
        this.nextAsk = millis(now + lookEvery);
        // Nobody begins it later than `beginWithin`, and nobody waits.
        return this.isGone ? this.unheard() : null;
    }
  }

  private heard(now: Millis): void {
    this.isAsking = false;
    this.heardAt = now;
    this.nextAsk = this.isGone || this.isHinted ? now : millis(now + lookEvery);
  }

  private saw(order: SeenOrder | null): OrderEnd | null {
    switch (order?.name) {
      case undefined:
        return { name: "not-known" };
      case "answered":
        return { name: "answered", answer: order.answer };
      case "withdrawn":
        return { name: "not-begun" };
      case "given-up":
        return { name: "no-word" };
      case "taken":
        this.state = "taken";
        return this.isGone || order.silent >= silentFor ? { name: "no-word" } : null;
      case "new":
        return null;
    }
  }

  private unheard(): OrderEnd {
    return { name: this.state === "taken" ? "no-word" : "not-known" };
  }

  private ended(end: OrderEnd): GivenAction {
    this.state = "ended";
    return { type: "end", end };
  }
}

const asked = {
  giving: "give",
  given: "look",
  withdrawing: "withdraw",
  taken: "look",
} as const;
