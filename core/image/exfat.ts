/**
 * The used clusters of an exFAT, from its allocation bitmap (Microsoft, "exFAT file system
 * specification", 1.00). partclone's map of it leaves out what lies in the last cluster.
 */
import type { Decoded } from "../errors.ts";
import { ascii, type ByteSource, u32, u64 } from "./byte-source.ts";
import { type Extent, union } from "./extents.ts";

// 3.1, main boot sector: offset, field
const boot = {
  name: 3,
  volumeSectors: 72,
  fatSector: 80,
  fatSectors: 84,
  heapSector: 88,
  clusterCount: 92,
  rootCluster: 96,
  flags: 106,
  logSectorBytes: 108,
  logClusterSectors: 109,
  fatCount: 110,
  percentInUse: 112,
} as const;

// 7.1, the directory entry of the allocation bitmap: offset, field
const bitmapEntry = { type: 0, firstCluster: 20, bytes: 24 } as const;
const bitmapType = 0x81;
const endType = 0;
const entryBytes = 32;

const firstCluster = 2;
const lastOfChain = 0xffffffff;
/** 3.1.9. */
const clusterCountLimit = 2 ** 32 - 11;
/** 3.4: the checksum's sector follows those that it is over. */
const summedSectors = 11;
/** 7.4: a directory has at most 256 MiB; the bitmap's entry is one of the first. */
const rootLimit = 1024 * 1024;
const windowBytes = 64 * 1024;
const pieceBytes = 1024 * 1024;
/** Free and used clusters by turns: 40 MiB for what is known of them. */
const runLimit = 1 << 20;

/**
 * Relative to the partition, in order; all that lies in no cluster counts as used. Fails for a file
 * system that is not in order: then its clusters cannot be told.
 */
export async function exfatUse(source: ByteSource): Promise<Decoded<Extent[]>> {
  const layout = await layoutOf(source);
  if (typeof layout === "string") return damaged(layout);
  const { clusterCount, clusterBytes, heapAt } = layout;
  const bitmap = await findBitmap(source, layout);
  if (typeof bitmap === "string") return damaged(bitmap);
  const used: Extent[] = [{ start: 0, length: heapAt }];
  let from = -1;
  const endRun = (bit: number): void => {
    if (from === -1) return;
    used.push({ start: heapAt + from * clusterBytes, length: (bit - from) * clusterBytes });
    from = -1;
  };
  let bit = 0;
  for (const piece of bitmap.pieces) {
    const bits = await source.read(piece.start, piece.length);
    for (let at = 0; at < bits.length; at++) {
      const byte = bits[at] as number;
      // Eight of the same.
      if ((byte === 0 && from === -1) || (byte === 0xff && from !== -1)) {
        bit += 8;
        continue;
      }
      for (const end = bit + 8; bit < end; bit++) {
        const isUsed = ((byte >> (bit & 7)) & 1) === 1 && bit < clusterCount;
        if (!isUsed) endRun(bit);
        else if (from === -1) from = bit;
      }
      if (used.length > runLimit) return damaged("it lies in too many pieces");
    }
  }
  endRun(clusterCount);
  const heapEnd = heapAt + clusterCount * clusterBytes;
  used.push({ start: heapEnd, length: source.size - heapEnd });
  const merged = union(used);
  // What the bitmap says of itself, and of the root.
  const all = union([...merged, ...bitmap.own]);
  const isTrue = sumOf(all) === sumOf(merged);
  return isTrue ? { ok: true, value: merged } : damaged("its bitmap is damaged");
}

const damaged = (reason: string): { readonly ok: false; readonly reason: string } => ({
  ok: false,
  reason,
});

const sumOf = (extents: readonly Extent[]): number =>
  extents.reduce((sum, { length }) => sum + length, 0);

interface Layout {
  readonly clusterCount: number;
  readonly clusterBytes: number;
  readonly heapAt: number;
  readonly fatAt: number;
  readonly rootCluster: number;
}

async function layoutOf(source: ByteSource): Promise<Layout | string> {
  const senseless = "its boot sector is damaged";
  if (source.size < 512) return senseless;
  const head = await source.read(0, 512);
  const logSectorBytes = head[boot.logSectorBytes] as number;
  const logClusterSectors = head[boot.logClusterSectors] as number;
  if (ascii(head, boot.name, 8) !== "EXFAT   ") return senseless;
  if (logSectorBytes < 9 || logSectorBytes > 12 || logClusterSectors > 25 - logSectorBytes) {
    return senseless;
  }
  const sectorBytes = 2 ** logSectorBytes;
  const clusterBytes = sectorBytes * 2 ** logClusterSectors;
  const fatSector = u32(head, boot.fatSector);
  const fatSectors = u32(head, boot.fatSectors);
  const heapSector = u32(head, boot.heapSector);
  const clusterCount = u32(head, boot.clusterCount);
  const rootCluster = u32(head, boot.rootCluster);
  const volumeBytes = u64(head, boot.volumeSectors) * sectorBytes;
  if (head[boot.fatCount] !== 1) return "it has two tables (TexFAT)";
  const isSane =
    fatSector > summedSectors &&
    fatSectors * sectorBytes >= (clusterCount + firstCluster) * 4 &&
    heapSector >= fatSector + fatSectors &&
    clusterCount > 0 &&
    clusterCount <= clusterCountLimit &&
    rootCluster >= firstCluster &&
    rootCluster < clusterCount + firstCluster &&
    heapSector * sectorBytes + clusterCount * clusterBytes <= volumeBytes &&
    volumeBytes <= source.size;
  if (!isSane) return senseless;
  const summed = await source.read(0, (summedSectors + 1) * sectorBytes);
  const sum = checksumOf(summed.subarray(0, summedSectors * sectorBytes));
  if (u32(summed, summedSectors * sectorBytes) !== sum) return senseless;
  return {
    clusterCount,
    clusterBytes,
    heapAt: heapSector * sectorBytes,
    fatAt: fatSector * sectorBytes,
    rootCluster,
  };
}

/** 3.4: without the bytes that change while it is mounted. */
function checksumOf(sectors: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < sectors.length; at++) {
    const isLeftOut = at === boot.flags || at === boot.flags + 1 || at === boot.percentInUse;
    if (!isLeftOut) sum = (((sum << 31) | (sum >>> 1)) + (sectors[at] as number)) >>> 0;
  }
  return sum;
}

interface Bitmap {
  /** Of the partition, one after another, none of them large. */
  readonly pieces: readonly Extent[];
  /** The clusters that it and the root directory lie in. */
  readonly own: readonly Extent[];
}

async function findBitmap(source: ByteSource, layout: Layout): Promise<Bitmap | string> {
  const { clusterBytes, clusterCount, rootCluster } = layout;
  const follow = chainReader(source, layout);
  const own: Extent[] = [];
  let cluster = rootCluster;
  for (let done = 0; done < rootLimit; done += clusterBytes) {
    const place = extentOf(layout, cluster);
    own.push(place);
    const entries = await source.read(place.start, Math.min(clusterBytes, rootLimit));
    for (let at = 0; at < entries.length; at += entryBytes) {
      const type = entries[at + bitmapEntry.type];
      if (type === endType) return "it has no bitmap";
      if (type !== bitmapType) continue;
      const length = Math.ceil(clusterCount / 8);
      if (u64(entries, at + bitmapEntry.bytes) !== length) return "its bitmap is damaged";
      const pieces: Extent[] = [];
      let next: number | null = u32(entries, at + bitmapEntry.firstCluster);
      for (let left = length; left > 0; left -= clusterBytes) {
        if (next === null || !isCluster(layout, next)) return "its bitmap is damaged";
        const { start } = extentOf(layout, next);
        own.push({ start, length: clusterBytes });
        const end = Math.min(left, clusterBytes);
        for (let from = 0; from < end; from += pieceBytes)
          pieces.push({ start: start + from, length: Math.min(pieceBytes, end - from) });
        next = left > clusterBytes ? await follow(next) : null;
      }
      return { pieces, own };
    }
    const next = await follow(cluster);
    if (next === null) return "it has no bitmap";
    cluster = next;
  }
  return "it has no bitmap";
}

const isCluster = ({ clusterCount }: Layout, cluster: number): boolean =>
  cluster >= firstCluster && cluster < clusterCount + firstCluster;

const extentOf = ({ heapAt, clusterBytes }: Layout, cluster: number): Extent => ({
  start: heapAt + (cluster - firstCluster) * clusterBytes,
  length: clusterBytes,
});

/** Answers the cluster that follows one in its chain; null: none, or none that is one. */
function chainReader(source: ByteSource, layout: Layout) {
  let windowAt = -1;
  let window: Uint8Array = new Uint8Array(0);
  return async (cluster: number): Promise<number | null> => {
    const at = cluster * 4;
    if (windowAt === -1 || at < windowAt || at >= windowAt + window.length) {
      windowAt = at - (at % windowBytes);
      const end = (layout.clusterCount + firstCluster) * 4;
      const length = Math.min(windowBytes, end - windowAt);
      window = await source.read(layout.fatAt + windowAt, length);
    }
    const next = u32(window, at - windowAt);
    return next !== lastOfChain && isCluster(layout, next) ? next : null;
  };
}
