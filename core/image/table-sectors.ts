/** A partition table written anew for a disk with sectors of another size: every partition keeps its bytes. */
import type { Decoded } from "../errors.ts";
import { u32, u64 } from "./byte-source.ts";
import { type Extent, endOf, union, within, without } from "./extents.ts";
import type { TablePartition, TableSource } from "./found-table.ts";
import {
  type GptHeader,
  placesOf,
  putPlaces,
  readEntries,
  readHeader,
  usedEntries,
} from "./gpt.ts";
import { putU64 } from "./little-endian.ts";
import { mbrRecords, readMbr } from "./mbr.ts";
import type { PartitionTable } from "./partition-table.ts";
import { mbrReasons, readFirstSector } from "./refit-gpt.ts";
import { relaidMbr } from "./shrink-plan.ts";
import { setRecordCount, type TableWrite } from "./table-write.ts";

/** The disk that the table is to be for. */
export interface OtherDisk {
  readonly diskBytes: number;
  readonly logicalSector: number;
}

/** Starts and lengths of an MBR have 32 bits. */
const mbrSectorLimit = 2 ** 32;

/**
 * The writes, in order, that make the table in `source` one of `other`: first zeros over the old one, last what the
 * firmware reads first. Fails with the reason, a sentence's end.
 */
export async function tableInSectors(
  source: TableSource,
  table: PartitionTable,
  other: OtherDisk,
): Promise<Decoded<TableWrite[]>> {
  const [doubtful] = table.doubtful;
  if (table.kind !== "none" && doubtful !== undefined) {
    const reason = `partition ${doubtful} lies over another partition or over the partition table`;
    return { ok: false, reason };
  }
  switch (table.kind) {
    case "none":
      return { ok: true, value: [] };
    case "gpt":
      return gptInSectors(source, table, other);
    case "mbr":
      return mbrInSectors(source, table, other);
  }
}

async function gptInSectors(
  source: TableSource,
  { partitions }: PartitionTable,
  disk: OtherDisk,
): Promise<Decoded<TableWrite[]>> {
  const { logicalSector: from } = source;
  const { logicalSector: to } = disk;
  const refused = (reason: string): Decoded<TableWrite[]> => ({ ok: false, reason });
  const gpt = await readHeader(source, 1);
  const found = gpt === null ? null : await readEntries(source, gpt);
  if (gpt === null || found === null) return refused("the first GPT of the image is damaged");
  const mbr = await readFirstSector(source);
  const hybrid = mbrReasons[mbr.kind];
  if (hybrid !== undefined) return refused(hybrid);
  const headerBytes = u32(gpt.sector, 12);
  if (headerBytes > to) return refused("the GPT's header is longer than a sector");

  const entries = new Uint8Array(found);
  const entrySectors = Math.ceil(entries.length / to);
  const lastLba = Math.floor(disk.diskBytes / to) - 1;
  const backupEntriesLba = lastLba - entrySectors;
  const firstUsable = firstEntriesLba + entrySectors;
  for (const [number, entry] of usedEntries(entries, gpt.entryBytes)) {
    const start = u64(entry, 32) * from;
    const end = (u64(entry, 40) + 1) * from;
    const reason = placeReason({ start, end }, [firstUsable * to, backupEntriesLba * to], to);
    if (reason !== null) return refused(`partition ${number} ${reason}`);
    putU64(entry, 32, start / to);
    putU64(entry, 40, end / to - 1);
  }

  const padded = new Uint8Array(entrySectors * to);
  padded.set(entries);
  const header = (own: number, other: number, entriesLba: number): Uint8Array => {
    const out = new Uint8Array(to);
    out.set(gpt.sector.subarray(0, headerBytes));
    const lastUsable = backupEntriesLba - 1;
    putPlaces(out, { own, other, entries: entriesLba, firstUsable, lastUsable }, entries);
    return out;
  };
  const first = new Uint8Array(to);
  first.set(mbr.data.subarray(0, 512));
  setRecordCount(first, 446 + 16 * mbr.protectiveAt, Math.min(lastLba, 0xffff_ffff));
  const old = [...placesOf(gpt, from), ...(await backupPlaces(source, gpt))];
  const value = [
    ...emptied(old, partitions, disk),
    { offset: backupEntriesLba * to, data: padded },
    { offset: lastLba * to, data: header(lastLba, 1, backupEntriesLba) },
    { offset: firstEntriesLba * to, data: padded },
    { offset: to, data: header(1, lastLba, firstEntriesLba) },
    { offset: 0, data: first },
  ];
  return { ok: true, value };
}

const firstEntriesLba = 2;

/** In words that follow the partition's name; null: it can stay there. */
function placeReason(
  { start, end }: { readonly start: number; readonly end: number },
  [first, limit]: readonly [number, number],
  sector: number,
): string | null {
  if (start % sector !== 0 || end % sector !== 0) {
    return `lies from byte ${start} to ${end}, which are no multiples of ${sector}`;
  }
  if (start < first) return `begins at byte ${start}, and the GPT takes those up to ${first}`;
  return end > limit ? `ends at byte ${end}, and the backup GPT begins at ${limit}` : null;
}

/** Those of the backup, where it is on this disk. */
async function backupPlaces(source: TableSource, { otherLba }: GptHeader): Promise<Extent[]> {
  const { diskBytes, logicalSector } = source;
  const isInside = otherLba > 1 && (otherLba + 1) * logicalSector <= diskBytes;
  const backup = isInside ? await readHeader(source, otherLba) : null;
  return backup === null ? [] : placesOf(backup, logicalSector);
}

/** Zeros over what nobody is to find any more, in whole sectors, but for the first one and what partitions have. */
function emptied(
  old: readonly Extent[],
  partitions: readonly TablePartition[],
  { diskBytes, logicalSector: to }: OtherDisk,
): TableWrite[] {
  const whole = old.map((extent) => {
    const start = Math.floor(extent.start / to) * to;
    return { start, length: Math.ceil(endOf(extent) / to) * to - start };
  });
  const taken = union(partitions.map(({ start, size }) => ({ start, length: size })));
  const free = within(without(union(whole), taken), { start: to, length: diskBytes - to });
  return free.map(({ start, length }) => ({ offset: start, data: new Uint8Array(length) }));
}

async function mbrInSectors(
  source: TableSource,
  table: PartitionTable,
  other: OtherDisk,
): Promise<Decoded<TableWrite[]>> {
  const { logicalSector: to, diskBytes } = other;
  const refused = (reason: string): Decoded<TableWrite[]> => ({ ok: false, reason });
  const [warning] = table.warnings;
  if (warning !== undefined) return refused(`the partition table is in doubt: ${warning}`);
  const { partitions, extended } = table;
  const places = new Map(partitions.map((each) => [each.index, each]));
  for (const { index, start, size } of partitions) {
    const reason = placeReason({ start, end: start + size }, [to, diskBytes], to);
    if (reason !== null) return refused(`partition ${index} ${reason}`);
    if (start / to >= mbrSectorLimit || size / to >= mbrSectorLimit) {
      return refused(`partition ${index} is beyond what an MBR can name with sectors of ${to}`);
    }
  }
  if (extended !== null) {
    const frame = frameIn(extended, partitions, to);
    if (frame === null) return refused("its extended partition has no room for its chain");
    places.set(extended.index, { ...extended, ...frame });
  }
  const first = await source.read(0, source.logicalSector);
  const relaid = relaidMbr(first, table, places, to);
  if (!relaid.ok) return relaid;
  const { own } = await readMbr(source, mbrRecords(first));
  const writes = relaid.value.map(({ offset, data }) => {
    const sector = new Uint8Array(to);
    sector.set(data);
    return { offset, data: sector };
  });
  return { ok: true, value: [...emptied(own, partitions, other), ...writes] };
}

/** The extended partition begins with an EBR, which takes a whole sector; null: there is no room for it. */
function frameIn(
  extended: TablePartition,
  partitions: readonly TablePartition[],
  to: number,
): Pick<TablePartition, "start" | "size"> | null {
  const inside = partitions.filter(({ index }) => index >= 5);
  const start = Math.floor(extended.start / to) * to;
  const isFree = partitions.every(
    (each) => each.start >= extended.start || each.start + each.size <= start,
  );
  if (inside.length === 0 || start < to || !isFree) return null;
  const end = Math.floor((extended.start + extended.size) / to) * to;
  return { start, size: end - start };
}
