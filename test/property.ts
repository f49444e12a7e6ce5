/**
 * Property tests draw the same cases every time, so that the gate says the same of the same code;
 * `make fuzz` draws others. A failure names its seed: `make fuzz SEED=n` draws them once more.
 */
import fc from "fast-check";

fc.configureGlobal({ seed: Number(process.env.SEED || 1) });

/**
 * How many cases a property draws whose cases take long, as those do that tools make file systems for:
 * four times as many when a seed is named, as `make fuzz` does.
 */
export const drawn = (count: number): number => (process.env.SEED ? 4 * count : count);

/** What a gate takes of a list of samples, and all of it when a seed is named. */
export const sampled = <T>(gate: readonly T[], others: readonly T[]): readonly T[] =>
  process.env.SEED ? [...gate, ...others] : gate;
