/**
 * What the agent is at, as data: one piece of work at a time, and what became of the last. Events and
 * the time in, the next state and actions out. It knows no task, no socket and no screen.
 */
import { assert, never } from "../errors.ts";
import { type Millis, millis } from "../units/units.ts";
import type {
  Afterwards,
  CaptureOrder,
  CastOrder,
  RestoreOrder,
  WipeOrder,
} from "../wire/orders.ts";
import type { End, Report, Work } from "../wire/work.ts";

export type Order = RestoreOrder | CaptureOrder | CastOrder | WipeOrder;
/** How a PC leaves roomcast. */
export type Power = Exclude<Afterwards, "stay">;

/** How long an end is on the screen before the PC restarts or goes off. */
export const endSeenFor = millis(5000);
/** A server that is away for longer than this after an end does not hold back who wants to leave. */
export const settleLimit = millis(60_000);

/** What follows an end: not before the server has settled it, or `atLatest`, if that is no null. */
export interface Departure {
  readonly by: Power | "exit";
  readonly notBefore: Millis;
  readonly atLatest: Millis | null;
}

export interface Idle {
  readonly name: "idle";
}

export interface Working {
  readonly name: "working";
  readonly order: Order;
}

/** The work has been told to stop, and has not ended yet. */
export interface Stopping {
  readonly name: "stopping";
  readonly order: Order;
  readonly reason: string;
  /** What begins, or that the agent ends, once the work has ended. */
  readonly next: Order | "exit" | null;
}

export interface Done {
  readonly name: "done";
  readonly order: Order;
  readonly end: End;
  readonly endedAt: Millis;
  /** The server has said that it knows the end. */
  readonly isSettled: boolean;
  /** The person at the PC has seen it, and is back at the menu. */
  readonly isDismissed: boolean;
  readonly departure: Departure | null;
}

/** The PC is about to restart or go off, or the agent to exit. */
export interface Leaving {
  readonly name: "leaving";
  /** What the agent is at again if the PC stays all the same. */
  readonly back: Idle | Done;
}

export type Life = Idle | Working | Stopping | Done | Leaving;

export type LifeEvent =
  | { readonly type: "order"; readonly order: Order }
  /** The server wants nothing of the agent at this work. */
  | { readonly type: "cancel"; readonly work: Work; readonly reason: string }
  /** The person at the PC stops what is under way. */
  | { readonly type: "stop"; readonly reason: string }
  /** The task that was started has ended. */
  | { readonly type: "finished"; readonly work: Work; readonly end: End }
  /** The server or the person at the PC wants it to leave. */
  | { readonly type: "power"; readonly action: Power }
  /** The PC was not restarted after all. */
  | { readonly type: "stayed" }
  /** The agent itself is to end. */
  | { readonly type: "quit"; readonly reason: string }
  | { readonly type: "dismissed" }
  | { readonly type: "tick" };

export type LifeAction =
  | { readonly type: "start"; readonly order: Order }
  /** The work that is under way has a newer order: its grant and keys count from here on, and no more of it. */
  | { readonly type: "refresh"; readonly order: Order }
  | { readonly type: "stop"; readonly reason: string }
  | { readonly type: "power"; readonly action: Power }
  | { readonly type: "exit"; readonly status: number }
  /** A line for the screen: why something is not done, or not yet. */
  | { readonly type: "notice"; readonly text: string };

export interface LifeRules {
  /** The agent exits after the first session, with that session's status. */
  readonly once: boolean;
}

export type LifeStep = readonly [Life, readonly LifeAction[]];

export const idle: Idle = { name: "idle" };

/** Whether these are the same work and the same try at it. */
export const isSameWork = (one: Work, other: Work): boolean =>
  one.session === other.session && one.attempt === other.attempt;

/** The work of an order, and nothing else of it. */
export const workOf = ({ session, attempt }: Work): Work => ({ session, attempt });

/** Said in `hello` and in every `alive`: the server compares it with what it wants. */
export function report(life: Life): Report | null {
  switch (life.name) {
    case "idle":
      return null;
    case "working":
    case "stopping":
      return { ...workOf(life.order), phase: life.name, end: null };
    case "done":
      return life.isSettled ? null : { ...workOf(life.order), phase: "done", end: life.end };
    case "leaving":
      return report(life.back);
    default:
      return never(life);
  }
}

/** The order that is being worked at, or null. */
export const underWay = (life: Life): Order | null =>
  life.name === "working" || life.name === "stopping" ? life.order : null;

/** The end that the person at the PC has not dismissed yet, or null. */
export function shownEnd(life: Life): Done | null {
  const at = life.name === "leaving" ? life.back : life;
  return at.name === "done" && !at.isDismissed ? at : null;
}

/** The order whose work or whose end takes the PC's screen; null: the menu has it. */
export const shownOrder = (life: Life): Order | null =>
  underWay(life) ?? shownEnd(life)?.order ?? null;

/** Exit status of an agent that ran one session: as `exitStatus` of core/errors.ts. */
const statusOf = ({ outcome }: End): number =>
  isGood(outcome) ? 0 : outcome === "refused" ? 4 : 1;
const isGood = (outcome: End["outcome"]): boolean => outcome === "verified" || outcome === "done";

/** Takes what happened. Throws when a task ends that was never started: a bug. */
export function live(life: Life, event: LifeEvent, now: Millis, rules: LifeRules): LifeStep {
  switch (event.type) {
    case "order":
      return ordered(life, event.order);
    case "cancel":
      return cancelled(life, event.work, event.reason, now);
    case "stop":
      return life.name === "working" ? stopping(life, event.reason, null) : [life, []];
    case "finished":
      return finished(life, event, now, rules);
    case "power":
      return powered(life, event.action, now);
    case "stayed":
      return [life.name === "leaving" ? life.back : life, []];
    case "quit":
      return quit(life, event.reason);
    case "dismissed":
      return [life.name === "done" ? rested({ ...life, isDismissed: true }) : life, []];
    case "tick":
      return departed(life, now);
    default:
      return never(event);
  }
}

/**
 * The server repeats each order until it sees it reported, and says it over each new connection: one
 * that is under way is not begun anew by that.
 */
function ordered(life: Life, order: Order): LifeStep {
  switch (life.name) {
    case "idle":
      return begun(order);
    case "working":
      // The server cancels what is under way before it gets an answer to another order.
      return isSameWork(life.order, order) ? [life, [{ type: "refresh", order }]] : [life, []];
    case "leaving":
      return [life, []];
    case "stopping": {
      const isIgnored = life.next === "exit" || isSameWork(life.order, order);
      return [isIgnored ? life : { ...life, next: order }, []];
    }
    case "done":
      // Of another order the server has moved on: it wants the old end no more.
      return isSameWork(life.order, order) ? [life, []] : begun(order);
    default:
      return never(life);
  }
}

const begun = (order: Order): LifeStep => [{ name: "working", order }, [{ type: "start", order }]];

const stopping = ({ order }: Working, reason: string, next: Stopping["next"]): LifeStep => [
  { name: "stopping", order, reason, next },
  [{ type: "stop", reason }],
];

function cancelled(life: Life, work: Work, reason: string, now: Millis): LifeStep {
  switch (life.name) {
    case "idle":
      return [life, []];
    case "working":
      return isSameWork(life.order, work) ? stopping(life, reason, null) : [life, []];
    case "stopping": {
      const { next } = life;
      const isNext = next !== null && next !== "exit" && isSameWork(next, work);
      return [isNext ? { ...life, next: null } : life, []];
    }
    case "done":
      return isSameWork(life.order, work)
        ? departed(rested({ ...life, isSettled: true }), now)
        : [life, []];
    case "leaving": {
      const { back } = life;
      if (back.name === "idle" || !isSameWork(back.order, work)) return [life, []];
      return [{ ...life, back: rested({ ...back, isSettled: true }) }, []];
    }
    default:
      return never(life);
  }
}

function finished(
  life: Life,
  { work, end }: Extract<LifeEvent, { type: "finished" }>,
  now: Millis,
  { once }: LifeRules,
): LifeStep {
  assert(life.name === "working" || life.name === "stopping", "only what was started can end");
  assert(isSameWork(life.order, work), "only one piece of work is under way");
  const { order } = life;
  const next = life.name === "stopping" ? life.next : null;
  // The server wants the next one, and the end of the one before no more.
  if (next !== null && next !== "exit") return begun(next);
  const done: Done = {
    name: "done",
    order,
    end,
    endedAt: now,
    isSettled: false,
    isDismissed: false,
    departure: once ? exitAfter(now) : departureAfter(order, end, now),
  };
  return next === "exit" ? left(done, "exit", 1) : [done, []];
}

const exitAfter = (endedAt: Millis): Departure => ({
  by: "exit",
  notBefore: endedAt,
  atLatest: millis(endedAt + settleLimit),
});

function departureAfter(order: Order, { outcome }: End, endedAt: Millis): Departure | null {
  if (order.type !== "restore" || order.afterwards === "stay" || !isGood(outcome)) return null;
  return { by: order.afterwards, notBefore: millis(endedAt + endSeenFor), atLatest: null };
}

function powered(life: Life, action: Power, now: Millis): LifeStep {
  switch (life.name) {
    case "idle":
      return left(life, action, 0);
    case "working":
    case "stopping":
      return refused(life, action, `this PC is at a ${life.order.type}; stop it first`);
    case "done": {
      if (life.departure?.by === "exit") return refused(life, action, "this agent is about to end");
      const atLatest = millis(life.endedAt + settleLimit);
      const [next, actions] = departed(
        { ...life, departure: { by: action, notBefore: now, atLatest } },
        now,
      );
      if (next.name === "leaving") return [next, actions];
      const text = `${action}: as soon as the server knows how the work ended, in a minute at most`;
      return [next, [{ type: "notice", text }]];
    }
    case "leaving":
      return [life, [{ type: "power", action }]];
    default:
      return never(life);
  }
}

const refused = (life: Life, action: Power, why: string): LifeStep => [
  life,
  [{ type: "notice", text: `${action} refused: ${why}` }],
];

function quit(life: Life, reason: string): LifeStep {
  switch (life.name) {
    case "idle":
    case "done":
      return left(life, "exit", 1);
    case "working":
      return stopping(life, reason, "exit");
    case "stopping":
      return [{ ...life, next: "exit" }, []];
    case "leaving":
      return [life, [{ type: "exit", status: 1 }]];
    default:
      return never(life);
  }
}

/** Leaves when an end is to be followed by that, and its time has come. */
function departed(life: Life, now: Millis): LifeStep {
  if (life.name !== "done" || life.departure === null) return [life, []];
  const { by, notBefore, atLatest } = life.departure;
  const mayGo = life.isSettled || (atLatest !== null && now >= atLatest);
  if (!mayGo || now < notBefore) return [life, []];
  return left(life, by, statusOf(life.end));
}

function left(from: Idle | Done, by: Departure["by"], status: number): LifeStep {
  const back = from.name === "done" ? rested({ ...from, departure: null }) : from;
  const action: LifeAction =
    by === "exit" ? { type: "exit", status } : { type: "power", action: by };
  return [{ name: "leaving", back }, [action]];
}

/** Nothing is left to be said, shown or done: the agent is idle. */
const rested = (done: Done): Idle | Done =>
  done.isSettled && done.isDismissed && done.departure === null ? idle : done;
