/** The history is kept for as long as the operator wants it. */
import type { Clock } from "../../core/ports.ts";
import type { StateStore } from "../state/state-store.ts";
import type { Announcer } from "./announcer.ts";
import type { LabTimers } from "./timers.ts";

const dayMs = 86_400_000;
/** Between two steps, in milliseconds: what else is to do has its turn. */
const stepEveryMs = 20;

export interface HistoryPorts {
  readonly state: Pick<StateStore, "forgetEvents">;
  readonly clock: Pick<Clock, "isoTime">;
  readonly timers: Pick<LabTimers, "every" | "later">;
  readonly announcer: Pick<Announcer, "note">;
  readonly keepDays: number;
}

/** Takes from the history what is too old, now and every day; says how much it was. */
export function pruneHistory({ state, clock, timers, announcer, keepDays }: HistoryPorts): void {
  const prune = (): void => {
    const before = new Date(Date.parse(clock.isoTime()) - keepDays * dayMs).toISOString();
    let gone = 0;
    const step = (): void => {
      const count = state.forgetEvents(before);
      gone += count;
      if (count > 0) timers.later(stepEveryMs, step);
      else if (gone > 0)
        announcer.note({}, `${gone} events that are older than ${keepDays} days left the history`);
    };
    step();
  };
  prune();
  timers.every(dayMs, prune);
}
