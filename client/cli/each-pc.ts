import { errorText, RoomcastError } from "../../core/errors.ts";
import { inLanes } from "../../core/lanes.ts";
import { printable } from "../../core/units/printable.ts";

/** Calls under way: a socket's queue has its limit, and of two thousand calls at once some are refused. */
const callsAtOnce = 512;

/**
 * Does it for each, also when one of them is refused, `atOnce` at the same time. Each refusal is said with its name, when it
 * comes. Rejects in the end with the first one. Of a single one nothing is said but that.
 */
export async function forEachPc<T>(
  all: readonly T[],
  nameOf: (one: T) => string,
  work: (one: T) => Promise<void>,
  atOnce = 1,
): Promise<void> {
  const failures: unknown[] = [];
  await inLanes(all, Math.min(atOnce, callsAtOnce), async (one) => {
    try {
      await work(one);
    } catch (error) {
      failures.push(error);
      if (all.length > 1)
        process.stderr.write(`roomcast: ${printable(`${nameOf(one)}: ${errorText(error)}`)}\n`);
    }
  });
  const [first] = failures;
  if (failures.length === 0) return;
  if (all.length === 1 || !(first instanceof RoomcastError)) throw first;
  const what = `${failures.length} of ${all.length} PCs: see above`;
  throw new RoomcastError(first.code, what, first.next, { cause: first });
}
