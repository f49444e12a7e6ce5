/** Makes room for one more in what keeps `limit` of them at most: the one that was put in first goes. */
export function makeRoom<K>(
  kept: Pick<Set<K>, "size" | "delete"> & { keys(): Iterable<K> },
  limit: number,
): void {
  if (kept.size < limit) return;
  for (const oldest of kept.keys()) return void kept.delete(oldest);
}
