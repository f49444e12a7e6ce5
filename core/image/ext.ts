/**
 * The used blocks of an ext2, ext3 or ext4, from the bitmaps of its groups
 * (Documentation/filesystems/ext4: super.rst, group_descr.rst, blockgroup.rst). partclone takes two
 * seconds for the same, looks only at whole devices, and takes inode tables along that were never
 * written, with whatever was there before.
 */
import type { Decoded } from "../errors.ts";
import { bitAt } from "../units/bits.ts";
import { type ByteSource, u16, u32 } from "./byte-source.ts";
import { type Extent, endOf, union } from "./extents.ts";

const superblockAt = 1024;
const magic = 0xef53;
// Of the superblock: offset, field
const sb = {
  blocksLow: 0x4,
  firstDataBlock: 0x14,
  logBlockBytes: 0x18,
  logClusterBytes: 0x1c,
  blocksPerGroup: 0x20,
  clustersPerGroup: 0x24,
  inodesPerGroup: 0x28,
  magic: 0x38,
  inodeBytes: 0x58,
  compatible: 0x5c,
  incompatible: 0x60,
  readOnlyCompatible: 0x64,
  reservedDescriptorBlocks: 0xce,
  descriptorBytes: 0xfe,
  firstMetaGroup: 0x104,
  blocksHigh: 0x150,
  backupGroups: 0x24c,
} as const;

// Of a group's descriptor; the upper halves are there with the feature `bit64`.
const gd = {
  blockBitmap: 0x0,
  inodeBitmap: 0x4,
  inodeTable: 0x8,
  freeBlocks: 0xc,
  flags: 0x12,
  unusedInodes: 0x1c,
  high: 0x20,
  freeBlocksHigh: 0x2c,
  unusedInodesHigh: 0x32,
} as const;
const groupFlag = { inodesUnset: 1, blocksUnset: 2, inodesZeroed: 4 } as const;

const metaGroups = 0x10;
const bit64 = 0x80;
/** File types, extents, 64 bit, MMP, flexible groups, and what concerns single files. */
const knownIncompatible =
  0x2 | 0x40 | metaGroups | bit64 | 0x100 | 0x200 | 0x400 | 0x2000 | 0x4000 | 0x8000 | 0x30000;
/** Sparse backups, sizes and counts of files, checksums, quotas, clusters, shared blocks, orphans. */
const knownReadOnly = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x20 | 0x40 | 0x100 | 0x200 | 0x400 | 0x1f000;
const sparseBackups = 0x1;
const bigClusters = 0x200;
const groupChecksums = 0x10 | 0x400;
/** In `compatible`: backups in two groups only. */
const twoBackups = 0x200;
/** 16 TiB in groups of 32 MiB. */
const groupLimit = 1 << 19;

/** Up to the end of the superblock. */
export const extHeadBytes = 2 * superblockAt;

/** Whether `head`, of that length, is that of one of them. */
export const isExt = (head: Uint8Array): boolean => u16(head, superblockAt + sb.magic) === magic;

/**
 * Relative to the partition, in order; the boot block and what lies after the file system count as
 * used. Fails if anything is inconsistent: then its map cannot be trusted.
 */
export async function extUse(source: ByteSource): Promise<Decoded<Extent[]>> {
  if (source.size < extHeadBytes) return damaged("it has no superblock");
  const layout = layoutOf(await source.read(superblockAt, 1024), source.size);
  if (typeof layout === "string") return damaged(layout);
  const { blockBytes, firstDataBlock, blockCount, groupCount, blocksPerGroup, inodeTableBlocks } =
    layout;
  const used: Extent[] = [];
  const useBlocks = (first: number, count: number): void => {
    used.push({ start: first * blockBytes, length: count * blockBytes });
  };
  // Unused parts of inode tables that nobody has set to zero yet.
  const unset: Extent[] = [];
  // Groups whose bitmap was never written: nothing but what belongs to groups is in them.
  const bare: { group: number; first: number; count: number; freeCount: number }[] = [];
  useBlocks(0, firstDataBlock);
  for (let group = 0; group < groupCount; group++) {
    const descriptor = await readDescriptor(source, layout, group);
    const bad = damaged(`group ${group} is damaged`);
    if (descriptor === null) return bad;
    const { blockBitmap, inodeBitmap, inodeTable, flags, freeClusters, unusedInodes } = descriptor;
    const ownBlocks = [blockBitmap, inodeBitmap, inodeTable + inodeTableBlocks - 1];
    if (ownBlocks.some((block) => block >= blockCount)) return bad;
    useBlocks(blockBitmap, 1);
    useBlocks(inodeBitmap, 1);
    useBlocks(inodeTable, inodeTableBlocks);
    const unusedBlocks = Math.floor((unusedInodes * layout.inodeBytes) / blockBytes);
    if (unusedBlocks > inodeTableBlocks) return bad;
    if ((flags & groupFlag.inodesZeroed) === 0 && unusedBlocks > 0) {
      const first = inodeTable + inodeTableBlocks - unusedBlocks;
      unset.push({ start: first * blockBytes, length: unusedBlocks * blockBytes });
    }
    const first = firstDataBlock + group * blocksPerGroup;
    const count = Math.min(blocksPerGroup, blockCount - first);
    if ((flags & groupFlag.blocksUnset) !== 0) {
      useBlocks(first, Math.min(backupBlocksOf(layout, group), count));
      bare.push({ group, first, count, freeCount: freeClusters * layout.clusterBlocks });
      continue;
    }
    const bits = await source.read(blockBitmap * blockBytes, blockBytes);
    const clusterCount = Math.ceil(count / layout.clusterBlocks);
    const freeCount = eachUsedRun(bits, clusterCount, (from, to) =>
      useBlocks(
        first + from * layout.clusterBlocks,
        Math.min(to * layout.clusterBlocks, count) - from * layout.clusterBlocks,
      ),
    );
    // The file system counts them itself, independently of the bitmap.
    if (freeCount !== freeClusters) return bad;
  }
  const end = blockCount * blockBytes;
  used.push({ start: end, length: source.size - end });
  const merged = union(used);
  let next = 0;
  for (const { group, first, count, freeCount } of bare) {
    const [from, to] = [first * blockBytes, (first + count) * blockBytes];
    while (next < merged.length && endOf(merged[next] as Extent) <= from) next++;
    let usedBytes = 0;
    for (let at = next; at < merged.length && (merged[at] as Extent).start < to; at++) {
      const extent = merged[at] as Extent;
      usedBytes += Math.min(endOf(extent), to) - Math.max(extent.start, from);
    }
    // In clusters there is less free than in blocks.
    const free = count - usedBytes / blockBytes;
    const isRight = layout.clusterBlocks === 1 ? free === freeCount : free >= freeCount;
    if (!isRight) return damaged(`group ${group} is damaged`);
  }
  return { ok: true, value: without(merged, union(unset)) };
}

const damaged = (reason: string): { readonly ok: false; readonly reason: string } => ({
  ok: false,
  reason,
});

interface Layout {
  readonly blockBytes: number;
  readonly firstDataBlock: number;
  readonly blockCount: number;
  readonly groupCount: number;
  readonly blocksPerGroup: number;
  readonly clusterBlocks: number;
  readonly inodeBytes: number;
  readonly inodeTableBlocks: number;
  readonly descriptorBytes: number;
  readonly hasHigh: boolean;
  readonly hasUnset: boolean;
  /** Groups from it on have their descriptors among themselves. */
  readonly firstMetaGroup: number;
  readonly reservedBlocks: number;
  hasBackup(group: number): boolean;
}

function layoutOf(data: Uint8Array, size: number): Layout | string {
  const senseless = "its superblock is damaged";
  const incompatible = u32(data, sb.incompatible);
  const readOnly = u32(data, sb.readOnlyCompatible);
  if (u16(data, sb.magic) !== magic) return "it has no superblock";
  const isKnown = (incompatible & ~knownIncompatible) === 0 && (readOnly & ~knownReadOnly) === 0;
  if (!isKnown) return "it has features that are not known";
  if (u32(data, sb.logBlockBytes) > 6 || u32(data, sb.logClusterBytes) > 19) return senseless;
  const blockBytes = 1024 << u32(data, sb.logBlockBytes);
  const hasClusters = (readOnly & bigClusters) !== 0;
  const clusterBlocks = hasClusters ? (1024 << u32(data, sb.logClusterBytes)) / blockBytes : 1;
  const hasHigh = (incompatible & bit64) !== 0;
  const blockCount = u32(data, sb.blocksLow) + (hasHigh ? u32(data, sb.blocksHigh) * 2 ** 32 : 0);
  const firstDataBlock = u32(data, sb.firstDataBlock);
  const blocksPerGroup = u32(data, sb.blocksPerGroup);
  const clustersPerGroup = hasClusters ? u32(data, sb.clustersPerGroup) : blocksPerGroup;
  const groupCount = Math.ceil((blockCount - firstDataBlock) / blocksPerGroup);
  const inodeBytes = u16(data, sb.inodeBytes) || 128;
  const inodeTableBlocks = Math.ceil((u32(data, sb.inodesPerGroup) * inodeBytes) / blockBytes);
  const descriptorBytes = hasHigh ? u16(data, sb.descriptorBytes) : 32;
  const isSane =
    clusterBlocks >= 1 &&
    firstDataBlock <= 1 &&
    blocksPerGroup > 0 &&
    clustersPerGroup * clusterBlocks === blocksPerGroup &&
    clustersPerGroup <= blockBytes * 8 &&
    groupCount > 0 &&
    groupCount <= groupLimit &&
    blockCount * blockBytes <= size &&
    inodeTableBlocks > 0 &&
    inodeTableBlocks <= blocksPerGroup &&
    descriptorBytes >= (hasHigh ? 64 : 32) &&
    descriptorBytes <= blockBytes &&
    blockBytes % descriptorBytes === 0;
  if (!isSane) return senseless;
  const hasMetaGroups = (incompatible & metaGroups) !== 0;
  const backups = [u32(data, sb.backupGroups), u32(data, sb.backupGroups + 4)];
  const hasTwo = (u32(data, sb.compatible) & twoBackups) !== 0;
  const hasSparse = (readOnly & sparseBackups) !== 0;
  return {
    blockBytes,
    firstDataBlock,
    blockCount,
    groupCount,
    blocksPerGroup,
    clusterBlocks,
    inodeBytes,
    inodeTableBlocks,
    descriptorBytes,
    hasHigh,
    hasUnset: (readOnly & groupChecksums) !== 0,
    firstMetaGroup: hasMetaGroups ? u32(data, sb.firstMetaGroup) : Number.POSITIVE_INFINITY,
    reservedBlocks: u16(data, sb.reservedDescriptorBlocks),
    hasBackup(group) {
      if (group === 0) return true;
      if (hasTwo) return backups.includes(group);
      return !hasSparse || group === 1 || [3, 5, 7].some((base) => isPower(group, base));
    },
  };
}

function isPower(value: number, base: number): boolean {
  let power = base;
  while (power < value) power *= base;
  return power === value;
}

interface Descriptor {
  readonly blockBitmap: number;
  readonly inodeBitmap: number;
  readonly inodeTable: number;
  readonly flags: number;
  readonly freeClusters: number;
  readonly unusedInodes: number;
}

async function readDescriptor(
  source: ByteSource,
  layout: Layout,
  group: number,
): Promise<Descriptor | null> {
  const { blockBytes, descriptorBytes, hasHigh, firstDataBlock, blocksPerGroup } = layout;
  const perBlock = blockBytes / descriptorBytes;
  const metaGroup = Math.floor(group / perBlock);
  // Behind the superblock, which with blocks of 1 KiB is in the second, whatever the first of data is.
  let block = (blockBytes === 1024 ? 2 : 1) + metaGroup;
  if (metaGroup >= layout.firstMetaGroup) {
    const firstOfMeta = metaGroup * perBlock;
    const after = layout.hasBackup(firstOfMeta) ? 1 : 0;
    block = firstDataBlock + firstOfMeta * blocksPerGroup + after;
  }
  const at = block * blockBytes + (group % perBlock) * descriptorBytes;
  if (at + descriptorBytes > source.size) return null;
  const data = await source.read(at, descriptorBytes);
  const place = (field: number): number =>
    u32(data, field) + (hasHigh ? u32(data, field + gd.high) * 2 ** 32 : 0);
  const count = (low: number, high: number): number =>
    u16(data, low) + (hasHigh ? u16(data, high) * 2 ** 16 : 0);
  const flags = layout.hasUnset ? u16(data, gd.flags) : groupFlag.inodesZeroed;
  const allInodes = (layout.inodeTableBlocks * blockBytes) / layout.inodeBytes;
  return {
    blockBitmap: place(gd.blockBitmap),
    inodeBitmap: place(gd.inodeBitmap),
    inodeTable: place(gd.inodeTable),
    flags,
    freeClusters: count(gd.freeBlocks, gd.freeBlocksHigh),
    unusedInodes:
      (flags & groupFlag.inodesUnset) !== 0
        ? allInodes
        : count(gd.unusedInodes, gd.unusedInodesHigh),
  };
}

/** Blocks of the superblock's and the descriptors' copies at a group's start. */
function backupBlocksOf(layout: Layout, group: number): number {
  const { blockBytes, descriptorBytes, groupCount, firstMetaGroup } = layout;
  const perBlock = blockBytes / descriptorBytes;
  const copy = layout.hasBackup(group) ? 1 : 0;
  const metaGroup = Math.floor(group / perBlock);
  // Of a meta group, the first, second and last group have a block of descriptors.
  const place = group % perBlock;
  if (metaGroup >= firstMetaGroup) {
    return copy + (place <= 1 || place === perBlock - 1 ? 1 : 0);
  }
  if (copy === 0) return 0;
  const all = Math.min(Math.ceil(groupCount / perBlock), firstMetaGroup);
  return 1 + all + layout.reservedBlocks;
}

/** Calls `use` for each run of ones; answers the number of zeros. */
function eachUsedRun(
  bits: Uint8Array,
  count: number,
  use: (from: number, to: number) => void,
): number {
  let freeCount = 0;
  let from = -1;
  for (let at = 0; at < count; at++) {
    if (bitAt(bits, at)) {
      if (from < 0) from = at;
      continue;
    }
    if (from >= 0) use(from, at);
    from = -1;
    freeCount++;
  }
  if (from >= 0) use(from, count);
  return freeCount;
}

/** Both in order. */
function without(extents: readonly Extent[], holes: readonly Extent[]): Extent[] {
  const out: Extent[] = [];
  let next = 0;
  for (const { start, length } of extents) {
    const end = start + length;
    let at = start;
    while (next < holes.length && (holes[next] as Extent).start < end) {
      const hole = holes[next] as Extent;
      if (hole.start > at) out.push({ start: at, length: hole.start - at });
      at = Math.max(at, hole.start + hole.length);
      if (hole.start + hole.length > end) break;
      next++;
    }
    if (at < end) out.push({ start: at, length: end - at });
  }
  return out;
}
