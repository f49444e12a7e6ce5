import { memberLimit } from "../wire/cast.ts";

/**
 * Groups the symbols that receivers lack into sets, each to be sent as one XOR, so that no receiver
 * lacks two of a set and each can solve it at once. `lacking`: for each receiver its symbols,
 * ascending. Answers sets of ascending members.
 *
 * First fit, the most lacked symbols first: resending costs the union of all losses, this costs
 * little more than the worst one's.
 */
export function planRepairs(
  lacking: readonly Uint16Array[],
  symbolCount: number,
  limit: number = memberLimit,
): number[][] {
  const wordCount = (lacking.length + 31) >> 5;
  /** For each symbol, a bit for each receiver that lacks it. */
  const lackers = new Int32Array(symbolCount * wordCount);
  const degrees = new Uint16Array(symbolCount);
  for (const [receiver, symbols] of lacking.entries()) {
    for (const symbol of symbols) {
      const word = symbol * wordCount + (receiver >> 5);
      lackers[word] = (lackers[word] as number) | (1 << (receiver & 31));
      degrees[symbol] = (degrees[symbol] as number) + 1;
    }
  }
  const sets: number[][] = [];
  /** For each set, a bit for each receiver that it serves already. */
  const served = new Int32Array(symbolCount * wordCount);
  let firstOpen = 0;
  for (const symbol of byDegree(degrees, lacking.length)) {
    let set = firstOpen;
    while (set < sets.length && !fits(served, set, lackers, symbol, wordCount)) set++;
    const members = sets[set] ?? [];
    if (set === sets.length) sets.push(members);
    members.push(symbol);
    for (let word = 0; word < wordCount; word++) {
      const at = set * wordCount + word;
      served[at] = (served[at] as number) | (lackers[symbol * wordCount + word] as number);
    }
    // A full set is marked as serving everybody, so that no symbol is added to it.
    if (members.length === limit) served.fill(-1, set * wordCount, (set + 1) * wordCount);
    while (firstOpen < sets.length && isClosed(served, firstOpen, lacking.length, wordCount))
      firstOpen++;
  }
  for (const members of sets) members.sort((one, other) => one - other);
  return sets;
}

/** The symbols that a receiver lacks; those that most receivers lack come first. */
function byDegree(degrees: Uint16Array, highest: number): number[] {
  const buckets: number[][] = Array.from({ length: highest + 1 }, () => []);
  for (let symbol = 0; symbol < degrees.length; symbol++) {
    const degree = degrees[symbol] as number;
    if (degree > 0) buckets[degree]?.push(symbol);
  }
  return buckets.reverse().flat();
}

function fits(
  served: Int32Array,
  set: number,
  lackers: Int32Array,
  symbol: number,
  wordCount: number,
): boolean {
  for (let word = 0; word < wordCount; word++) {
    const both =
      (served[set * wordCount + word] as number) & (lackers[symbol * wordCount + word] as number);
    if (both !== 0) return false;
  }
  return true;
}

function isClosed(
  served: Int32Array,
  set: number,
  receiverCount: number,
  wordCount: number,
): boolean {
  for (let word = 0; word < wordCount; word++) {
    const receivers = Math.min(32, receiverCount - word * 32);
    const all = receivers === 32 ? -1 : (1 << receivers) - 1;
    if (((served[set * wordCount + word] as number) & all) !== all) return false;
  }
  return true;
}
