/** What a busy disk is asked for, for who does not wait for it. */
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../core/node/clock.ts";

/** So old may an answer be, in milliseconds, that is given without waiting since the disk was late with it. */
const recentMs = 1000;

export interface LatelyClock {
  /** Milliseconds that only go forward. */
  now(): number;
  wait(ms: number): Promise<unknown>;
}

const usualClock: LatelyClock = {
  now: systemClock.now,
  wait: (ms) => sleep(ms, null, { ref: false }),
};

/**
 * Answers what `read` answers if that comes within `patienceMs`, else what it answered last. The first one is waited
 * for. A disk that was late with its last answer is asked, and not waited for, while that answer is recent.
 */
export function lately<T>(
  read: () => Promise<T>,
  patienceMs: number,
  { now, wait } = usualClock,
): () => Promise<T> {
  let last: { readonly value: T; readonly at: number; readonly wasLate: boolean } | null = null;
  let reading: Promise<T> | null = null;
  const begin = (): Promise<T> => {
    const askedAt = now();
    return read()
      .then((value) => {
        const at = now();
        last = { value, at, wasLate: at - askedAt > patienceMs };
        return value;
      })
      .finally(() => {
        reading = null;
      });
  };
  return async () => {
    reading ??= begin();
    const before = last;
    if (before === null) return reading;
    const isRecent = before.wasLate && now() - before.at <= recentMs;
    const patience = isRecent ? Promise.resolve() : wait(patienceMs);
    return Promise.race([reading, patience.then(() => before.value)]);
  };
}
