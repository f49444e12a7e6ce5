/** An MBR and its chain of EBRs, made from what a table is said to be. */
import { putU32 } from "./little-endian.ts";
import type { DumpedPartition } from "./sfdisk-dump.ts";

/** Bytes that belong at a place of the disk. */
export interface PlacedBytes {
  readonly offset: number;
  readonly data: Uint8Array;
}

const extendedTypes = new Set(["0x05", "0x0f", "0x85"]);
export const isExtended = ({ type }: DumpedPartition): boolean => extendedTypes.has(type);

/** Where the four entries are, and the signature behind them. */
const entriesAt = 446;
/** Tools leave 1 MiB before a logical partition for its EBR. */
const usualGapSectors = 2048;

/** The first sector: boot code and disk signature of `before`, and the primary entries. */
export function mbrSector(before: Uint8Array, partitions: readonly DumpedPartition[]): Uint8Array {
  // A copy, which `slice` of a Buffer is not.
  const sector = new Uint8Array(before.subarray(0, 512));
  for (const at of [0, 1, 2, 3]) {
    const wanted = partitions.find(({ index }) => index === at + 1);
    const entry = sector.subarray(entriesAt + at * 16, entriesAt + at * 16 + 16);
    const written = mbrEntry(wanted, 0);
    // Its own bytes are kept where they say the same: their CHS fields may matter to an old BIOS.
    const same = [0, 4, 8, 9, 10, 11, 12, 13, 14, 15].every(
      (byte) => entry[byte] === written[byte],
    );
    if (!same) entry.set(written);
  }
  sector.set([0x55, 0xaa], 510);
  return sector;
}

/**
 * The EBRs of the logical partitions (numbers from 5). null when one has no room for its EBR before it,
 * or lies outside of the extended partition.
 */
export function ebrChain(
  partitions: readonly DumpedPartition[],
  logicalSector: number,
): PlacedBytes[] | null {
  const logical = partitions
    .filter(({ index }) => index >= 5)
    .sort((one, other) => one.index - other.index);
  if (logical.length === 0) return [];
  const extended = partitions.find(isExtended);
  if (extended === undefined) return null;
  const places: number[] = [];
  for (const [at, { start, count }] of logical.entries()) {
    const ends = partitions
      .filter((each) => each.index >= 5 && each.start < start)
      .map((each) => each.start + each.count);
    // The first sector has the EBR of the chain's first partition, which may lie behind others.
    const free = Math.max(extended.start + 1, ...ends);
    const place = at === 0 ? extended.start : Math.max(free, start - usualGapSectors);
    if (place >= start || places.includes(place)) return null;
    if (start + count > extended.start + extended.count) return null;
    places.push(place);
  }
  return logical.map((partition, at) => {
    const sector = new Uint8Array(logicalSector);
    const place = places[at] as number;
    sector.set(mbrEntry(partition, place), entriesAt);
    const next = logical[at + 1];
    if (next !== undefined) {
      const nextPlace = places[at + 1] as number;
      const link = {
        ...next,
        type: "0x05",
        isBootable: false,
        start: nextPlace,
        count: next.start + next.count - nextPlace,
      };
      sector.set(mbrEntry(link, extended.start), entriesAt + 16);
    }
    sector.set([0x55, 0xaa], 510);
    return { offset: place * logicalSector, data: sector };
  });
}

function mbrEntry(partition: DumpedPartition | undefined, base: number): Uint8Array {
  const entry = new Uint8Array(16);
  if (partition === undefined) return entry;
  const { start, count } = partition;
  entry[0] = partition.isBootable ? 0x80 : 0;
  entry.set(chs(start), 1);
  entry[4] = Number(partition.type);
  entry.set(chs(start + count - 1), 5);
  putU32(entry, 8, start - base);
  putU32(entry, 12, count);
  return entry;
}

/** Cylinder, head and sector by the geometry that every tool takes for large disks, 255 heads and 63 sectors. */
function chs(sector: number): readonly [number, number, number] {
  const cylinder = Math.floor(sector / (255 * 63));
  // Beyond what the fields can say: "see the LBA".
  if (cylinder > 1023) return [0xfe, 0xff, 0xff];
  const head = Math.floor(sector / 63) % 255;
  return [head, (sector % 63) + 1 + ((cylinder >> 8) << 6), cylinder & 0xff];
}
