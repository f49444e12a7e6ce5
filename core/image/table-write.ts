/** How a partition table is changed. */
import { u32 } from "./byte-source.ts";
import { putU32 } from "./little-endian.ts";
import type { TablePartition } from "./partition-table.ts";

/** Bytes to be put in place, whole sectors. */
export interface TableWrite {
  readonly offset: number;
  readonly data: Uint8Array;
}

export interface Refit {
  /** In the order in which they are to be written: what the firmware reads first goes last. */
  readonly writes: readonly TableWrite[];
  /** The last partition of the new table, if it grew. */
  readonly grown: TablePartition | null;
  /** Why the partition that was to grow did not; null when it grew, or none was to. */
  readonly whyNot: string | null;
  /** What was wrong with the table, and what became of it, in words. */
  readonly notes: readonly string[];
}

/** Said of a partition that ends where the disk ends. */
export const noRoom = "there is no room behind it";

export interface RefitRequest {
  /** Of the disk that the table was made for. */
  readonly formerBytes: number;
  /** The partition that is to grow to the end of the disk; null: none. */
  readonly grow: TablePartition | null;
}

/** Ends of partitions are put on this grid, as every partitioner does. */
const gridBytes = 1 << 20;

/** Where a partition from `start` on ends when it grows up to `limit`, both in bytes. */
export const grownEnd = (limit: number): number => Math.floor(limit / gridBytes) * gridBytes;

/** Sets the length of the MBR record at `at`, and its end in cylinders to "beyond what CHS can say". */
export function setRecordCount(sector: Uint8Array, at: number, count: number): void {
  if (u32(sector, at + 12) === count) return;
  putU32(sector, at + 12, count);
  // UEFI 2.10, 5.2.3 has FF FF FF in a protective record; partitioners write FE FF FF in others.
  sector.set([sector[at + 4] === 0xee ? 0xff : 0xfe, 0xff, 0xff], at + 5);
}
