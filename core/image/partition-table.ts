/** What a disk's partition table says, and where it cannot be trusted. */

import { endOf } from "./extents.ts";
import type { FoundTable, TablePartition, TableSource } from "./found-table.ts";
import { readEndOfGpt, readGpt } from "./gpt.ts";
import { isVolumeBootRecord, type MbrRecord, mbrRecords, readMbr, recordFits } from "./mbr.ts";

export interface PartitionTable {
  readonly kind: "gpt" | "mbr" | "none";
  readonly partitions: readonly TablePartition[];
  /** What is odd about the table, in words. */
  readonly warnings: readonly string[];
  /**
   * Indexes of partitions that lie over others, or over the table itself: what a file system there
   * says of its blocks is not to be believed. 0 for the whole disk.
   */
  readonly doubtful: ReadonlySet<number>;
  /** The frame of an MBR's logical partitions: `index` is that of its record. */
  readonly extended: TablePartition | null;
  /** Indexes of partitions that an MBR marks as the one to start from. */
  readonly active: ReadonlySet<number>;
}

const noTable: PartitionTable = {
  kind: "none",
  partitions: [],
  warnings: [],
  doubtful: new Set(),
  extended: null,
  active: new Set(),
};

/** Reads the table; a GPT whose first header is damaged from its backup. Never throws of what the bytes are. */
export async function readPartitionTable(source: TableSource): Promise<PartitionTable> {
  const { diskBytes, logicalSector } = source;
  if (diskBytes < 2 * logicalSector) return noTable;
  const sector = await source.read(0, logicalSector);
  const gpt = await readGpt(source, 1);
  if (gpt !== null) return checked(gpt);
  if (sector[510] !== 0x55 || sector[511] !== 0xaa) return noTable;
  const records = mbrRecords(sector);
  if (records.some(({ type }) => type === 0xee)) {
    const backup = await readEndOfGpt(source);
    if (backup !== null) return checked(backup);
    const warning = "the protective MBR has no GPT: the disk is taken whole";
    return { ...noTable, warnings: [warning], doubtful: new Set([0]) };
  }
  if (!isTable(sector, records, source)) return noTable;
  return checked(await readMbr(source, records));
}

/** A volume boot record has the same signature: its "entries" are code. */
function isTable(sector: Uint8Array, records: readonly MbrRecord[], source: TableSource): boolean {
  if (!records.every(({ status }) => status === 0 || status === 0x80)) return false;
  if (!isVolumeBootRecord(sector)) return true;
  return records.some((record) => recordFits(record, source));
}

function checked({ own, ...found }: FoundTable): PartitionTable {
  const { partitions, warnings } = found;
  const doubtful = new Set<number>();
  const said = [...warnings];
  const byStart = [...partitions].sort((a, b) => a.start - b.start);
  // The one that reaches furthest of those before.
  let before: TablePartition | undefined;
  for (const partition of byStart) {
    const { index, start, size } = partition;
    if (before !== undefined && start < before.start + before.size) {
      doubtful.add(before.index);
      doubtful.add(index);
      said.push(`partitions ${before.index} and ${index} overlap: both are taken whole`);
    }
    if (own.some((extent) => extent.start < start + size && start < endOf(extent))) {
      doubtful.add(index);
      said.push(`partition ${index} lies over the partition table: it is taken whole`);
    }
    if (before === undefined || start + size > before.start + before.size) before = partition;
  }
  return { ...found, warnings: said, doubtful };
}
