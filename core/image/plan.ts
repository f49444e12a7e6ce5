/** Which chunks of a disk an image keeps, and which ranges of them are of no use and read as zeros. */

import { chunkBytes, chunkCountOf, chunkLengthAt } from "../units/units.ts";
import { type Extent, endOf, union, without } from "./extents.ts";
import { gptBackupBytes } from "./gpt.ts";
import type { IndexEntry, Manifest } from "./types.ts";

/** What is zeroed inside a kept chunk is whole sectors: no block of a file system is smaller. */
const sectorBytes = 512;

/** Of most chunks: one array for all. */
const nothing: readonly Extent[] = [];

/** A partition, and the extents of it that are in use, in bytes from the disk's start. */
export interface UsedPartition {
  readonly start: number;
  readonly size: number;
  /** Relative to the partition, in order and apart from each other; null: all of it. */
  readonly used: readonly Extent[] | null;
}

export interface KeptChunk {
  readonly chunkIndex: number;
  /** Bytes of the chunk that hold nothing: relative to its start, whole sectors, in order. */
  readonly zeroed: readonly Extent[];
}

export interface CapturePlan {
  readonly chunks: readonly KeptChunk[];
  /** Bytes of the disk that are in use, the gaps between partitions included. */
  readonly usedBytes: number;
}

/**
 * Everything outside of partitions is kept (tables, boot loaders, EBRs), and of the partitions what
 * is in use. Where partitions overlap, a range that one of them uses is used.
 */
export function planCapture(diskBytes: number, partitions: readonly UsedPartition[]): CapturePlan {
  const unused = unusedOf(diskBytes, partitions);
  const chunks: KeptChunk[] = [];
  let next = 0;
  for (let chunkIndex = 0; chunkIndex < chunkCountOf(diskBytes); chunkIndex++) {
    const start = chunkIndex * chunkBytes;
    const end = start + chunkLengthAt(chunkIndex, diskBytes);
    while (next < unused.length && endOf(unused[next] as Extent) <= start) next++;
    const zeroed: Extent[] = [];
    for (let at = next; at < unused.length && (unused[at] as Extent).start < end; at++) {
      const range = unused[at] as Extent;
      const from = Math.max(range.start, start);
      const to = Math.min(endOf(range), end);
      zeroed.push({ start: from - start, length: to - from });
    }
    const isUnused = zeroed.length === 1 && zeroed[0]?.length === end - start;
    if (!isUnused) chunks.push({ chunkIndex, zeroed: zeroed.length === 0 ? nothing : zeroed });
  }
  const unusedBytes = unused.reduce((sum, { length }) => sum + length, 0);
  return { chunks, usedBytes: diskBytes - unusedBytes };
}

/**
 * Index entries of an image that make its disk bootable: its first MiB, and with a GPT its backup at
 * the end of the disk. In the index's order.
 */
export function bootCriticalEntryIndexes(
  manifest: Pick<Manifest, "diskBytes" | "partitionTable" | "logicalSector">,
  entries: readonly IndexEntry[],
): number[] {
  const { diskBytes, partitionTable, logicalSector } = manifest;
  const backupChunk = Math.floor(
    Math.max(0, diskBytes - gptBackupBytes(logicalSector)) / chunkBytes,
  );
  const critical: number[] = [];
  for (const [entryIndex, { chunkIndex }] of entries.entries()) {
    const isBackup = partitionTable === "gpt" && chunkIndex >= backupChunk;
    if (chunkIndex === 0 || isBackup) critical.push(entryIndex);
  }
  return critical;
}

/** Ranges of the disk, whole sectors, that lie in a partition and that no partition uses. */
function unusedOf(diskBytes: number, partitions: readonly UsedPartition[]): Extent[] {
  const inside = union(
    partitions.map(({ start, size }) => ({ start, length: Math.min(size, diskBytes - start) })),
  );
  const used = union(
    partitions.flatMap(({ start, size, used: extents }) =>
      (extents ?? [{ start: 0, length: size }]).map((extent) => ({
        start: start + extent.start,
        length: extent.length,
      })),
    ),
  );
  return without(inside, used).flatMap(wholeSectors);
}

/** A sector that anything uses a byte of is kept. */
function wholeSectors(extent: Extent): Extent[] {
  const start = Math.ceil(extent.start / sectorBytes) * sectorBytes;
  const end = Math.floor(endOf(extent) / sectorBytes) * sectorBytes;
  return end > start ? [{ start, length: end - start }] : [];
}
