/** The history, and the sessions that are over, are kept for as long as the operator wants it. */
import { errorText } from "../../core/errors.ts";
import type { Clock } from "../../core/ports.ts";
import type { StateStore } from "../state/state-store.ts";
import type { Announcer } from "./announcer.ts";
import type { SessionRunner } from "./session-runner.ts";
import type { LabTimers } from "./timers.ts";

const dayMs = 86_400_000;
/** Between two steps, in milliseconds: what else is to do has its turn. */
const stepEveryMs = 20;

export interface HistoryPorts {
  readonly state: Pick<StateStore, "forgetEvents" | "forgetSessions">;
  readonly clock: Pick<Clock, "isoTime">;
  readonly timers: Pick<LabTimers, "every" | "later">;
  readonly announcer: Pick<Announcer, "note">;
  readonly runner: Pick<SessionRunner, "forget">;
  readonly keepDays: number;
  log(fields: Record<string, unknown>, text: string): void;
}

/** What is older is neither kept nor told to a campus: ISO 8601. */
export const historyBegins = (now: string, keepDays: number): string =>
  new Date(Date.parse(now) - keepDays * dayMs).toISOString();

/** Takes what is too old, now and every day; says how much it was. */
export function pruneHistory(ports: HistoryPorts): void {
  const { timers } = ports;
  const prune = (): void => {
    const left = { events: 0, sessions: 0 };
    const before = historyBegins(ports.clock.isoTime(), ports.keepDays);
    const step = (): void => {
      if (leavesMore(ports, before, left)) timers.later(stepEveryMs, step);
      else tell(ports, left);
    };
    step();
  };
  prune();
  timers.every(dayMs, prune);
}

/** Takes a step. Answers whether there may be more. A disk that is full does not take a removal, either: the next day is another try. */
function leavesMore(
  { state, runner, log }: HistoryPorts,
  before: string,
  left: { events: number; sessions: number },
): boolean {
  try {
    const events = state.forgetEvents(before);
    left.events += events;
    if (events > 0) return true;
    const { numbers, isDone } = state.forgetSessions(before);
    left.sessions += numbers.length;
    runner.forget(numbers);
    return !isDone;
  } catch (error) {
    log({ reason: errorText(error) }, "what is too old stays in the history");
    return false;
  }
}

function tell(
  { announcer }: HistoryPorts,
  { events, sessions }: { readonly events: number; readonly sessions: number },
): void {
  if (events > 0) announcer.note({}, `the oldest events left the history: ${events}`);
  if (sessions > 0) announcer.note({}, `the oldest sessions left the history: ${sessions}`);
}
