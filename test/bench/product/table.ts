import { lineIn } from "../columns.ts";
import type { RaceResult } from "./race.ts";
import { type ProductRow, rowText } from "./rows.ts";
import { type WayName, wayNames } from "./ways.ts";

export interface ProductResult {
  readonly row: ProductRow;
  /** One for each repetition, in the order of the runs. */
  readonly runs: Readonly<Record<WayName, readonly RaceResult[]>>;
}

const columns = [
  ["row", 40],
  ["way", 10],
  ["right", 7],
  ["first", 7],
  ["last", 8],
  ["of them", 8],
  ["others", 8],
  ["wire MB", 8],
  ["server s", 8],
  ["PC s", 6],
] as const;

const line = lineIn(columns);

export const tableHead = (): string => line(columns.map(([name]) => name));

/** A line for each way: medians of the runs. `of them`: how many times as long as roomcast. */
export function resultText({ row, runs }: ProductResult): string {
  const ours = medianOf(runs.roomcast.map(({ seconds }) => seconds));
  return wayNames
    .map((way) => {
      const taken = runs[way];
      const median = (of: (result: RaceResult) => number | null): number | null =>
        medianOf(taken.map(of));
      const seconds = median((each) => each.seconds);
      const right = taken.reduce((sum, each) => sum + each.right, 0);
      return line([
        rowText(row),
        way,
        `${right}/${taken.length * row.receiverCount}`,
        figure(median(({ firstSeconds }) => firstSeconds)),
        seconds === null ? "too late" : figure(seconds),
        seconds === null || ours === null ? "-" : figure(seconds / ours),
        row.slowPort === null ? "" : figure(median((each) => each.othersSeconds)),
        figure((median(({ wireBytes }) => wireBytes) ?? 0) / 1e6, 1),
        figure(median(({ serverCpu }) => serverCpu)),
        figure(median(({ pcCpu }) => pcCpu)),
      ]);
    })
    .join("\n");
}

const figure = (value: number | null, digits = 2): string =>
  value === null || Number.isNaN(value) ? "-" : value.toFixed(digits);

/** The middle of the runs; a run that has no value counts as the longest. Null: that is the middle. */
export function medianOf(values: readonly (number | null)[]): number | null {
  const sorted = values.map((value) => value ?? Number.POSITIVE_INFINITY).sort((a, b) => a - b);
  const low = sorted[(sorted.length - 1) >> 1] ?? Number.POSITIVE_INFINITY;
  const high = sorted[sorted.length >> 1] ?? Number.POSITIVE_INFINITY;
  return Number.isFinite(high) ? (low + high) / 2 : null;
}
