/** Whether an image fits on a disk of another size. */

import { chunkBytes, chunkLengthAt } from "../units/units.ts";
import { gptBackupBytes } from "./gpt.ts";
import { contentText } from "./partition-text.ts";
import { bootCriticalEntryIndexes } from "./plan.ts";
import { codec, type IndexEntry, type Manifest, type PartitionRecord } from "./types.ts";

type Shape = Pick<Manifest, "diskBytes" | "logicalSector" | "partitionTable" | "partitions">;

/**
 * Bytes of the smallest disk that an image may be made to fit: as an earlier try has found, or what is in use in its
 * partitions. What lies between them, and behind them, is not missed.
 */
export function leastDiskOf({
  usedBytes,
  partitions,
  leastDiskBytes,
}: Pick<Manifest, "usedBytes" | "partitions"> & {
  readonly leastDiskBytes: number | null;
}): number {
  if (leastDiskBytes !== null) return leastDiskBytes;
  if (partitions.length === 0) return usedBytes;
  // Where partitions overlap, the disk has less than the sum.
  return Math.min(
    usedBytes,
    partitions.reduce((sum, each) => sum + each.usedBytes, 0),
  );
}

/** How the image comes to the disk, which decides what can be done where it does not fit. */
export type FitWay = "restore" | "live cast" | "export";

/** In words. */
export interface TooSmall {
  readonly why: string;
  /** What can be done, but for a larger disk; null: nothing. */
  readonly instead: string | null;
}

/**
 * Why a disk of `targetBytes` cannot hold the image, or null. A smaller disk can if every
 * partition and every chunk with something in it ends on it; zeros beyond its end are not missed, and
 * a backup GPT is written anew at the end of the disk that it is for.
 */
export function misfitOf(
  image: Shape,
  entries: readonly IndexEntry[],
  targetBytes: number,
  way: FitWay,
): TooSmall | null {
  if (targetBytes >= image.diskBytes) return null;
  const isGpt = image.partitionTable === "gpt";
  const partitionMisfit = partitionsBeyond(image, targetBytes, way);
  if (partitionMisfit !== null) return partitionMisfit;
  const backup = new Set(isGpt ? bootCriticalEntryIndexes(image, entries) : []);
  // Chunk 0 is critical as well, and has to be there.
  if (isGpt && targetBytes < chunkBytes)
    return { why: "less than the first MiB of the image", instead: null };
  let dataEnd = 0;
  for (const [entryIndex, entry] of entries.entries()) {
    if (entry.codec === codec.zero || backup.has(entryIndex)) continue;
    const { chunkIndex } = entry;
    dataEnd = chunkIndex * chunkBytes + chunkLengthAt(chunkIndex, image.diskBytes);
  }
  return dataEnd <= targetBytes
    ? null
    : { why: `the image's data ends at ${dataEnd}`, instead: null };
}

function partitionsBeyond(image: Shape, targetBytes: number, way: FitWay): TooSmall | null {
  const isGpt = image.partitionTable === "gpt";
  const backupBytes = isGpt ? gptBackupBytes(image.logicalSector) : 0;
  const beyond = image.partitions
    .filter(({ start, size }) => start + size + backupBytes > targetBytes)
    .toSorted((one, other) => one.start + one.size - other.start - other.size);
  const last = beyond.at(-1);
  if (last === undefined) return null;
  const end = last.start + last.size;
  const behind = isGpt
    ? `, and the backup GPT behind it takes ${backupBytes}: ${end + backupBytes} bytes are needed`
    : "";
  const others = beyond.slice(0, -1).map(({ index }) => index);
  const also = others.length === 0 ? "" : ` (partition ${others.join(", ")} does not fit either)`;
  const missing = end + backupBytes - targetBytes;
  const { why, instead } = shrinkable(image, missing, makeIt(way, targetBytes));
  return {
    why: `partition ${last.index} of the image ends at ${end}${behind}${also}; ${why}`,
    instead,
  };
}

function makeIt(way: FitWay, targetBytes: number): string {
  const byHand = `\`roomcast image fit IMAGE --disk-size ${targetBytes}\``;
  switch (way) {
    case "restore":
      return (
        "restore this PC in a session of its own, which makes a version of the image that fits first " +
        `(not with \`--fit never\`), or make one with ${byHand}`
      );
    case "live cast":
      return "capture the disk and restore the image, which is fitted first (a live cast is not)";
    case "export":
      return `make a version of the image that fits with ${byHand}`;
  }
}

/** The partition with the most free space is the one to shrink: those behind it can be moved. */
function shrinkable({ partitions }: Shape, missing: number, way: string): TooSmall {
  const roomiest = partitions
    .filter(({ mode }) => mode === "used")
    .toSorted((one, other) => freeOf(one) - freeOf(other))
    .at(-1);
  if (roomiest === undefined || freeOf(roomiest) < missing) {
    return {
      why: `no partition has the ${missing} free bytes that it would have to shrink by`,
      instead: null,
    };
  }
  const { index, size, usedBytes, start } = roomiest;
  const moved = partitions.filter((each) => each.start > start).map((each) => each.index);
  const move = moved.length === 0 ? "" : ` and move partition ${moved.join(", ")} up to it`;
  return {
    why: `partition ${index} (${contentText(roomiest)}) uses ${usedBytes} of its ${size} bytes`,
    instead: `${way}; or shrink partition ${index} by ${missing} bytes or more on the master${move}`,
  };
}

const freeOf = ({ size, usedBytes }: PartitionRecord): number => size - usedBytes;
