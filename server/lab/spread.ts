/** Work that would hold up all others for as long if it were done at once. */
import type { LabTimers } from "./timers.ts";

/** Does it for one of them after the other, all of them within `ms`, and the first soon. */
export function spread<T>(
  each: readonly T[],
  ms: number,
  timers: Pick<LabTimers, "later">,
  work: (one: T) => void,
): void {
  for (const [at, one] of each.entries()) timers.later((at * ms) / each.length, () => work(one));
}
