/**
 * The used blocks of a UFS2 (FreeBSD), from the free maps of its cylinder groups. Offsets are those of
 * `struct fs` and `struct cg` in FreeBSD's sys/ufs/ffs/fs.h, little endian.
 */
import type { Decoded } from "../errors.ts";
import { bitAt } from "../units/bits.ts";
import { type ByteSource, isPowerOfTwo, u32, u64 } from "./byte-source.ts";
import type { Extent } from "./extents.ts";

// struct fs: offset, field
const fs = {
  cblkno: 12,
  ncg: 44,
  bsize: 48,
  fsize: 52,
  frag: 56,
  cgsize: 160,
  fpg: 188,
  clean: 209,
  sblockloc: 1000,
  size: 1080,
  magic: 1372,
} as const;

// struct cg: offset, field. `freeoff`: where its map lies, a bit for each fragment, 1 = free.
const cg = { magic: 4, cgx: 12, ndblk: 20, nbfree: 28, nffree: 36, freeoff: 96 } as const;

/** Of the superblock, whose place is 65536, else 8192, 0 or 262144 (SBLOCKSEARCH). */
const superblockPlaces = [65536, 8192, 0, 262144];
const superblockBytes = 1376;
const fsMagic = 0x19540119;
const cgMagic = 0x00090255;
/** 16 TiB in groups of 64 MiB. */
const groupLimit = 1 << 18;

/**
 * Relative to the partition, in order; the boot area before the superblock and what lies after the
 * file system count as used. Fails if anything is inconsistent: then its map cannot be trusted.
 */
export async function ufsUse(source: ByteSource): Promise<Decoded<Extent[]>> {
  const found = await superblockOf(source);
  if (!found.ok) return found;
  const { groupCount, fragBytes, fragsPerGroup, fragCount, fragsPerBlock, cgOffset, cgBytes } =
    found.value;
  const used: Extent[] = [];
  const use = (start: number, end: number): void => {
    const last = used.at(-1);
    if (end <= start) return;
    if (last !== undefined && last.start + last.length === start) {
      used[used.length - 1] = { start: last.start, length: end - last.start };
    } else used.push({ start, length: end - start });
  };
  for (let group = 0; group < groupCount; group++) {
    const first = group * fragsPerGroup;
    const count = Math.min(fragsPerGroup, fragCount - first);
    const bad = { ok: false, reason: `cylinder group ${group} is damaged` } as const;
    const at = (first + cgOffset) * fragBytes;
    if (at + cgBytes > source.size) return bad;
    const data = await source.read(at, cgBytes);
    const freeAt = u32(data, cg.freeoff);
    if (u32(data, cg.magic) !== cgMagic || u32(data, cg.cgx) !== group) return bad;
    if (u32(data, cg.ndblk) !== count || freeAt + Math.ceil(count / 8) > cgBytes) return bad;
    const free = data.subarray(freeAt);
    let freeCount = 0;
    let from = 0;
    for (let frag = 0; frag < count; frag++) {
      if (!bitAt(free, frag)) continue;
      freeCount++;
      use((first + from) * fragBytes, (first + frag) * fragBytes);
      from = frag + 1;
    }
    use((first + from) * fragBytes, (first + count) * fragBytes);
    // The file system counts them itself, independently of the map.
    if (freeCount !== u32(data, cg.nbfree) * fragsPerBlock + u32(data, cg.nffree)) return bad;
  }
  use(fragCount * fragBytes, source.size);
  return { ok: true, value: used };
}

interface Superblock {
  readonly groupCount: number;
  readonly fragBytes: number;
  readonly fragsPerBlock: number;
  readonly fragsPerGroup: number;
  readonly fragCount: number;
  /** Of a group's map from the group's start, in fragments. */
  readonly cgOffset: number;
  readonly cgBytes: number;
}

async function superblockOf(source: ByteSource): Promise<Decoded<Superblock>> {
  for (const place of superblockPlaces) {
    if (place + superblockBytes > source.size) continue;
    const data = await source.read(place, superblockBytes);
    if (u32(data, fs.magic) !== fsMagic || u64(data, fs.sblockloc) !== place) continue;
    const groupCount = u32(data, fs.ncg);
    const blockBytes = u32(data, fs.bsize);
    const fragBytes = u32(data, fs.fsize);
    const fragsPerBlock = u32(data, fs.frag);
    const fragsPerGroup = u32(data, fs.fpg);
    const fragCount = u64(data, fs.size);
    const cgOffset = u32(data, fs.cblkno);
    const cgBytes = u32(data, fs.cgsize);
    // MAXBSIZE is 64 KiB; a block has 1 to 8 fragments; a group's header fits in a block.
    const isSane =
      isPowerOfTwo(blockBytes) &&
      blockBytes >= 4096 &&
      blockBytes <= 65536 &&
      isPowerOfTwo(fragsPerBlock) &&
      fragsPerBlock <= 8 &&
      fragBytes >= 512 &&
      fragBytes * fragsPerBlock === blockBytes &&
      cgBytes > cg.freeoff &&
      cgBytes <= blockBytes &&
      groupCount > 0 &&
      groupCount <= groupLimit &&
      fragCount > (groupCount - 1) * fragsPerGroup &&
      fragCount <= groupCount * fragsPerGroup &&
      fragCount * fragBytes <= source.size;
    if (!isSane) return { ok: false, reason: "its superblock is damaged" };
    if (data[fs.clean] !== 1) return { ok: false, reason: "it was not unmounted cleanly" };
    return {
      ok: true,
      value: {
        groupCount,
        fragBytes,
        fragsPerBlock,
        fragsPerGroup,
        fragCount,
        cgOffset,
        cgBytes,
      },
    };
  }
  return { ok: false, reason: "it has no UFS2 superblock" };
}
