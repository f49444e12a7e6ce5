/**
 * Where a scanner (libblkid, mdadm, LVM, ZFS, the firmware) looks for what a disk or a partition holds.
 * An image leaves out what its file systems do not use; what an older system wrote there would still be
 * found, and taken for what the partition is.
 */
import { bsdPartitions } from "../../core/image/bsd-label.ts";
import { type ByteSource, partOf } from "../../core/image/byte-source.ts";
import { type Extent, endOf, inPieces, shifted, union, without } from "../../core/image/extents.ts";
import { readPhysicalVolume } from "../../core/image/lvm.ts";
import type { IndexEntry, Manifest, PartitionRecord } from "../../core/image/types.ts";
import { chunkBytes, chunkLengthAt } from "../../core/units/units.ts";
import type { DiskRange } from "./boot-area.ts";

/**
 * From the start: md 1.1 and 1.2, LVM, swap of every page size, bcache, UDF, VMFS, ZFS (512 KiB), btrfs
 * (64 KiB); the farthest is the last place of LUKS2's second header, at 4 MiB.
 */
const headBytes = 5 << 20;
/**
 * Up to the end: md 0.90 and 1.0, ZFS (512 KiB), the backup GPT; the farthest is Promise's RAID, 3087
 * sectors before it.
 */
const tailBytes = 2 << 20;
/** The last partition of a fitted disk ends less than 2 MiB before the disk does. */
const diskTailBytes = 2 * tailBytes;
/** Copies of btrfs' superblock (its on-disk format); the first lies in the head. */
const btrfsCopies: readonly Extent[] = [
  { start: 64 * 2 ** 20, length: 4096 },
  { start: 256 * 2 ** 30, length: 4096 },
];

/**
 * Those places of the target, of the disk and of each partition, that the image has nothing for: they
 * hold nothing on the master that anything uses. In the disk's order, whole sectors.
 */
export function oldSignaturesOf(options: {
  readonly image: Pick<Manifest, "diskBytes" | "partitions">;
  readonly entries: readonly Pick<IndexEntry, "chunkIndex">[];
  readonly targetBytes: number;
}): DiskRange[] {
  const { image, entries, targetBytes } = options;
  const { diskBytes, partitions } = image;
  const places = partitions.flatMap(({ start, size }) => signaturePlaces(start, size));
  const wanted = union([...places, ...endsOf(0, targetBytes, diskTailBytes)]);
  return without(wanted, heldOf(entries, diskBytes))
    .map(({ start, length }) => ({
      offset: start,
      length: Math.min(length, targetBytes - start),
    }))
    .filter(({ length }) => length > 0);
}

/**
 * As `oldSignaturesOf`, of the volumes that lie in partitions: `copy` tells of them once the image is on the disk.
 * Those that are not linear an image has as a whole.
 */
export async function oldSignaturesInVolumes(
  copy: ByteSource,
  options: {
    readonly image: Pick<Manifest, "diskBytes" | "partitions">;
    readonly entries: readonly Pick<IndexEntry, "chunkIndex">[];
    /** Of the disk, in bytes. */
    readonly logicalSector: number;
  },
): Promise<DiskRange[]> {
  const { image, entries, logicalSector } = options;
  const wanted: Extent[] = [];
  for (const partition of image.partitions) {
    const { start, size } = partition;
    wanted.push(...shifted(await placesInside(partition, partOf(copy, start, size)), start));
  }
  if (wanted.length === 0) return [];
  return without(union(wanted), heldOf(entries, image.diskBytes))
    .map((place) => {
      // Volumes may begin between two sectors of a disk that has large ones.
      const offset = Math.ceil(place.start / logicalSector) * logicalSector;
      return { offset, length: Math.floor(endOf(place) / logicalSector) * logicalSector - offset };
    })
    .filter(({ length }) => length > 0);
}

/** In bytes from the partition's start. */
async function placesInside(
  { fs }: Pick<PartitionRecord, "fs">,
  source: ByteSource,
): Promise<Extent[]> {
  if (fs === "bsd") {
    const slice = await bsdPartitions(source);
    return slice.ok ? slice.value.flatMap((each) => signaturePlaces(each.start, each.length)) : [];
  }
  if (fs !== "LVM2_member") return [];
  const physical = await readPhysicalVolume(source);
  if (!physical.ok) return [];
  return physical.value.logicalVolumes.flatMap(({ isLinear, parts }) => {
    const size = parts.reduce((sum, { length }) => sum + length, 0);
    return isLinear ? inPieces(signaturePlaces(0, size), parts) : [];
  });
}

/** The chunks of the entries, which are in the disk's order: those that touch as one. */
function heldOf(
  entries: readonly Pick<IndexEntry, "chunkIndex">[],
  diskBytes: number,
): readonly Extent[] {
  const held: { readonly start: number; length: number }[] = [];
  for (const { chunkIndex } of entries) {
    const start = chunkIndex * chunkBytes;
    const length = chunkLengthAt(chunkIndex, diskBytes);
    const last = held.at(-1);
    if (last !== undefined && endOf(last) === start) last.length += length;
    else held.push({ start, length });
  }
  return held;
}

/** Where a scanner looks in a partition or volume, as extents of the disk that `start` counts on. */
export function signaturePlaces(start: number, size: number): Extent[] {
  const copies = btrfsCopies.map((copy) => ({ ...copy, start: start + copy.start }));
  const inside = copies.filter((copy) => endOf(copy) <= start + size);
  return union([...endsOf(start, size, tailBytes), ...inside]);
}

const endsOf = (start: number, size: number, tail: number): Extent[] => [
  { start, length: Math.min(size, headBytes) },
  { start: start + Math.max(0, size - tail), length: Math.min(size, tail) },
];
