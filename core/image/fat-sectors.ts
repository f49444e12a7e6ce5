/**
 * A FAT that counts in sectors of another size: its tables and clusters stay where they are, byte for byte, and
 * what is before them says so in other numbers (Microsoft, "FAT: General Overview of On-Disk Format", 1.03).
 */
import type { Decoded } from "../errors.ts";
import { type ByteSource, u16, u32 } from "./byte-source.ts";
import { bootSectorBytes, bpb, layoutOf } from "./fat-layout.ts";
import { putU16, putU32 } from "./little-endian.ts";
import type { TableWrite } from "./table-write.ts";

/** What is before the tables: 32 sectors are usual. */
const reservedLimit = 1 << 20;
const clusterSectorsLimit = 128;
/** Where FAT32 keeps its count of free clusters, and the usual place of the copy of both. */
const countSector = 1;
const usualCopySector = 6;
const noSector = 0xffff;

export interface FatSectors {
  readonly from: number;
  readonly to: number;
  /** Of the partition, in bytes. */
  readonly start: number;
}

/** What is to be written, in bytes from the volume's start; or why it cannot count so, in words that follow its name. */
export async function fatInSectors(
  source: ByteSource,
  { from, to, start }: FatSectors,
): Promise<Decoded<TableWrite[]>> {
  const refused = (reason: string): Decoded<TableWrite[]> => ({ ok: false, reason });
  if (source.size < bootSectorBytes) return refused("has no boot sector");
  const boot = new Uint8Array(await source.read(0, bootSectorBytes));
  const layout = layoutOf(boot, source.size);
  if (typeof layout === "string") return refused(`cannot be read: ${layout}`);
  const { kind, clusterBytes, clustersAt, tablesAt, tableBytes } = layout;
  const own = u16(boot, bpb.sectorBytes);
  if (own === to) return { ok: true, value: [] };
  const sectorCount = u16(boot, bpb.sectors16) || u32(boot, bpb.sectors32);
  const now = {
    clusterSectors: clusterBytes / to,
    reserved: tablesAt / to,
    tableSectors: tableBytes / to,
    dataSector: clustersAt / to,
    sectors: Math.floor((sectorCount * own) / to),
  };
  const isWhole = [now.clusterSectors, now.reserved, now.tableSectors, now.dataSector].every(
    Number.isInteger,
  );
  const fits =
    isWhole &&
    now.clusterSectors <= clusterSectorsLimit &&
    (kind === 32 || now.tableSectors < 2 ** 16) &&
    now.reserved < 2 ** 16 &&
    now.sectors < 2 ** 32 &&
    tablesAt <= reservedLimit &&
    now.reserved >= (kind === 32 ? 2 : 1);
  if (!fits) {
    return refused(
      `is a FAT with clusters of ${clusterBytes} bytes, and tables of ${tableBytes} that begin at byte ${tablesAt}: it cannot count in sectors of ${to}`,
    );
  }
  const out = new Uint8Array(tablesAt);
  const head = new Uint8Array(boot);
  putU16(head, bpb.sectorBytes, to);
  head[bpb.clusterSectors] = now.clusterSectors;
  putU16(head, bpb.reservedSectors, now.reserved);
  const isShort = kind !== 32 && now.sectors < 2 ** 16;
  putU16(head, bpb.sectors16, isShort ? now.sectors : 0);
  putU32(head, bpb.sectors32, isShort ? 0 : now.sectors);
  if (kind === 32) putU32(head, bpb.tableSectors32, now.tableSectors);
  else putU16(head, bpb.tableSectors16, now.tableSectors);
  // Beyond 32 bits the field is 0, as partitioners have it.
  const isPlaced = u32(head, bpb.hiddenSectors) === start / from;
  if (isPlaced) putU32(head, bpb.hiddenSectors, start / to < 2 ** 32 ? start / to : 0);
  if (kind === 32) {
    const counted = u16(boot, bpb.countSector);
    const hasCount = counted > 0 && counted !== noSector && counted * own < tablesAt;
    const copy = now.reserved > usualCopySector + 1 ? usualCopySector : now.reserved >= 4 ? 2 : 0;
    putU16(head, bpb.countSector, hasCount ? countSector : noSector);
    putU16(head, bpb.copySector, copy);
    if (hasCount) {
      const count = await source.read(counted * own, bootSectorBytes);
      for (const at of new Set([0, copy])) out.set(count, (at + countSector) * to);
    }
    out.set(head, copy * to);
  }
  out.set(head);
  return { ok: true, value: [{ offset: 0, data: out }] };
}
