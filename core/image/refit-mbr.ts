/** An MBR whose partitions get other places; a logical one that grows takes the extended one along. */
import type { Decoded } from "../errors.ts";
import { u32 } from "./byte-source.ts";
import type { TablePartition, TableSource } from "./found-table.ts";
import { extendedTypes, type MbrRecord, mbrRecords } from "./mbr.ts";
import {
  type Refit,
  type RefitRequest,
  setRecordCount,
  setRecordPlace,
  type TableWrite,
} from "./table-write.ts";

/** Starts and lengths have 32 bits. */
const sectorLimit = 2 ** 32 - 1;
const recordAt = (index: number): number => 446 + 16 * index;
/** Of a chain that leads in circles. */
const chainLimit = 128;

export async function refitMbr(
  source: TableSource,
  { places }: RefitRequest,
): Promise<Decoded<Refit>> {
  const { logicalSector: sector, diskBytes } = source;
  const endBytes = Math.min(Math.floor(diskBytes / sector), sectorLimit) * sector;
  const done = (writes: TableWrite[]): Decoded<Refit> => ({
    ok: true,
    value: { writes, rigid: null, endBytes, notes: [] },
  });
  if (places.length === 0) return done([]);
  const mbr = new Uint8Array(await source.read(0, sector));
  const writes: TableWrite[] = [];
  for (const place of places) {
    const { index, start, size } = place;
    if (index <= 4) setRecordPlace(mbr, recordAt(index - 1), start / sector, size / sector);
    else {
      const chain = await growLogical(source, mbr, place);
      if (!chain.ok) return chain;
      writes.push(...chain.value);
    }
  }
  return done([...writes, { offset: 0, data: mbr }]);
}

/**
 * The EBR of the logical partition that lies last on the disk, wherever it is in the chain, and the link to it in
 * the one before, whose length covers EBR and partition; the extended one in `mbr`, where they end.
 */
async function growLogical(
  source: TableSource,
  mbr: Uint8Array,
  { index, start, size }: Pick<TablePartition, "index" | "start" | "size">,
): Promise<Decoded<TableWrite[]>> {
  const { logicalSector: sector, diskBytes } = source;
  const lost = {
    ok: false,
    reason: `the partition table does not lead to partition ${index}`,
  } as const;
  const records = mbrRecords(mbr);
  const extendedAt = records.findIndex(({ type, count }) => extendedTypes.has(type) && count > 0);
  const extended = records[extendedAt];
  if (extended === undefined) return lost;
  const firstLba = start / sector;
  const endLba = (start + size) / sector;
  const writes: TableWrite[] = [];
  let before: TableWrite | null = null;
  let ebr = extended.first;
  for (let steps = 0; steps < chainLimit && (ebr + 1) * sector <= diskBytes; steps++) {
    const data = new Uint8Array(await source.read(ebr * sector, sector));
    const [own, next] = mbrRecords(data) as [MbrRecord, MbrRecord, MbrRecord, MbrRecord];
    if (ebr > firstLba) {
      // Of no partition, which would be the last one then.
      const reason = `partition ${index} is a logical one, and a part of the partition table is behind it`;
      return { ok: false, reason };
    }
    if (own.type !== 0 && ebr + own.first === firstLba) {
      setRecordCount(data, recordAt(0), endLba - firstLba);
      writes.push({ offset: ebr * sector, data });
      if (before !== null) {
        const link = extended.first + u32(before.data, recordAt(1) + 8);
        setRecordCount(before.data, recordAt(1), endLba - link);
        writes.push(before);
      }
    }
    if (next.type === 0 || next.count === 0) break;
    before = { offset: ebr * sector, data };
    ebr = extended.first + next.first;
  }
  if (writes.length === 0) return lost;
  setRecordCount(mbr, recordAt(extendedAt), endLba - extended.first);
  return { ok: true, value: writes };
}
