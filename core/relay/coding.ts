import { codedSetLimit } from "../wire/relay.ts";
import { bitAt } from "./bits.ts";

/**
 * Groups the symbols that receivers lack into sets, each to be sent as one XOR: no receiver lacks two
 * of a set, so each can solve it. Greedy: the symbol that most lack first, then those that nobody in
 * the set lacks yet. Resending costs the union of all losses; this costs little more than the worst.
 */
export function repairSets(missing: readonly Uint8Array[], symbolCount: number): number[][] {
  const lackedBy: { symbol: number; receivers: number[] }[] = [];
  for (let symbol = 0; symbol < symbolCount; symbol++) {
    const receivers: number[] = [];
    for (let index = 0; index < missing.length; index++) {
      if (bitAt(missing[index] as Uint8Array, symbol)) receivers.push(index);
    }
    if (receivers.length > 0) lackedBy.push({ symbol, receivers });
  }
  lackedBy.sort((a, b) => b.receivers.length - a.receivers.length || a.symbol - b.symbol);
  const sets: { symbols: number[]; served: Uint8Array; servedCount: number }[] = [];
  // Sets that serve everyone or are full need not be looked at again.
  let firstOpen = 0;
  for (const { symbol, receivers } of lackedBy) {
    while (firstOpen < sets.length && isClosed(sets[firstOpen], missing.length)) firstOpen++;
    let home = sets.findIndex(
      (set, index) =>
        index >= firstOpen &&
        set.symbols.length < codedSetLimit &&
        receivers.every((receiver) => set.served[receiver] === 0),
    );
    if (home < 0) {
      home = sets.length;
      sets.push({ symbols: [], served: new Uint8Array(missing.length), servedCount: 0 });
    }
    const set = sets[home] as (typeof sets)[number];
    set.symbols.push(symbol);
    for (const receiver of receivers) set.served[receiver] = 1;
    set.servedCount += receivers.length;
  }
  return sets.map(({ symbols }) => symbols);
}

function isClosed(
  set: { symbols: number[]; servedCount: number } | undefined,
  receiverCount: number,
): boolean {
  return (
    set !== undefined && (set.servedCount === receiverCount || set.symbols.length === codedSetLimit)
  );
}
