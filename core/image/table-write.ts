/** How a partition table is changed. */
import { u32 } from "./byte-source.ts";
import type { TablePartition, TableSource } from "./found-table.ts";
import { putU32 } from "./little-endian.ts";

/** Bytes to be put in place, whole sectors. */
export interface TableWrite {
  readonly offset: number;
  readonly data: Uint8Array;
}

/** The same, `by` bytes farther. */
export const shiftedWrites = (writes: readonly TableWrite[], by: number): TableWrite[] =>
  writes.map(({ offset, data }) => ({ offset: offset + by, data }));

/** In the order in which they are to be written: what the firmware reads first goes last. */
export interface Refit {
  readonly writes: readonly TableWrite[];
  /** Why no partition of this table may get another place; null: each may. */
  readonly rigid: string | null;
  /** The first byte of the disk that the table leaves to no partition. */
  readonly endBytes: number;
  /** What was wrong with the table, and what became of it, in words. */
  readonly notes: readonly string[];
}

export interface RefitRequest {
  /** Of the disk that the table was made for. */
  readonly formerBytes: number;
  /** That disk, where it is read from another place than the disk whose table is changed. */
  readonly former?: TableSource;
  /**
   * Where partitions are from now on; the others stay. Of an MBR: primary ones, the extended one with
   * all that is in it, or the logical one that lies last, which only grows.
   */
  readonly places: readonly Pick<TablePartition, "index" | "start" | "size">[];
}

/** Said of a partition that ends where the disk ends. */
export const noRoom = "there is no room behind it";

/** Sets the place of the MBR record at `at`, and its cylinders to "beyond what CHS can say". */
export function setRecordPlace(sector: Uint8Array, at: number, first: number, count: number): void {
  if (u32(sector, at + 8) !== first) {
    putU32(sector, at + 8, first);
    sector.set([0xfe, 0xff, 0xff], at + 1);
  }
  setRecordCount(sector, at, count);
}

/** Sets the length of the MBR record at `at`, and its end in cylinders likewise. */
export function setRecordCount(sector: Uint8Array, at: number, count: number): void {
  if (u32(sector, at + 12) === count) return;
  putU32(sector, at + 12, count);
  // UEFI 2.10, 5.2.3 has FF FF FF in a protective record; partitioners write FE FF FF in others.
  sector.set([sector[at + 4] === 0xee ? 0xff : 0xfe, 0xff, 0xff], at + 5);
}
