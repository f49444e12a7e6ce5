/** GPT (UEFI 2.10, section 5.3) and MBR with its chain of EBRs, read from a disk's bytes. */
import { crc32 } from "./crc32.ts";

export interface TablePartition {
  /** As the table numbers it, from 1; logical partitions of an MBR from 5. */
  readonly index: number;
  /** GUID in lower case, or `0x83`. */
  readonly type: string;
  /** In bytes. */
  readonly start: number;
  readonly size: number;
}

export interface PartitionTable {
  readonly kind: "gpt" | "mbr" | "none";
  readonly partitions: readonly TablePartition[];
  /** What is odd about the table, in words. */
  readonly warnings: readonly string[];
}

/** Where the table lies besides the first sector; `read` answers bytes of the disk, whole sectors. */
export interface TableSource {
  readonly diskBytes: number;
  readonly logicalSector: number;
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** UEFI 2.10: 128 bytes an entry, or a power of two times that. */
const entryLimit = 1024;
/** More logical partitions than Linux names on any disk. */
const logicalLimit = 124;
const noTable: PartitionTable = { kind: "none", partitions: [], warnings: [] };

/** Reads the table; a GPT whose first header is damaged from its backup. Never throws of what the bytes are. */
export async function readPartitionTable(source: TableSource): Promise<PartitionTable> {
  const { diskBytes, logicalSector } = source;
  if (diskBytes < 2 * logicalSector) return noTable;
  const mbr = await source.read(0, logicalSector);
  if (mbr[510] !== 0x55 || mbr[511] !== 0xaa) {
    const gpt = await readGpt(source, 1);
    return gpt ?? noTable;
  }
  const records = mbrRecords(mbr);
  const gpt = await readGpt(source, 1);
  if (gpt !== null) return gpt;
  if (records.some(({ type }) => type === 0xee)) {
    const backup = await readGpt(source, Math.floor(diskBytes / logicalSector) - 1);
    if (backup !== null) {
      const warning = "the first GPT is damaged; its backup was used";
      return { ...backup, warnings: [warning, ...backup.warnings] };
    }
    return { ...noTable, warnings: ["the protective MBR has no GPT: the disk is taken raw"] };
  }
  // A volume boot record has the same signature: its "entries" are code.
  if (!records.every(({ status }) => status === 0 || status === 0x80)) return noTable;
  if (records.every(({ type }) => type === 0)) {
    return isVolumeBootRecord(mbr) ? noTable : { kind: "mbr", partitions: [], warnings: [] };
  }
  if (isVolumeBootRecord(mbr) && !records.some((record) => fits(record, source))) return noTable;
  return readMbr(source, records);
}

interface MbrRecord {
  readonly status: number;
  readonly type: number;
  readonly first: number;
  readonly count: number;
}

function mbrRecords(sector: Uint8Array): MbrRecord[] {
  return [446, 462, 478, 494].map((at) => ({
    status: sector[at] as number,
    type: sector[at + 4] as number,
    first: u32(sector, at + 8),
    count: u32(sector, at + 12),
  }));
}

const extendedTypes = new Set([0x05, 0x0f, 0x85]);
const typeText = (type: number): string => `0x${type.toString(16).padStart(2, "0")}`;

const fits = ({ type, first, count }: MbrRecord, source: TableSource): boolean =>
  type !== 0 &&
  first > 0 &&
  count > 0 &&
  (first + count) * source.logicalSector <= source.diskBytes;

/** A jump and an OEM name, as FAT, NTFS and exFAT begin. */
const isVolumeBootRecord = (sector: Uint8Array): boolean =>
  (sector[0] === 0xeb || sector[0] === 0xe9) &&
  /^(MSDOS|MSWIN|NTFS|EXFAT|mkfs|FRDOS|IBM)/.test(ascii(sector, 3, 8));

async function readMbr(
  source: TableSource,
  records: readonly MbrRecord[],
): Promise<PartitionTable> {
  const partitions: TablePartition[] = [];
  const warnings: string[] = [];
  const add = (index: number, type: number, first: number, count: number): void => {
    const start = first * source.logicalSector;
    const size = Math.min(count * source.logicalSector, source.diskBytes - start);
    if (size <= 0) {
      warnings.push(`partition ${index} lies beyond the disk`);
      return;
    }
    if (size < count * source.logicalSector) {
      warnings.push(`partition ${index} ends beyond the disk`);
    }
    partitions.push({ index, type: typeText(type), start, size });
  };
  for (const [at, { type, first, count }] of records.entries()) {
    if (type === 0 || count === 0) continue;
    // The frame of the logical ones: its own bytes, the EBRs, lie in no partition and are kept.
    if (extendedTypes.has(type)) continue;
    add(at + 1, type, first, count);
  }
  const extended = records.find(({ type, count }) => extendedTypes.has(type) && count > 0);
  if (extended === undefined) return { kind: "mbr", partitions, warnings };
  let ebr = extended.first;
  const seen = new Set<number>();
  for (let index = 5; index < 5 + logicalLimit; index++) {
    const isInside = ebr >= extended.first && ebr < extended.first + extended.count;
    if (seen.has(ebr) || !isInside || (ebr + 1) * source.logicalSector > source.diskBytes) {
      warnings.push("the chain of logical partitions leads nowhere");
      break;
    }
    seen.add(ebr);
    const sector = await source.read(ebr * source.logicalSector, source.logicalSector);
    if (sector[510] !== 0x55 || sector[511] !== 0xaa) {
      warnings.push("the chain of logical partitions is broken");
      break;
    }
    const [own, next] = mbrRecords(sector) as [MbrRecord, MbrRecord, MbrRecord, MbrRecord];
    if (own.type !== 0 && own.count > 0) add(index, own.type, ebr + own.first, own.count);
    if (next.type === 0 || next.count === 0) break;
    ebr = extended.first + next.first;
  }
  return { kind: "mbr", partitions, warnings };
}

async function readGpt(source: TableSource, headerLba: number): Promise<PartitionTable | null> {
  const { logicalSector, diskBytes } = source;
  const header = await source.read(headerLba * logicalSector, logicalSector);
  if (ascii(header, 0, 8) !== "EFI PART") return null;
  const headerLength = u32(header, 12);
  if (headerLength < 92 || headerLength > logicalSector) return null;
  const bare = header.slice(0, headerLength);
  bare.fill(0, 16, 20);
  if (crc32(bare) !== u32(header, 16)) return null;
  const entriesAt = u64(header, 72) * logicalSector;
  const entryCount = u32(header, 80);
  const entryBytes = u32(header, 84);
  if (entryBytes < 128 || entryBytes > 4096 || entryBytes % 8 !== 0 || entryCount > entryLimit) {
    return null;
  }
  const length = Math.ceil((entryCount * entryBytes) / logicalSector) * logicalSector;
  if (!Number.isSafeInteger(entriesAt) || entriesAt + length > diskBytes) return null;
  const entries = await source.read(entriesAt, length);
  if (crc32(entries.subarray(0, entryCount * entryBytes)) !== u32(header, 88)) return null;
  const partitions: TablePartition[] = [];
  const warnings: string[] = [];
  for (let at = 0; at < entryCount; at++) {
    const entry = entries.subarray(at * entryBytes, (at + 1) * entryBytes);
    const type = guidText(entry);
    if (type === "00000000-0000-0000-0000-000000000000") continue;
    const first = u64(entry, 32);
    const last = u64(entry, 40);
    const start = first * logicalSector;
    const size = (last - first + 1) * logicalSector;
    if (!(size > 0) || !Number.isSafeInteger(start + size) || start + size > diskBytes) {
      warnings.push(`partition ${at + 1} lies beyond the disk`);
      continue;
    }
    partitions.push({ index: at + 1, type, start, size });
  }
  return { kind: "gpt", partitions, warnings };
}

/** UEFI 2.10, appendix A: the first three fields are little endian. */
function guidText(data: Uint8Array): string {
  const order = [3, 2, 1, 0, -1, 5, 4, -1, 7, 6, -1, 8, 9, -1, 10, 11, 12, 13, 14, 15];
  return order
    .map((at) => (at < 0 ? "-" : (data[at] as number).toString(16).padStart(2, "0")))
    .join("");
}

const u32 = (data: Uint8Array, at: number): number =>
  ((data[at] as number) |
    ((data[at + 1] as number) << 8) |
    ((data[at + 2] as number) << 16) |
    ((data[at + 3] as number) << 24)) >>>
  0;

const u64 = (data: Uint8Array, at: number): number => u32(data, at) + u32(data, at + 4) * 2 ** 32;

function ascii(data: Uint8Array, at: number, length: number): string {
  return String.fromCharCode(...data.subarray(at, at + length));
}
