/** The MBR and its chain of EBRs, read from a disk's bytes. */
import { ascii, u32 } from "./byte-source.ts";
import type { Extent } from "./extents.ts";
import type { FoundTable, TablePartition, TableSource } from "./found-table.ts";

export interface MbrRecord {
  readonly status: number;
  readonly type: number;
  readonly first: number;
  readonly count: number;
}

/** More logical partitions than Linux names on any disk. */
const logicalLimit = 124;
export const extendedTypes = new Set([0x05, 0x0f, 0x85]);

/** The four entries of an MBR or an EBR. */
export const mbrRecords = (sector: Uint8Array): MbrRecord[] =>
  [446, 462, 478, 494].map((at) => ({
    status: sector[at] as number,
    type: sector[at + 4] as number,
    first: u32(sector, at + 8),
    count: u32(sector, at + 12),
  }));

export const recordFits = ({ type, first, count }: MbrRecord, source: TableSource): boolean =>
  type !== 0 &&
  first > 0 &&
  count > 0 &&
  (first + count) * source.logicalSector <= source.diskBytes;

/** A jump and an OEM name, as FAT, NTFS and exFAT begin. */
export const isVolumeBootRecord = (sector: Uint8Array): boolean =>
  (sector[0] === 0xeb || sector[0] === 0xe9) &&
  /^(MSDOS|MSWIN|NTFS|EXFAT|mkfs|FRDOS|IBM)/.test(ascii(sector, 3, 8));

/** The partitions of an MBR, the logical ones included. */
export async function readMbr(
  source: TableSource,
  records: readonly MbrRecord[],
): Promise<FoundTable> {
  const { logicalSector, diskBytes } = source;
  const partitions: TablePartition[] = [];
  const warnings: string[] = [];
  const own: Extent[] = [{ start: 0, length: logicalSector }];
  const add = (index: number, { type, first, count }: MbrRecord, base: number): void => {
    const start = (base + first) * logicalSector;
    const size = Math.min(count * logicalSector, diskBytes - start);
    if (size <= 0) {
      warnings.push(`partition ${index} lies beyond the disk`);
      return;
    }
    if (size < count * logicalSector) warnings.push(`partition ${index} ends beyond the disk`);
    partitions.push({ index, type: typeText(type), start, size });
  };
  const active = new Set<number>();
  for (const [at, record] of records.entries()) {
    if (record.type === 0 || record.count === 0) continue;
    if (record.status === 0x80) active.add(at + 1);
    // The frame of the logical ones: its own bytes, the EBRs, lie in no partition and are kept.
    if (!extendedTypes.has(record.type)) add(at + 1, record, 0);
  }
  const extendedAt = records.findIndex(({ type, count }) => extendedTypes.has(type) && count > 0);
  const extended = records[extendedAt];
  if (extended === undefined) {
    return { kind: "mbr", partitions, warnings, own, extended: null, active };
  }
  let ebr = extended.first;
  const seen = new Set<number>();
  for (let index = 5; index < 5 + logicalLimit; index++) {
    const isInside = ebr >= extended.first && ebr < extended.first + extended.count;
    if (seen.has(ebr) || !isInside || (ebr + 1) * logicalSector > diskBytes) {
      warnings.push("the chain of logical partitions leads nowhere");
      break;
    }
    seen.add(ebr);
    const place = { start: ebr * logicalSector, length: logicalSector };
    const sector = await source.read(place.start, place.length);
    if (sector[510] !== 0x55 || sector[511] !== 0xaa) {
      warnings.push("the chain of logical partitions is broken");
      break;
    }
    own.push(place);
    const [logical, next] = mbrRecords(sector) as [MbrRecord, MbrRecord, MbrRecord, MbrRecord];
    if (logical.type !== 0 && logical.count > 0) add(index, logical, ebr);
    if (next.type === 0 || next.count === 0) break;
    ebr = extended.first + next.first;
  }
  const frame = {
    index: extendedAt + 1,
    type: typeText(extended.type),
    start: extended.first * logicalSector,
    size: extended.count * logicalSector,
  };
  return { kind: "mbr", partitions, warnings, own, extended: frame, active };
}

const typeText = (type: number): string => `0x${type.toString(16).padStart(2, "0")}`;
