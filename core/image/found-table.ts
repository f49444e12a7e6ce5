/** What a partition table of either kind is read from, and what is found in it. */
import type { Extent } from "./extents.ts";

export interface TablePartition {
  /** As the table numbers it, from 1; logical partitions of an MBR from 5. */
  readonly index: number;
  /** GUID in lower case, or `0x83`. */
  readonly type: string;
  /** In bytes. */
  readonly start: number;
  readonly size: number;
}

/** Where the table lies besides the first sector; `read` answers bytes of the disk, whole sectors. */
export interface TableSource {
  readonly diskBytes: number;
  readonly logicalSector: number;
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** What of a disk a table names, and the sectors that it lies in itself. */
export interface FoundTable {
  readonly kind: "gpt" | "mbr";
  readonly partitions: readonly TablePartition[];
  readonly warnings: readonly string[];
  readonly own: readonly Extent[];
  readonly extended: TablePartition | null;
  readonly active: ReadonlySet<number>;
}
