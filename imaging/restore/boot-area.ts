/** The parts of a disk without which no firmware starts from it: emptied first, written last. */
import { gptBackupBytes } from "../../core/image/gpt.ts";
import type { IndexEntry } from "../../core/image/types.ts";
import { chunkBytes, chunkCountOf } from "../../core/units/units.ts";

/** In bytes. */
export interface DiskRange {
  readonly offset: number;
  readonly length: number;
}

export interface BootArea {
  /** Index entries that lie in it. */
  readonly entryIndexes: ReadonlySet<number>;
  /** Whole chunks, in the disk's order. */
  readonly ranges: readonly DiskRange[];
}

/**
 * `critical`: the entries that make the image bootable (its first MiB, its backup GPT). Added is the
 * end of the target itself, where a larger disk may hold a backup GPT of what it was before.
 */
export function bootAreaOf(options: {
  readonly entries: readonly IndexEntry[];
  readonly critical: readonly number[];
  /** Of the image's disk. */
  readonly diskBytes: number;
  readonly targetBytes: number;
  readonly logicalSector: number;
}): BootArea {
  const { entries, critical, diskBytes, targetBytes, logicalSector } = options;
  // Of a larger image the end lies beyond the target: there `ShortDisk` keeps it.
  const endBytes = Math.max(diskBytes, targetBytes);
  const chunks = new Set<number>([0]);
  for (const entryIndex of critical) chunks.add((entries[entryIndex] as IndexEntry).chunkIndex);
  const backup = Math.max(0, targetBytes - gptBackupBytes(logicalSector));
  for (let chunk = Math.floor(backup / chunkBytes); chunk < chunkCountOf(targetBytes); chunk++) {
    chunks.add(chunk);
  }
  const entryIndexes = new Set<number>();
  for (const [entryIndex, entry] of entries.entries()) {
    if (chunks.has(entry.chunkIndex)) entryIndexes.add(entryIndex);
  }
  const ranges = [...chunks]
    .sort((one, other) => one - other)
    .map((chunk) => {
      const offset = chunk * chunkBytes;
      return { offset, length: Math.min(chunkBytes, endBytes - offset) };
    });
  return { entryIndexes, ranges };
}
