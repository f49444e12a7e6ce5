/** A GPT made to fit a disk (UEFI 2.10, 5.3). */
import type { Decoded } from "../errors.ts";
import { u64 } from "./byte-source.ts";
import type { TableSource } from "./found-table.ts";
import { type GptHeader, putPlaces, readEntries, readHeader, usedEntries } from "./gpt.ts";
import { putU64 } from "./little-endian.ts";
import { type MbrRecord, mbrRecords } from "./mbr.ts";
import { type Refit, type RefitRequest, setRecordCount, type TableWrite } from "./table-write.ts";

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
  const found = await readEither(request.former ?? source, request.formerBytes);
  if (found === null) return { ok: false, reason: "the GPT cannot be read" };
  const { header, entries } = found;
  const mbr = await readFirstSector(source);
  const entrySectors = Math.ceil(entries.length / sector);
  const lastLba = Math.floor(source.diskBytes / sector) - 1;
  const backupEntriesLba = lastLba - entrySectors;
  const lastUsable = backupEntriesLba - 1;

  const rigid = mbrReasons[mbr.kind] ?? null;
  if (rigid !== null && request.places.length > 0) return { ok: false, reason: rigid };
  for (const { index, start, size } of request.places) {
    const at = (index - 1) * header.entryBytes;
    putU64(entries, at + 32, start / sector);
    putU64(entries, at + 40, (start + size) / sector - 1);
  }
  const beyond = used(entries, header.entryBytes).find(({ last }) => last > lastUsable);
  if (beyond !== undefined) {
    const reason = `partition ${beyond.number} ends beyond what the disk can hold`;
    return { ok: false, reason };
  }

  const padded = new Uint8Array(entrySectors * sector);
  padded.set(entries);
  const firstUsable = u64(header.sector, 40);
  const firstEntriesLba = header.lba === 1 ? header.entriesAt / sector : 2;
  const headerAt = (own: number, other: number, entriesLba: number): Uint8Array => {
    const out = new Uint8Array(header.sector);
    putPlaces(out, { own, other, entries: entriesLba, firstUsable, lastUsable }, entries);
    return out;
  };
  const writes: TableWrite[] = [
    { offset: backupEntriesLba * sector, data: padded },
    { offset: lastLba * sector, data: headerAt(lastLba, 1, backupEntriesLba) },
    ...(await formerBackup(source, request.formerBytes, { ...found, backupEntriesLba })),
    { offset: firstEntriesLba * sector, data: padded },
    { offset: sector, data: headerAt(1, lastLba, firstEntriesLba) },
    ...protectiveMbr(source, mbr),
  ];
  const notes = await faultsOf(source, request.formerBytes, found, mbr);
  return { ok: true, value: { writes, rigid, endBytes: (lastUsable + 1) * sector, notes } };
}

/** What was lost of a table that is whole now. */
async function faultsOf(
  source: TableSource,
  formerBytes: number,
  { header }: FoundGpt,
  mbr: FirstSector,
): Promise<string[]> {
  const { logicalSector, diskBytes } = source;
  const notes: string[] = [];
  if (header.lba !== 1) {
    notes.push("the primary GPT was damaged or missing, and was made anew from its backup");
  } else if ((header.otherLba + 1) * logicalSector <= diskBytes) {
    const other = await readHeader(source, header.otherLba);
    if (other === null || (await readEntries(source, other)) === null) {
      notes.push("the backup GPT was damaged or missing, and was made anew");
    }
  }
  const formerSectors = Math.min(Math.floor(formerBytes / logicalSector) - 1, 0xffff_ffff);
  const { count } = mbr.records[mbr.protectiveAt] ?? { count: formerSectors };
  // UEFI 2.10, 5.2.3; some tools write the largest number whatever the disk's size is.
  if (mbr.kind === "protective" && count !== formerSectors && count !== 0xffff_ffff) {
    notes.push(`the protective MBR covered ${count} sectors instead of ${formerSectors}`);
  }
  return notes;
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

/** Zeros over the backup of the former, smaller disk, unless a partition lies there: nobody is to find it. */
async function formerBackup(
  source: TableSource,
  formerBytes: number,
  { header, entries, backupEntriesLba }: FoundGpt & { readonly backupEntriesLba: number },
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
  // On a disk that is larger by a few sectors, the new backup lies over the former one.
  const end = Math.min(lba + 1, backupEntriesLba);
  if (end <= first) return [];
  return [{ offset: first * sector, data: new Uint8Array((end - first) * sector) }];
}

/** The partitions' last LBAs, by their number. */
const used = (entries: Uint8Array, entryBytes: number): { number: number; last: number }[] =>
  [...usedEntries(entries, entryBytes)].map(([number, entry]) => ({
    number,
    last: u64(entry, 40),
  }));

export interface FirstSector {
  /** A copy. */
  readonly data: Uint8Array;
  readonly records: readonly MbrRecord[];
  readonly protectiveAt: number;
  /** A hybrid one names partitions beside the record that protects the GPT. */
  readonly kind: "protective" | "hybrid" | "other";
}

/** Why a GPT beside such an MBR is not changed: the two would tell different sizes of a partition. */
export const mbrReasons: Readonly<Partial<Record<FirstSector["kind"], string>>> = {
  hybrid: "the MBR is a hybrid one, which names partitions of the GPT as well",
  other: "the MBR beside the GPT is no protective one",
};

export async function readFirstSector(source: TableSource): Promise<FirstSector> {
  const data = new Uint8Array(await source.read(0, source.logicalSector));
  const records = mbrRecords(data);
  const protectiveAt = records.findIndex(({ type }) => type === 0xee);
  const isAlone = records.filter(({ type }) => type !== 0).length === 1;
  const kind = protectiveAt === -1 ? "other" : isAlone ? "protective" : "hybrid";
  return { data, records, protectiveAt, kind };
}

/** UEFI 2.10, 5.2.3: one record over the whole disk. Another MBR stays. */
function protectiveMbr(
  { logicalSector, diskBytes }: TableSource,
  { data, kind, protectiveAt }: FirstSector,
): TableWrite[] {
  if (kind !== "protective") return [];
  const sectors = Math.floor(diskBytes / logicalSector) - 1;
  setRecordCount(data, 446 + 16 * protectiveAt, Math.min(sectors, 0xffff_ffff));
  return [{ offset: 0, data }];
}
