/**
 * Whether an image of a disk with sectors of one size can go to a disk with sectors of another, as far as its
 * manifest tells. The rest is told by what is in it: `sector-change.ts`.
 */
import { biosBoot, microsoftReserved } from "./layout.ts";
import type { Manifest, PartitionRecord } from "./types.ts";

export type SectorShape = Pick<
  Manifest,
  "diskBytes" | "logicalSector" | "partitionTable" | "partitions"
>;

/** By blkid's name: they count in blocks of their own, or can be made to count in other sectors. */
const convertible = new Set([
  "ext2",
  "ext3",
  "ext4",
  "xfs",
  "btrfs",
  "swap",
  "LVM2_member",
  "vfat",
]);
/** Nothing in them counts in sectors, or nothing is in them. */
const bare = new Set([biosBoot, microsoftReserved]);
/** Of those that do not, in words that follow the partition's name. */
const reasons: Readonly<Record<string, string>> = {
  ntfs: "counts in the sectors of its master's disk, and Windows takes it on no other",
  exfat: "counts in the sectors of its master's disk",
  BitLocker: "is encrypted, so that what it counts in cannot be told",
  crypto_LUKS: "is encrypted, so that what it counts in cannot be told",
};

/** Why the image cannot be made to fit sectors of `sector` bytes, in words; null: its manifest names no reason. */
export function sectorMisfitOf(image: SectorShape, sector: number): string | null {
  const { diskBytes, logicalSector, partitions } = image;
  if (sector === logicalSector) return null;
  for (const partition of partitions) {
    const reason = misfitOfPartition(partition, sector);
    if (reason !== null) return `${partitionText(partition)} ${reason}`;
  }
  if (diskBytes % sector === 0) return null;
  return `the image's disk of ${diskBytes} bytes is no whole number of them`;
}

function misfitOfPartition(
  { type, fs, start, size, mode }: PartitionRecord,
  sector: number,
): string | null {
  const isConvertible = convertible.has(fs ?? "") || bare.has(type) || mode === "skipped";
  if (!isConvertible) {
    return reasons[fs ?? ""] ?? `has ${fs ?? "no file system"} that is not known to fit them`;
  }
  if (start % sector !== 0) return `begins at byte ${start}, which is no multiple of ${sector}`;
  const end = start + size;
  return end % sector === 0 ? null : `ends at byte ${end}, which is no multiple of ${sector}`;
}

/** `partition 3 (ntfs "Windows")`; without a table, the disk. */
export function partitionText({
  index,
  fs,
  label,
}: Pick<PartitionRecord, "index" | "fs" | "label">): string {
  const name = [fs, label === null ? null : `"${label}"`].filter((each) => each !== null).join(" ");
  const what = index === 0 ? "the disk" : `partition ${index}`;
  return name === "" ? what : `${what} (${name})`;
}
