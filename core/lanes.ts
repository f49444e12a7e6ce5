/**
 * Does the work of each item, begun in their order, in at most `laneCount` lanes at once; `lane` is the
 * number of the one that does it, from 0. Begins no more when one fails, waits for those under way, and
 * rejects with the first failure.
 */
export async function inLanes<T>(
  items: Iterable<T> | AsyncIterable<T>,
  laneCount: number,
  work: (item: T, lane: number) => Promise<void>,
): Promise<void> {
  const rest =
    Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  let failure: { readonly error: unknown } | null = null;
  const run = async (lane: number): Promise<void> => {
    try {
      while (failure === null) {
        const next = await rest.next();
        if (next.done === true || failure !== null) return;
        await work(next.value, lane);
      }
    } catch (error) {
      failure ??= { error };
    }
  };
  await Promise.all(Array.from({ length: laneCount }, (_, lane) => run(lane)));
  const failed = failure as { readonly error: unknown } | null;
  if (failed !== null) throw failed.error;
}
