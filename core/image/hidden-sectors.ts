/**
 * The boot sectors of NTFS and FAT name the sector of the disk at which their partition starts ("hidden
 * sectors"): Windows' boot code goes by it. After a move it has to name the new one.
 */
import { ascii, u16, u32 } from "./byte-source.ts";
import { putU32 } from "./little-endian.ts";
import type { TableWrite } from "./table-write.ts";

/** BPB_HiddSec, and BPB_BkBootSec of FAT32, in sectors from the partition's start. */
const hiddenAt = 0x1c;
const fatBackupAt = 0x32;

export interface MovedPartition {
  /** In bytes, on the disk. */
  readonly from: number;
  readonly to: number;
  readonly size: number;
}

/**
 * What has to be written at the new place, where the partition is whole already. Nothing when the field
 * named something else than the old place: nobody goes by it then.
 */
export async function hiddenSectorWrites(
  source: {
    readonly logicalSector: number;
    read(offset: number, length: number): Promise<Uint8Array>;
  },
  { from, to, size }: MovedPartition,
): Promise<TableWrite[]> {
  const { logicalSector: sector } = source;
  const first = await source.read(to, sector);
  const isNtfs = ascii(first, 3, 8) === "NTFS    ";
  const isFat32 = ascii(first, 0x52, 5) === "FAT32";
  const isFat = isFat32 || ascii(first, 0x36, 3) === "FAT";
  if (!isNtfs && !isFat) return [];
  const backup = isNtfs ? size / sector - 1 : isFat32 ? u16(first, fatBackupAt) : 0;
  const writes: TableWrite[] = [];
  for (const at of new Set([0, backup])) {
    if (at * sector >= size) continue;
    const data = new Uint8Array(await source.read(to + at * sector, sector));
    const isCopy = ascii(data, 3, 8) === ascii(first, 3, 8);
    if (!isCopy || u32(data, hiddenAt) !== from / sector) continue;
    // The field has 32 bits; beyond them it is 0, as mkntfs has it.
    putU32(data, hiddenAt, to / sector < 2 ** 32 ? to / sector : 0);
    writes.push({ offset: to + at * sector, data });
  }
  return writes;
}
