/**
 * The used blocks of a btrfs on one device, from its extent tree (the kernel's
 * include/uapi/linux/btrfs_tree.h, little endian). partclone's map rounds to nodes, and counts what
 * lies at an extent's logical address as used as well: deleted files among it.
 */
import type { Decoded } from "../errors.ts";
import { ascii, type ByteSource, u16, u32, u64 } from "./byte-source.ts";
import { crc32c } from "./crc32c.ts";
import { type Extent, endOf, union } from "./extents.ts";

const superblockAt = 65536;
const superblockBytes = 4096;
/** Copies of the superblock (BTRFS_SUPER_MIRROR): as far as the device reaches. */
const mirrors = [64 * 2 ** 20, 256 * 2 ** 30];
/** Boot loaders may use it (BTRFS_DEVICE_RANGE_RESERVED). */
const bootBytes = 2 ** 20;
// Of the superblock: offset, field
const sb = {
  bytenr: 0x30,
  magic: 0x40,
  root: 0x50,
  chunkRoot: 0x58,
  bytesUsed: 0x78,
  deviceCount: 0x88,
  sectorBytes: 0x90,
  nodeBytes: 0x94,
  systemChunksLength: 0xa0,
  incompatible: 0xbc,
  checksumType: 0xc4,
  deviceBytes: 0xd1,
  systemChunks: 0x32b,
} as const;
/** All up to METADATA_UUID, and simple quotas; not zones, nor other trees for extents. */
const knownIncompatible = 0x7ff | 0x10000;

const keyBytes = 17;
const itemType = { root: 132, extent: 168, metadata: 169, chunk: 228 } as const;
const extentTreeId = 2;
/** In a root item: where the tree begins. */
const rootBytenr = 176;

// A node: header, then items (leaf) or pointers
const header = { bytenr: 48, itemCount: 96, level: 100, length: 101 } as const;
const leafItemBytes = 25;
const pointerBytes = 33;
const levelLimit = 8;
/** 64 GiB of nodes: no PC's disk has more. */
const nodeLimit = 1 << 22;

/** One for each GiB, and more. */
const chunkLimit = 1 << 20;
/** In a chunk item; `profiles`: bits of its type that say how stripes relate. */
const chunkItem = { length: 0, type: 24, stripeCount: 44, stripes: 48, stripeBytes: 32 } as const;
const profiles = 0x7f8;
const duplicate = 0x20;

/** Relative to the partition, in order. Fails for anything that is not in order, or not alone. */
export async function btrfsUse(source: ByteSource): Promise<Decoded<Extent[]>> {
  try {
    return { ok: true, value: await readUse(source) };
  } catch (error) {
    if (error instanceof Damage) return { ok: false, reason: error.message };
    throw error;
  }
}

/** Leaves a walk through the trees, and goes no further than `btrfsUse`. */
class Damage extends Error {}

interface Chunk {
  /** Logical. */
  readonly start: number;
  readonly length: number;
  /** On the device: one, or two with the same contents. */
  readonly places: readonly number[];
}

interface Volume {
  readonly source: ByteSource;
  readonly nodeBytes: number;
  readonly isCrc32c: boolean;
  /** In the order of their logical addresses. */
  readonly chunks: Chunk[];
  nodesRead: number;
}

interface Item {
  readonly objectId: number;
  readonly type: number;
  readonly offset: number;
  readonly data: Uint8Array;
}

async function readUse(source: ByteSource): Promise<Extent[]> {
  if (source.size < superblockAt + superblockBytes) throw new Damage("it has no superblock");
  const data = await source.read(superblockAt, superblockBytes);
  if (ascii(data, sb.magic, 8) !== "_BHRfS_M" || u64(data, sb.bytenr) !== superblockAt) {
    throw new Damage("it has no superblock");
  }
  const isCrc32c = u16(data, sb.checksumType) === 0;
  if (isCrc32c) requireChecksum(data, "its superblock");
  if ((u32(data, sb.incompatible) & ~knownIncompatible) !== 0) {
    throw new Damage("it has features that are not known");
  }
  if (u64(data, sb.deviceCount) !== 1) throw new Damage("it has parts on other disks");
  const nodeBytes = u32(data, sb.nodeBytes);
  const deviceBytes = u64(data, sb.deviceBytes);
  if (nodeBytes < 4096 || nodeBytes > 65536 || nodeBytes % 4096 !== 0) {
    throw new Damage("its superblock is damaged");
  }
  if (!(deviceBytes <= source.size)) throw new Damage("it is larger than its partition");
  const volume: Volume = { source, nodeBytes, isCrc32c, chunks: [], nodesRead: 0 };
  addSystemChunks(volume, data);
  for await (const { type, offset, data: item } of itemsOf(volume, u64(data, sb.chunkRoot))) {
    if (type === itemType.chunk) addChunk(volume.chunks, offset, item);
  }
  volume.chunks.sort((a, b) => a.start - b.start);

  let extentTree = -1;
  for await (const { objectId, type, data: item } of itemsOf(volume, u64(data, sb.root))) {
    if (objectId === extentTreeId && type === itemType.root) extentTree = u64(item, rootBytenr);
  }
  const used: Extent[] = [
    { start: 0, length: Math.min(bootBytes, source.size) },
    { start: deviceBytes, length: source.size - deviceBytes },
  ];
  for (const start of mirrors) {
    if (start + superblockBytes <= deviceBytes) used.push({ start, length: superblockBytes });
  }
  let usedBytes = 0;
  for await (const { objectId, type, offset } of itemsOf(volume, extentTree)) {
    if (type !== itemType.extent && type !== itemType.metadata) continue;
    const length = type === itemType.extent ? offset : nodeBytes;
    usedBytes += length;
    used.push(...placesOf(volume, objectId, length));
  }
  // The file system counts them itself, independently of the tree.
  if (usedBytes !== u64(data, sb.bytesUsed)) throw new Damage("its extents do not add up");
  return union(used);
}

/** Every item of a tree, in order. */
async function* itemsOf(volume: Volume, root: number, below = levelLimit): AsyncGenerator<Item> {
  const node = await readNode(volume, root);
  const level = node[header.level] as number;
  const count = u32(node, header.itemCount);
  // Each level is one less: no tree leads back into itself.
  if (level >= below) throw new Damage("its trees are damaged");
  const entryBytes = level === 0 ? leafItemBytes : pointerBytes;
  if (header.length + count * entryBytes > node.length) throw new Damage("its trees are damaged");
  for (let index = 0; index < count; index++) {
    const at = header.length + index * entryBytes;
    if (level > 0) {
      yield* itemsOf(volume, u64(node, at + keyBytes), level);
      continue;
    }
    const start = header.length + u32(node, at + keyBytes);
    const end = start + u32(node, at + keyBytes + 4);
    if (end > node.length) throw new Damage("its trees are damaged");
    yield {
      objectId: u64(node, at),
      type: node[at + 8] as number,
      offset: u64(node, at + 9),
      data: node.subarray(start, end),
    };
  }
}

async function readNode(volume: Volume, logical: number): Promise<Uint8Array> {
  volume.nodesRead++;
  if (volume.nodesRead > nodeLimit) throw new Damage("its trees have no end");
  const [place] = placesOf(volume, logical, volume.nodeBytes);
  if (place === undefined || place.length !== volume.nodeBytes) {
    throw new Damage("its trees are damaged");
  }
  const node = await volume.source.read(place.start, place.length);
  if (volume.isCrc32c) requireChecksum(node, "a node of its trees");
  if (u64(node, header.bytenr) !== logical) throw new Damage("its trees are damaged");
  return node;
}

/** The checksum of a superblock or node is of what comes after its own 32 bytes. */
function requireChecksum(data: Uint8Array, what: string): void {
  if (crc32c(data.subarray(32)) !== u32(data, 0)) throw new Damage(`${what} is damaged`);
}

/** Where a logical extent is on the device: every copy of it. */
function placesOf({ chunks, source }: Volume, logical: number, length: number): Extent[] {
  const chunk = chunkAt(chunks, logical);
  if (chunk === undefined || !(logical + length <= endOf(chunk))) {
    throw new Damage("an extent lies in no chunk");
  }
  return chunk.places.map((place) => {
    const extent = { start: place + logical - chunk.start, length };
    if (!(endOf(extent) <= source.size)) throw new Damage("an extent lies beyond the partition");
    return extent;
  });
}

/** The last that begins at or before the address, if it reaches that far. */
function chunkAt(chunks: readonly Chunk[], logical: number): Chunk | undefined {
  let low = 0;
  let high = chunks.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((chunks[middle] as Chunk).start <= logical) low = middle + 1;
    else high = middle;
  }
  const chunk = chunks[low - 1];
  return chunk !== undefined && logical < endOf(chunk) ? chunk : undefined;
}

/** Those that the chunk tree itself lies in. */
function addSystemChunks({ chunks }: Volume, superblock: Uint8Array): void {
  const end = sb.systemChunks + u32(superblock, sb.systemChunksLength);
  if (end > superblockBytes) throw new Damage("its superblock is damaged");
  for (let at = sb.systemChunks; at < end; ) {
    const item = superblock.subarray(at + keyBytes, end);
    at += keyBytes + addChunk(chunks, u64(superblock, at + 9), item);
  }
  chunks.sort((a, b) => a.start - b.start);
}

/** Answers the length of the item. */
function addChunk(chunks: Chunk[], start: number, item: Uint8Array): number {
  const profile = u32(item, chunkItem.type) & profiles;
  const stripeCount = u16(item, chunkItem.stripeCount);
  const wanted = profile === duplicate ? 2 : 1;
  if ((profile !== 0 && profile !== duplicate) || stripeCount !== wanted) {
    throw new Damage("its blocks are spread in a way that is not known");
  }
  const length = chunkItem.stripes + stripeCount * chunkItem.stripeBytes;
  if (item.length < length) throw new Damage("a chunk of it is damaged");
  const places = Array.from({ length: stripeCount }, (_, stripe) =>
    u64(item, chunkItem.stripes + stripe * chunkItem.stripeBytes + 8),
  );
  // A system chunk comes again in the tree: the same, at the same place.
  if (chunks.length > chunkLimit) throw new Damage("it has too many chunks");
  chunks.push({ start, length: u64(item, chunkItem.length), places });
  return length;
}
