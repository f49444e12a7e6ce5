/**
 * Compares a clone's disk with the master's, from outside and by other means than roomcast's own:
 * what is free comes from e2fsprogs' `dumpe2fs` and from the FAT itself. All else has to be equal.
 */
import { type FileHandle, open } from "node:fs/promises";
import { assert } from "../../core/errors.ts";
import { masterLayout } from "./master.ts";
import { run } from "./run.ts";

/** A stretch of the disk, in bytes; `end` is the first byte behind it. */
export interface Extent {
  readonly start: number;
  readonly end: number;
}

export interface Comparison {
  /** Bytes that had to be equal, and were looked at one by one. */
  readonly usedBytes: number;
  /** Bytes of blocks and clusters that no file system uses. */
  readonly freeBytes: number;
  /** What is wrong, in words with offsets; at most `faultLimit`. Empty: the clone is right. */
  readonly faults: readonly string[];
}

const stepBytes = 1024 * 1024;
const sectorBytes = 512;
const faultLimit = 20;

/**
 * `fill`: the byte that the clone's disk was full of before. In free blocks a clone may hold that, or
 * zeroes, or what the master has; anywhere else only what the master has.
 */
export async function compareDisks(
  disks: { readonly master: string; readonly clone: string },
  free: readonly Extent[],
  fill: number,
): Promise<Comparison> {
  await using master = await open(disks.master, "r");
  await using clone = await open(disks.clone, "r");
  const { size } = await master.stat();
  const faults: string[] = [];
  const cloneSize = (await clone.stat()).size;
  if (cloneSize !== size) faults.push(`the clone has ${cloneSize} bytes, the master ${size}`);
  const expected = Buffer.alloc(stepBytes);
  const actual = Buffer.alloc(stepBytes);
  for (let start = 0; start < size && faults.length < faultLimit; start += stepBytes) {
    const end = Math.min(start + stepBytes, size);
    await readFully(master, expected.subarray(0, end - start), start);
    await readFully(clone, actual.subarray(0, end - start), start);
    if (expected.equals(actual)) continue;
    const inStep = (extent: Extent) => ({
      start: Math.max(extent.start, start) - start,
      end: Math.min(extent.end, end) - start,
    });
    const freeHere = free.map(inStep).filter((extent) => extent.start < extent.end);
    for (const used of between(freeHere, { start: 0, end: end - start })) {
      const wanted = expected.subarray(used.start, used.end);
      const found = actual.subarray(used.start, used.end);
      if (wanted.equals(found)) continue;
      const at = wanted.findIndex((byte, index) => byte !== found[index]);
      faults.push(`used bytes differ from offset ${start + used.start + at} on`);
    }
    for (const extent of freeHere) {
      for (let at = extent.start; at < extent.end; at += sectorBytes) {
        const found = actual.subarray(at, Math.min(at + sectorBytes, extent.end));
        const byte = found[0] as number;
        const uniform = found.every((each) => each === byte);
        if (uniform && (byte === 0 || byte === fill)) continue;
        if (found.equals(expected.subarray(at, at + found.length))) continue;
        faults.push(
          `free sector at offset ${start + at} holds what is neither old nor the master's`,
        );
        break;
      }
    }
  }
  const freeBytes = free.reduce((sum, extent) => sum + extent.end - extent.start, 0);
  return { usedBytes: size - freeBytes, freeBytes, faults: faults.slice(0, faultLimit) };
}

/** What no file system of the master's disk uses, in the order of the disk. */
export async function freeExtents(disk: string): Promise<Extent[]> {
  const extents = [...(await freeFatClusters(disk)), ...(await freeExt4Blocks(disk))];
  assert(extents.length > 0, "the master has free blocks");
  return extents.sort((a, b) => a.start - b.start);
}

async function freeExt4Blocks(disk: string): Promise<Extent[]> {
  const { start, size } = masterLayout.root;
  const { stdout } = await run(["dumpe2fs", `${disk}?offset=${start}`]);
  const blockBytes = Number(/^Block size:\s+(\d+)$/m.exec(stdout)?.[1]);
  const freeCount = Number(/^Free blocks:\s+(\d+)$/m.exec(stdout)?.[1]);
  const extents: Extent[] = [];
  // Of each group: "  Free blocks: 1042-8191, 9000"; the superblock's own line is not indented.
  for (const [, list] of stdout.matchAll(/^ {2}Free blocks: ([\d, -]+)$/gm)) {
    for (const [, first, last] of (list as string).matchAll(/(\d+)(?:-(\d+))?/g)) {
      extents.push({
        start: start + Number(first) * blockBytes,
        end: start + (Number(last ?? first) + 1) * blockBytes,
      });
    }
  }
  const listed = extents.reduce((sum, extent) => sum + extent.end - extent.start, 0);
  assert(listed === freeCount * blockBytes, "dumpe2fs lists as many free blocks as it counts");
  assert(listed < size, "the root file system is not empty");
  return extents;
}

/** FAT16, Microsoft's FAT specification 1.03: an entry of 0 is a free cluster; the first is number 2. */
async function freeFatClusters(disk: string): Promise<Extent[]> {
  const { start, size } = masterLayout.esp;
  await using file = await open(disk, "r");
  const volume = Buffer.alloc(size);
  await readFully(file, volume, start);
  const sector = volume.readUInt16LE(11);
  const clusterBytes = volume.readUInt8(13) * sector;
  const fatStart = volume.readUInt16LE(14) * sector;
  const fatBytes = volume.readUInt16LE(22) * sector;
  const rootBytes = volume.readUInt16LE(17) * 32;
  const sectors = volume.readUInt16LE(19) || volume.readUInt32LE(32);
  const dataStart = fatStart + volume.readUInt8(16) * fatBytes + rootBytes;
  const clusterCount = Math.floor((sectors * sector - dataStart) / clusterBytes);
  // Fewer clusters make a FAT12, more a FAT32.
  assert(clusterCount >= 4085 && clusterCount < 65525, "the ESP is a FAT16");
  const extents: Extent[] = [];
  for (let cluster = 2; cluster < clusterCount + 2; cluster++) {
    if (volume.readUInt16LE(fatStart + cluster * 2) !== 0) continue;
    const at = start + dataStart + (cluster - 2) * clusterBytes;
    extents.push({ start: at, end: at + clusterBytes });
  }
  return merged(extents);
}

function merged(extents: readonly Extent[]): Extent[] {
  const result: { start: number; end: number }[] = [];
  for (const extent of extents) {
    const last = result.at(-1);
    if (last !== undefined && last.end === extent.start) last.end = extent.end;
    else result.push({ ...extent });
  }
  return result;
}

/** What lies between the extents, which are in order. */
function between(extents: readonly Extent[], whole: Extent): Extent[] {
  const gaps: Extent[] = [];
  let at = whole.start;
  for (const extent of extents) {
    if (extent.start > at) gaps.push({ start: at, end: extent.start });
    at = extent.end;
  }
  if (at < whole.end) gaps.push({ start: at, end: whole.end });
  return gaps;
}

async function readFully(file: FileHandle, into: Buffer, offset: number): Promise<void> {
  for (let done = 0; done < into.length; ) {
    const { bytesRead } = await file.read(into, done, into.length - done, offset + done);
    if (bytesRead === 0) {
      into.fill(0, done); // past the end: the sizes were compared before
      return;
    }
    done += bytesRead;
  }
}
