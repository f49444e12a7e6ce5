import { setTimeout as sleep } from "node:timers/promises";

/** Resolves or rejects as the work does; after so many milliseconds resolves with null, and the work goes on. */
export async function atMost<T>(ms: number, work: Promise<T>): Promise<T | null> {
  const over = new AbortController();
  const late = sleep(ms, null, { signal: over.signal, ref: false }).catch(() => null);
  return Promise.race([work, late]).finally(() => over.abort());
}
