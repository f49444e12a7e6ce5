import { bitAt, setBit } from "../units/bits.ts";
import { entryValues, type FatLayout, firstCluster } from "./fat-layout.ts";

/** Runs of clusters that follow one another: 12 MiB for what is known of them. */
export const runLimit = 1 << 20;

export const tooManyRuns = "it lies in too many pieces to be checked";

/**
 * Whether the chains of a table make sense: none goes beyond the end or into a free cluster, no two
 * meet, none is a ring. It takes the entries in order and keeps a chain's runs of clusters that
 * follow one another, not each of them.
 */
export class Chains {
  readonly #used: Uint8Array;
  readonly #bad: number;
  readonly #last: number;
  readonly #end: number;
  /** Clusters that another one leads to. */
  readonly #followed: Uint8Array;
  /** The first cluster of each run, in order, and the cluster that its last leads to, 0: none. */
  #starts: Uint32Array = new Uint32Array(1024);
  #targets: Uint32Array = new Uint32Array(1024);
  #runCount = 0;
  /** The last cluster led to the next one. */
  #isOpen = false;

  /** Sets the bits of the clusters that are in chains in `used`. */
  constructor({ kind, clusterCount }: FatLayout, used: Uint8Array) {
    ({ bad: this.#bad, last: this.#last } = entryValues[kind]);
    this.#used = used;
    this.#end = clusterCount + firstCluster;
    this.#followed = new Uint8Array(used.length);
  }

  /** What is wrong with the entry, or null. */
  add(cluster: number, value: number): string | null {
    const isFree = value === 0 || value === this.#bad;
    if (this.#isOpen && isFree) return intoFree;
    if (isFree) return null;
    setBit(this.#used, cluster);
    if (!this.#isOpen) {
      if (this.#runCount === runLimit) return tooManyRuns;
      if (this.#runCount === this.#starts.length) {
        this.#starts = grown(this.#starts);
        this.#targets = grown(this.#targets);
      }
      this.#starts[this.#runCount++] = cluster;
    }
    const isLast = value >= this.#last;
    if (!isLast && (value < firstCluster || value >= this.#end)) {
      return "its table leads beyond its end";
    }
    if (!isLast) {
      if (bitAt(this.#followed, value)) return "two of its files share clusters";
      setBit(this.#followed, value);
    }
    this.#isOpen = value === cluster + 1;
    if (!this.#isOpen) this.#targets[this.#runCount - 1] = isLast ? 0 : value;
    return null;
  }

  /** As `add`, after the last entry. */
  end(): string | null {
    const starts = this.#starts.subarray(0, this.#runCount);
    const next = new Int32Array(this.#runCount).fill(-1);
    for (let run = 0; run < this.#runCount; run++) {
      const target = this.#targets[run] as number;
      if (target === 0) continue;
      // Two lead to what is inside of a run, so that it is its start, or free.
      const found = indexOf(starts, target);
      if (found === -1) return intoFree;
      next[run] = found;
    }
    let reachedCount = 0;
    for (let run = 0; run < this.#runCount; run++) {
      if (bitAt(this.#followed, starts[run] as number)) continue;
      for (let at = run; at !== -1; at = next[at] as number) reachedCount++;
    }
    return reachedCount === this.#runCount ? null : "a chain of its table is a ring";
  }
}

const intoFree = "its table leads to clusters that it calls free";

function grown(numbers: Uint32Array): Uint32Array {
  const out = new Uint32Array(numbers.length * 2);
  out.set(numbers);
  return out;
}

/** Where `value` is in numbers in order; -1: nowhere. */
function indexOf(numbers: Uint32Array, value: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return numbers[low] === value ? low : -1;
}
