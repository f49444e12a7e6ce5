/** What a busy disk is asked for, for who does not wait for it. */
import { setTimeout as sleep } from "node:timers/promises";

/** Answers what `read` answers if that comes within `patienceMs`, else what it answered last. The first one is waited for. */
export function lately<T>(
  read: () => Promise<T>,
  patienceMs: number,
  wait: (ms: number) => Promise<unknown> = (ms) => sleep(ms, null, { ref: false }),
): () => Promise<T> {
  let last: { readonly value: T } | null = null;
  let reading: Promise<T> | null = null;
  const begin = (): Promise<T> =>
    read()
      .then((value) => {
        last = { value };
        return value;
      })
      .finally(() => {
        reading = null;
      });
  return async () => {
    reading ??= begin();
    const before = last;
    if (before === null) return reading;
    return Promise.race([reading, wait(patienceMs).then(() => before.value)]);
  };
}
