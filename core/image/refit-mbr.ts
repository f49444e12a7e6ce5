/** An MBR whose last partition grows; if that is a logical one, the extended one around it as well. */
import type { Decoded } from "../errors.ts";
import { u32 } from "./byte-source.ts";
import { extendedTypes, type MbrRecord, mbrRecords } from "./mbr.ts";
import type { TableSource } from "./partition-table.ts";
import {
  grownEnd,
  noRoom,
  type Refit,
  type RefitRequest,
  setRecordCount,
  type TableWrite,
} from "./table-write.ts";

/** Starts and lengths have 32 bits. */
const sectorLimit = 2 ** 32 - 1;
const recordAt = (index: number): number => 446 + 16 * index;
/** Of a chain that leads in circles. */
const chainLimit = 128;

export async function refitMbr(
  source: TableSource,
  request: RefitRequest,
): Promise<Decoded<Refit>> {
  const left = (whyNot: string | null): Decoded<Refit> => ({
    ok: true,
    value: { writes: [], grown: null, whyNot, notes: [] },
  });
  const { grow } = request;
  const { logicalSector: sector, diskBytes } = source;
  if (grow === null) return left(null);
  const endLba = Math.min(grownEnd(diskBytes) / sector, sectorLimit);
  if (endLba * sector <= grow.start + grow.size) return left(noRoom);
  const grown = { ...grow, size: endLba * sector - grow.start };
  const grownTo = { grown, whyNot: null, notes: [] };
  const mbr = new Uint8Array(await source.read(0, sector));
  const records = mbrRecords(mbr);
  const firstLba = grow.start / sector;
  const primary = records.findIndex(
    ({ type, first }) => type !== 0 && !extendedTypes.has(type) && first === firstLba,
  );
  if (primary !== -1) {
    setRecordCount(mbr, recordAt(primary), endLba - firstLba);
    return { ok: true, value: { writes: [{ offset: 0, data: mbr }], ...grownTo } };
  }
  const extendedAt = records.findIndex(({ type, count }) => extendedTypes.has(type) && count > 0);
  const extended = records[extendedAt];
  const lost = `the partition table does not lead to partition ${grow.index}`;
  if (extended === undefined) return left(lost);
  const chain = await growLogical(source, extended, firstLba, endLba);
  if (chain === null) return left(lost);
  setRecordCount(mbr, recordAt(extendedAt), endLba - extended.first);
  return { ok: true, value: { writes: [...chain, { offset: 0, data: mbr }], ...grownTo } };
}

/**
 * The EBR of the partition, and the link to it in the one before, whose length covers EBR and
 * partition. null when the chain does not lead there.
 */
async function growLogical(
  source: TableSource,
  extended: MbrRecord,
  firstLba: number,
  endLba: number,
): Promise<TableWrite[] | null> {
  const { logicalSector: sector, diskBytes } = source;
  let before: TableWrite | null = null;
  let ebr = extended.first;
  for (let steps = 0; steps < chainLimit && (ebr + 1) * sector <= diskBytes; steps++) {
    const data = new Uint8Array(await source.read(ebr * sector, sector));
    const [own, next] = mbrRecords(data) as [MbrRecord, MbrRecord, MbrRecord, MbrRecord];
    if (own.type !== 0 && ebr + own.first === firstLba) {
      setRecordCount(data, recordAt(0), endLba - firstLba);
      if (before !== null) {
        const link = extended.first + u32(before.data, recordAt(1) + 8);
        setRecordCount(before.data, recordAt(1), endLba - link);
      }
      return [{ offset: ebr * sector, data }, ...(before === null ? [] : [before])];
    }
    if (next.type === 0 || next.count === 0) return null;
    before = { offset: ebr * sector, data };
    ebr = extended.first + next.first;
  }
  return null;
}
