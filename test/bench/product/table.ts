import { lineIn } from "../columns.ts";
import type { RaceResult } from "./race.ts";
import { type ProductRow, rowText } from "./rows.ts";
import { type WayName, wayNames } from "./ways.ts";

export interface ProductResult {
  readonly row: ProductRow;
  /** When and on what it was measured, and how busy that was. */
  readonly taken: string;
  /** One for each repetition, in the order of the runs. */
  readonly runs: Readonly<Record<WayName, readonly RaceResult[]>>;
}

/** Of a link, what full UDP packets carry on it: 1472 bytes in a frame of 1514, as the bench's queues count it. */
const payloadShare = 1472 / 1514;

const columns = [
  ["row", 32],
  ["way", 10],
  ["right", 6],
  ["first", 6],
  ["last", 8],
  ["of link", 7],
  ["as ours", 7],
  ["others", 7],
  ["early", 6],
  ["own loss", 8],
  ["wire", 5],
  ["wire MB", 7],
  ["server s", 8],
  ["PC s", 6],
] as const;

/** What the columns are; printed below the table. */
export const tableNotes = [
  "first: seconds from the order to the first packet of the image. last: until the last PC has it; roomcast's is verified by then.",
  "of link: what the link alone would need for the image as this way has it stored, in full UDP packets (of a slow port: that link;",
  "where a row loses 1 %, of what is left of it), over `last`.",
  "as ours: `last` over roomcast's. others: `last` of those that have no slow port.",
  "early: what the server sent in its first five seconds of sending, of the link. own loss: of the server's packets, what queues and",
  "sockets dropped on their way to the mean PC; what the row itself loses is not in it. wire: bytes on the wire over those stored.",
  "server s, PC s: processor time of the server and of the mean PC.",
  "udpcast: partclone | zstd -3, stored; udp-sender to udp-receiver | zstd -d | partclone.restore. bittorrent: the same stored file",
  "from one seeder, which runs before the order, by aria2; zstd -d | partclone.restore as soon as a PC has all of it.",
];

const line = lineIn(columns);

export const tableHead = (): string => line(columns.map(([name]) => name));

/** Medians of the runs. */
export function mediansOf(taken: readonly RaceResult[]) {
  const median = (of: (result: RaceResult) => number | null): number | null =>
    medianOf(taken.map(of));
  return {
    first: median((each) => each.firstSeconds),
    seconds: median((each) => each.seconds),
    others: median((each) => each.othersSeconds),
    early: median((each) => each.earlyRatio),
    ownLoss: median((each) => each.ownLoss),
    stored: median((each) => each.storedBytes),
    wire: median((each) => each.wireBytes),
    server: median((each) => each.serverCpu),
    pc: median((each) => each.pcCpu),
  };
}

/** What the link alone would need for what arrives, in full packets, over what this way took; 0: it was too late. */
export function linkShare({ row, runs }: ProductResult, way: WayName): number {
  const { stored, seconds } = mediansOf(runs[way]);
  const arrivingBps = row.linkBps * (row.slowPort ?? 1) * (1 - row.loss);
  return ((stored ?? 0) * 8) / (arrivingBps * payloadShare * (seconds ?? Number.POSITIVE_INFINITY));
}

/** A line for each way. */
export function resultText(result: ProductResult): string {
  const { row, runs } = result;
  const ours = mediansOf(runs.roomcast).seconds;
  return wayNames
    .map((way) => {
      const taken = runs[way];
      const { seconds, ...median } = mediansOf(taken);
      const right = taken.reduce((sum, each) => sum + each.right, 0);
      const stored = median.stored ?? 0;
      return line([
        rowText(row),
        way,
        `${right}/${taken.length * row.receiverCount}`,
        figure(median.first),
        seconds === null ? "too late" : figure(seconds),
        seconds === null ? "-" : figure(linkShare(result, way), 3),
        seconds === null || ours === null ? "-" : figure(seconds / ours),
        row.slowPort === null ? "" : figure(median.others),
        figure(median.early, 3),
        median.ownLoss === null ? "-" : `${(median.ownLoss * 100).toFixed(2)} %`,
        figure((median.wire ?? 0) / stored),
        figure((median.wire ?? 0) / 1e6, 0),
        figure(median.server),
        figure(median.pc),
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
