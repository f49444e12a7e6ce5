/**
 * The copy of a disk, made right for a disk with sectors of another size. File systems count in blocks of their own,
 * and need only that these are whole sectors; the partition table and FATs count in sectors, and are written anew.
 */
import type { Decoded } from "../errors.ts";
import { ascii, type ByteSource, partOf, piecesOf, u32 } from "./byte-source.ts";
import { isExt } from "./ext.ts";
import { fatInSectors } from "./fat-sectors.ts";
import { biosBoot, efiSystem } from "./layout.ts";
import { type LogicalVolume, readPhysicalVolume } from "./lvm.ts";
import { readPartitionTable } from "./partition-table.ts";
import { partitionText } from "./partition-text.ts";
import { type SectorShape, sectorMisfitOf } from "./sector-misfit.ts";
import { swapPageBytes } from "./swap.ts";
import { type OtherDisk, tableInSectors } from "./table-sectors.ts";
import { shiftedWrites, type TableWrite } from "./table-write.ts";
import type { PartitionRecord } from "./types.ts";

export interface SectorChange {
  /** In order, whole sectors of the other disk: what the firmware reads first goes last. */
  readonly writes: readonly TableWrite[];
  /** What was done beside the table, and what it means, in words. */
  readonly notes: readonly string[];
}

/**
 * What has to be written once the image is on the other disk, or why it cannot be used there, in words. `source` is
 * the image's disk, or the copy: the answer is the same, so it is asked before a byte is written.
 */
export async function changeSectors(
  image: SectorShape,
  source: ByteSource,
  other: OtherDisk,
): Promise<Decoded<SectorChange>> {
  const { logicalSector, partitionTable, partitions } = image;
  const misfit = sectorMisfitOf(image, other.logicalSector);
  if (misfit !== null) return { ok: false, reason: misfit };
  const writes: TableWrite[] = [];
  const notes: string[] = [];
  for (const partition of partitions) {
    if (partition.mode === "skipped") continue;
    const { start, size, fs } = partition;
    const part = partOf(source, start, size);
    const fat =
      fs === "vfat"
        ? await fatInSectors(part, { from: logicalSector, to: other.logicalSector, start })
        : null;
    const reason =
      fat === null ? await contentReason(partition, part, other.logicalSector) : reasonOf(fat);
    if (reason !== null) return { ok: false, reason: `${partitionText(partition)} ${reason}` };
    if (!fat?.ok || fat.value.length === 0) continue;
    writes.push(...shiftedWrites(fat.value, start));
    notes.push(`${partitionText(partition)} counts in sectors of ${other.logicalSector} now`);
  }
  const tableSource = {
    ...{ diskBytes: source.size, logicalSector },
    read: (offset: number, length: number) => source.read(offset, length),
  };
  const table = await readPartitionTable(tableSource);
  if (table.kind !== partitionTable) {
    return { ok: false, reason: "the image's partition table cannot be read" };
  }
  const written = await tableInSectors(tableSource, table, other);
  if (!written.ok) return written;
  return {
    ok: true,
    value: {
      writes: [...writes, ...written.value],
      notes: [...notes, ...bootNotes(image, other.logicalSector)],
    },
  };
}

const reasonOf = (decoded: Decoded<unknown>): string | null => (decoded.ok ? null : decoded.reason);

/** A BIOS reads sectors of 512 bytes, and what boots by it names such sectors. */
function bootNotes({ partitionTable, partitions }: SectorShape, sector: number): string[] {
  if (sector === 512) return [];
  if (!partitions.some(({ type }) => efiSystem.has(type))) {
    return partitionTable === "none"
      ? []
      : [
          "no PC starts from it: a BIOS does so from sectors of 512 bytes only, and for UEFI there is no EFI system partition",
        ];
  }
  return partitions.some(({ type }) => type === biosBoot)
    ? ["a PC starts from it by UEFI only: a BIOS does so from sectors of 512 bytes only"]
    : [];
}

/** Why what is in the partition does not fit such sectors, in words that follow its name, or null. */
async function contentReason(
  { fs }: PartitionRecord,
  source: ByteSource,
  sector: number,
): Promise<string | null> {
  // Microsoft's reserved partition and GRUB's core image.
  if (fs === null) return null;
  if (fs !== "LVM2_member") return blockReason(await blockOf(source), sector);
  const physical = await readPhysicalVolume(source);
  if (!physical.ok) return `cannot be looked into: ${physical.reason}`;
  const { name, area, logicalVolumes } = physical.value;
  for (const volume of logicalVolumes) {
    const reason = isWhole(volume, area.start, sector)
      ? blockReason(await blockOf(piecesOf(source, volume.parts)), sector)
      : "is not linear, or begins between two sectors";
    if (reason !== null) return `has the volume ${name}/${volume.name}, which ${reason}`;
  }
  return null;
}

const isWhole = ({ isLinear, parts }: LogicalVolume, areaStart: number, sector: number): boolean =>
  isLinear &&
  areaStart % sector === 0 &&
  parts.every(({ start, length }) => start % sector === 0 && length % sector === 0);

function blockReason(block: Block | null, sector: number): string | null {
  if (block === null) return "holds nothing that is known to fit them";
  const { fs, unit, bytes } = block;
  return bytes >= sector ? null : `has ${unit} of ${bytes} bytes, as its ${fs} was made`;
}

interface Block {
  readonly fs: string;
  readonly unit: "blocks" | "sectors";
  readonly bytes: number;
}

/** The superblocks of btrfs, XFS and ext lie in it. */
const headBytes = 68 * 1024;
const btrfsAt = 64 * 1024;

/** The smallest piece that a file system reads or writes; null for one that is not known. */
async function blockOf(source: ByteSource): Promise<Block | null> {
  const head = new Uint8Array(headBytes);
  const length = Math.min(headBytes, source.size);
  head.set(await source.read(0, length));
  // struct btrfs_super_block: sectorsize.
  if (ascii(head, btrfsAt + 0x40, 8) === "_BHRfS_M") {
    return { fs: "btrfs", unit: "blocks", bytes: u32(head, btrfsAt + 0x90) };
  }
  // struct xfs_dsb, big endian: sb_sectsize, and sb_logsectsize where it is set.
  if (ascii(head, 0, 4) === "XFSB") {
    const view = new DataView(head.buffer);
    const [own, log] = [view.getUint16(102), view.getUint16(194)];
    return { fs: "xfs", unit: "sectors", bytes: Math.min(own, log === 0 ? own : log) };
  }
  // struct ext4_super_block: s_log_block_size.
  if (isExt(head)) {
    return { fs: "ext4", unit: "blocks", bytes: 1024 << Math.min(u32(head, 1024 + 0x18), 16) };
  }
  const page = await swapPageBytes(source);
  return page === null ? null : { fs: "swap", unit: "blocks", bytes: page };
}
