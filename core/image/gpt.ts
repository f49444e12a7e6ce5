/** The GUID partition table (UEFI 2.10, section 5.3), read from a disk's bytes. */
import { ascii, u32, u64 } from "./byte-source.ts";
import { crc32 } from "./crc32.ts";
import type { Extent } from "./extents.ts";
import type { FoundTable, TablePartition, TableSource } from "./found-table.ts";
import { guidText } from "./guid.ts";
import { putU32, putU64 } from "./little-endian.ts";

/** 128 is usual. */
const entryLimit = 1024;

/** What a backup takes at least of a disk's end: 16 KiB of entries, and the header in a sector of its own. */
export const gptBackupBytes = (logicalSector: number): number => 16 * 1024 + logicalSector;

/** From the header at `headerLba`, with a warning when the other one is not as it should be; or null. */
export async function readGpt(source: TableSource, headerLba: number): Promise<FoundTable | null> {
  const { logicalSector, diskBytes } = source;
  const gpt = await readHeader(source, headerLba);
  const entries = gpt === null ? null : await readEntries(source, gpt);
  if (gpt === null || entries === null) return null;
  const partitions: TablePartition[] = [];
  const warnings: string[] = [];
  for (let at = 0; at < gpt.entryCount; at++) {
    const entry = entries.subarray(at * gpt.entryBytes, (at + 1) * gpt.entryBytes);
    const type = guidText(entry);
    if (type === noType) continue;
    const start = u64(entry, 32) * logicalSector;
    const size = (u64(entry, 40) + 1) * logicalSector - start;
    if (!(size > 0) || !Number.isSafeInteger(start + size) || start + size > diskBytes) {
      warnings.push(`partition ${at + 1} lies beyond the disk`);
      continue;
    }
    partitions.push({ index: at + 1, type, start, size });
  }
  const own = [{ start: 0, length: logicalSector }, ...placesOf(gpt, logicalSector)];
  if (headerLba === 1) {
    const isInside = gpt.otherLba > 1 && (gpt.otherLba + 1) * logicalSector <= diskBytes;
    const other = isInside ? await readHeader(source, gpt.otherLba) : null;
    const others = other === null ? null : await readEntries(source, other);
    if (other === null || others === null) warnings.push("the backup GPT is damaged or missing");
    else {
      own.push(...placesOf(other, logicalSector));
      if (gpt.otherLba !== lastLba(source)) {
        warnings.push("the backup GPT is not at the end of the disk");
      }
      if (!isSame(entries, others)) warnings.push("the backup GPT names other partitions");
    }
  }
  return { kind: "gpt", partitions, warnings, own, extended: null, active: new Set() };
}

/** The backup, when the first one cannot be read. */
export async function readEndOfGpt(source: TableSource): Promise<FoundTable | null> {
  const backup = await readGpt(source, lastLba(source));
  if (backup === null) return null;
  const warning = "the first GPT is damaged; its backup was used";
  return { ...backup, warnings: [warning, ...backup.warnings] };
}

/** A partition by what tells it from all others. */
export interface GptPartition {
  /** As the table numbers it, from 1. */
  readonly number: number;
  /** GUIDs in lower case. */
  readonly type: string;
  readonly guid: string;
  readonly firstLba: number;
  readonly lbaCount: number;
}

/** All partitions of the first GPT or its backup, also those beyond the disk; none where there is no GPT. */
export async function gptPartitions(source: TableSource): Promise<GptPartition[]> {
  for (const headerLba of [1, lastLba(source)]) {
    const isInside = headerLba >= 1 && headerLba <= lastLba(source);
    const gpt = isInside ? await readHeader(source, headerLba) : null;
    const entries = gpt === null ? null : await readEntries(source, gpt);
    if (gpt === null || entries === null) continue;
    return Array.from({ length: gpt.entryCount }, (_, index) => {
      const entry = entries.subarray(index * gpt.entryBytes);
      const firstLba = u64(entry, 32);
      return {
        number: index + 1,
        type: guidText(entry),
        guid: guidText(entry.subarray(16)),
        firstLba,
        lbaCount: u64(entry, 40) + 1 - firstLba,
      };
    }).filter(({ type }) => type !== noType);
  }
  return [];
}

/** Of an entry that is not used. */
const noType = "00000000-0000-0000-0000-000000000000";

const lastLba = ({ diskBytes, logicalSector }: TableSource): number =>
  Math.floor(diskBytes / logicalSector) - 1;

export interface GptHeader {
  /** Its bytes, a whole sector. */
  readonly sector: Uint8Array;
  readonly lba: number;
  /** Of the other header. */
  readonly otherLba: number;
  /** In bytes. */
  readonly entriesAt: number;
  readonly entryCount: number;
  readonly entryBytes: number;
  readonly entriesCrc: number;
}

/** null when it is none, or damaged. */
export async function readHeader(source: TableSource, lba: number): Promise<GptHeader | null> {
  const { logicalSector } = source;
  const header = await source.read(lba * logicalSector, logicalSector);
  if (ascii(header, 0, 8) !== "EFI PART") return null;
  const headerLength = u32(header, 12);
  if (headerLength < 92 || headerLength > logicalSector) return null;
  if (headerSum(header) !== u32(header, 16)) return null;
  const entryCount = u32(header, 80);
  const entryBytes = u32(header, 84);
  // UEFI 2.10: 128 bytes an entry, or a power of two times that.
  if (entryBytes < 128 || entryBytes > 4096 || entryBytes % 8 !== 0 || entryCount > entryLimit) {
    return null;
  }
  return {
    sector: header,
    lba,
    otherLba: u64(header, 32),
    entriesAt: u64(header, 72) * logicalSector,
    entryCount,
    entryBytes,
    entriesCrc: u32(header, 88),
  };
}

/** Of a header that says how long it is: the sum over that, with itself taken as 0. */
export function headerSum(header: Uint8Array): number {
  const bare = new Uint8Array(header.subarray(0, u32(header, 12)));
  bare.fill(0, 16, 20);
  return crc32(bare);
}

/** null when they lie outside of the disk or are damaged. */
export async function readEntries(source: TableSource, gpt: GptHeader): Promise<Uint8Array | null> {
  const { logicalSector, diskBytes } = source;
  const { entriesAt } = gpt;
  const length = entriesLength(gpt);
  const sectors = Math.ceil(length / logicalSector) * logicalSector;
  if (!Number.isSafeInteger(entriesAt) || entriesAt + sectors > diskBytes) return null;
  const entries = (await source.read(entriesAt, sectors)).subarray(0, length);
  return crc32(entries) === gpt.entriesCrc ? entries : null;
}

const entriesLength = ({ entryCount, entryBytes }: GptHeader): number => entryCount * entryBytes;

/** Of header and entries. */
export const placesOf = (gpt: GptHeader, logicalSector: number): Extent[] => [
  { start: gpt.lba * logicalSector, length: logicalSector },
  { start: gpt.entriesAt, length: entriesLength(gpt) },
];

/** Those that are used, by their numbers. */
export function* usedEntries(
  entries: Uint8Array,
  entryBytes: number,
): Generator<[number, Uint8Array]> {
  for (let at = 0; at < entries.length; at += entryBytes) {
    const entry = entries.subarray(at, at + entryBytes);
    if (entry.subarray(0, 16).some((byte) => byte !== 0)) yield [at / entryBytes + 1, entry];
  }
}

/** Where a header, the other one, their entries and what partitions may take are, as LBAs. */
export interface GptPlaces {
  readonly own: number;
  readonly other: number;
  readonly entries: number;
  readonly firstUsable: number;
  readonly lastUsable: number;
}

/** Says in `header`, a sector that begins with one, where things are now, and makes its sums right. */
export function putPlaces(header: Uint8Array, places: GptPlaces, entries: Uint8Array): void {
  putU64(header, 24, places.own);
  putU64(header, 32, places.other);
  putU64(header, 40, places.firstUsable);
  putU64(header, 48, places.lastUsable);
  putU64(header, 72, places.entries);
  putU32(header, 88, crc32(entries));
  putU32(header, 16, headerSum(header));
}

const isSame = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, at) => byte === other[at]);
