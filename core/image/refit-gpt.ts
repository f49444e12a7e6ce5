/** A GPT made to fit a disk (UEFI 2.10, 5.3). */
import type { Decoded } from "../errors.ts";
import { u64 } from "./byte-source.ts";
import { crc32 } from "./crc32.ts";
import { type GptHeader, headerSum, readEntries, readHeader } from "./gpt.ts";
import { putU32, putU64 } from "./little-endian.ts";
import { mbrRecords } from "./mbr.ts";
import type { TablePartition, TableSource } from "./partition-table.ts";
import {
  grownEnd,
  type Refit,
  type RefitRequest,
  setRecordCount,
  type TableWrite,
} from "./table-write.ts";

interface FoundGpt {
  readonly header: GptHeader;
  /** A copy. */
  readonly entries: Uint8Array;
}

export async function refitGpt(
  source: TableSource,
  request: RefitRequest,
): Promise<Decoded<Refit>> {
  const { logicalSector: sector } = source;
  const found = await readEither(source, request.formerBytes);
  if (found === null) return { ok: false, reason: "the GPT cannot be read" };
  const { header, entries } = found;
  const entrySectors = Math.ceil(entries.length / sector);
  const lastLba = Math.floor(source.diskBytes / sector) - 1;
  const backupEntriesLba = lastLba - entrySectors;
  const lastUsable = backupEntriesLba - 1;

  const grown = request.grow === null ? null : grow(found, request.grow, lastUsable, sector);
  const beyond = used(entries, header.entryBytes).find(({ last }) => last > lastUsable);
  if (beyond !== undefined) {
    const reason = `partition ${beyond.number} ends beyond what the disk can hold`;
    return { ok: false, reason };
  }

  const padded = new Uint8Array(entrySectors * sector);
  padded.set(entries);
  const firstEntriesLba = header.lba === 1 ? header.entriesAt / sector : 2;
  const headerAt = (own: number, other: number, entriesLba: number): Uint8Array => {
    const out = new Uint8Array(header.sector);
    putU64(out, 24, own);
    putU64(out, 32, other);
    putU64(out, 48, lastUsable);
    putU64(out, 72, entriesLba);
    putU32(out, 88, crc32(entries));
    putU32(out, 16, headerSum(out));
    return out;
  };
  const writes: TableWrite[] = [
    { offset: backupEntriesLba * sector, data: padded },
    { offset: lastLba * sector, data: headerAt(lastLba, 1, backupEntriesLba) },
    ...(await formerBackup(source, request.formerBytes, found)),
    { offset: firstEntriesLba * sector, data: padded },
    { offset: sector, data: headerAt(1, lastLba, firstEntriesLba) },
    ...(await protectiveMbr(source)),
  ];
  return { ok: true, value: { writes, grown } };
}

/** The first table, else the backup at the end of the disk that it was made for. */
async function readEither(source: TableSource, formerBytes: number): Promise<FoundGpt | null> {
  const { logicalSector } = source;
  const diskBytes = Math.min(source.diskBytes, formerBytes);
  for (const lba of [1, Math.floor(diskBytes / logicalSector) - 1]) {
    const header = await readHeader(source, lba);
    const entries = header === null ? null : await readEntries(source, header);
    if (header !== null && entries !== null) return { header, entries: new Uint8Array(entries) };
  }
  return null;
}

/** Changes the partition's entry in place. null when there is nothing to gain. */
function grow(
  { header, entries }: FoundGpt,
  partition: TablePartition,
  lastUsable: number,
  sector: number,
): TablePartition | null {
  const end = grownEnd((lastUsable + 1) * sector);
  if (end <= partition.start + partition.size) return null;
  putU64(entries, (partition.index - 1) * header.entryBytes + 40, end / sector - 1);
  return { ...partition, size: end - partition.start };
}

/** Zeros over the backup of the former, smaller disk, unless a partition lies there: nobody is to find it. */
async function formerBackup(
  source: TableSource,
  formerBytes: number,
  { header, entries }: FoundGpt,
): Promise<TableWrite[]> {
  const { diskBytes, logicalSector: sector } = source;
  if (formerBytes >= diskBytes) return [];
  const lba = Math.floor(formerBytes / sector) - 1;
  const former = await readHeader(source, lba);
  if (former === null) return [];
  const first = Math.min(lba, former.entriesAt / sector);
  const own = used(entries, header.entryBytes);
  const isUsual = first > 1 && lba - first <= header.entryBytes * 8;
  if (!isUsual || own.some(({ last }) => last >= first)) return [];
  return [{ offset: first * sector, data: new Uint8Array((lba + 1 - first) * sector) }];
}

/** The partitions' last LBAs, by their number. */
function used(entries: Uint8Array, entryBytes: number): { number: number; last: number }[] {
  const found: { number: number; last: number }[] = [];
  for (let at = 0; at < entries.length; at += entryBytes) {
    if (entries.subarray(at, at + 16).every((byte) => byte === 0)) continue;
    found.push({ number: at / entryBytes + 1, last: u64(entries, at + 40) });
  }
  return found;
}

/** UEFI 2.10, 5.2.3: one record over the whole disk. A hybrid MBR has others as well, and stays. */
async function protectiveMbr(source: TableSource): Promise<TableWrite[]> {
  const { logicalSector, diskBytes } = source;
  const mbr = new Uint8Array(await source.read(0, logicalSector));
  const records = mbrRecords(mbr);
  const used = records.filter(({ type }) => type !== 0);
  const at = records.findIndex(({ type }) => type === 0xee);
  if (used.length !== 1 || at === -1) return [];
  const sectors = Math.floor(diskBytes / logicalSector) - 1;
  setRecordCount(mbr, 446 + 16 * at, Math.min(sectors, 0xffff_ffff));
  return [{ offset: 0, data: mbr }];
}
