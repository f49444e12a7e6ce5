/** The superblock of a UFS2 (FreeBSD): `struct fs` in FreeBSD's sys/ufs/ffs/fs.h, little endian. */
import type { Decoded } from "../errors.ts";
import { type ByteSource, isPowerOfTwo, u32, u64 } from "./byte-source.ts";

// struct fs: offset, field
const fs = {
  sblkno: 8,
  cblkno: 12,
  iblkno: 16,
  dblkno: 20,
  ncg: 44,
  bsize: 48,
  fsize: 52,
  frag: 56,
  cgsize: 160,
  ipg: 184,
  fpg: 188,
  clean: 209,
  sblockloc: 1000,
  size: 1080,
  snapinum: 1116,
  metackhash: 1308,
  flags: 1312,
  maxsymlinklen: 1320,
  magic: 1372,
} as const;

/** Its place is 65536, else 8192, 0 or 262144 (SBLOCKSEARCH). */
const superblockPlaces = [65536, 8192, 0, 262144];
const superblockBytes = 1376;
const ufs1Magic = 0x00011954;
const ufs2Magic = 0x19540119;
/** 16 TiB in groups of 64 MiB. */
const groupLimit = 1 << 18;
/** The fixed part of `struct cg`, before its maps: up to `cg_freeoff`. */
const cgHeadBytes = 96;

/** An inode has 15 numbers of blocks, of 8 bytes. */
const inlineLimitBytes = 120;
/** fs_flags: FS_UNCLEAN, FS_NEEDSFSCK, FS_GJOURNAL, FS_METACKHASH. */
const flag = { unclean: 0x1, needsCheck: 0x4, gjournal: 0x40, checkHashes: 0x200 } as const;
/** fs_metackhash: CK_INODE. */
const inodeCheckHash = 0x4;

export interface Superblock {
  readonly groupCount: number;
  readonly blockBytes: number;
  readonly fragBytes: number;
  readonly fragsPerBlock: number;
  readonly fragsPerGroup: number;
  readonly fragCount: number;
  readonly inodesPerGroup: number;
  /** From a group's start, in fragments: its copy of the superblock, its map, its inodes, its first data. */
  readonly copyOffset: number;
  readonly cgOffset: number;
  readonly inodeOffset: number;
  readonly dataOffset: number;
  readonly cgBytes: number;
  /** It was unmounted, and wants no check. */
  readonly isClean: boolean;
  readonly hasSnapshots: boolean;
  /** Its journal lies below it, in GEOM: what is written past that may be undone. */
  readonly isJournaledBelow: boolean;
  /** Inodes carry check hashes, and FreeBSD looks at them. */
  readonly hasInodeHashes: boolean;
  /** A symbolic link that is shorter lies in its inode. */
  readonly inlineLinkBytes: number;
}

/** Fails for what is no UFS2, or one whose numbers make no sense. */
export async function ufsSuperblock(source: ByteSource): Promise<Decoded<Superblock>> {
  let reason = "it has no UFS2 superblock";
  for (const place of superblockPlaces) {
    if (place + superblockBytes > source.size) continue;
    const data = await source.read(place, superblockBytes);
    if (u32(data, fs.magic) === ufs1Magic) reason = "it is a UFS1";
    if (u32(data, fs.magic) !== ufs2Magic || u64(data, fs.sblockloc) !== place) continue;
    const found = fieldsOf(data);
    if (!isSane(found, source.size)) return { ok: false, reason: "its superblock is damaged" };
    return { ok: true, value: found };
  }
  return { ok: false, reason };
}

function fieldsOf(data: Uint8Array): Superblock {
  const flags = u32(data, fs.flags);
  return {
    groupCount: u32(data, fs.ncg),
    blockBytes: u32(data, fs.bsize),
    fragBytes: u32(data, fs.fsize),
    fragsPerBlock: u32(data, fs.frag),
    fragsPerGroup: u32(data, fs.fpg),
    fragCount: u64(data, fs.size),
    inodesPerGroup: u32(data, fs.ipg),
    copyOffset: u32(data, fs.sblkno),
    cgOffset: u32(data, fs.cblkno),
    inodeOffset: u32(data, fs.iblkno),
    dataOffset: u32(data, fs.dblkno),
    cgBytes: u32(data, fs.cgsize),
    isClean: data[fs.clean] === 1 && (flags & (flag.unclean | flag.needsCheck)) === 0,
    hasSnapshots: u32(data, fs.snapinum) !== 0,
    isJournaledBelow: (flags & flag.gjournal) !== 0,
    hasInodeHashes:
      (flags & flag.checkHashes) !== 0 && (u32(data, fs.metackhash) & inodeCheckHash) !== 0,
    inlineLinkBytes: Math.min(u32(data, fs.maxsymlinklen), inlineLimitBytes),
  };
}

/** MAXBSIZE is 64 KiB; a block has 1 to 8 fragments; a group's header fits in a block. */
const isSane = (found: Superblock, size: number): boolean =>
  isPowerOfTwo(found.blockBytes) &&
  found.blockBytes >= 4096 &&
  found.blockBytes <= 65536 &&
  isPowerOfTwo(found.fragsPerBlock) &&
  found.fragsPerBlock <= 8 &&
  found.fragBytes >= 512 &&
  found.fragBytes * found.fragsPerBlock === found.blockBytes &&
  found.cgBytes > cgHeadBytes &&
  found.cgBytes <= found.blockBytes &&
  found.groupCount > 0 &&
  found.groupCount <= groupLimit &&
  found.fragCount > (found.groupCount - 1) * found.fragsPerGroup &&
  found.fragCount <= found.groupCount * found.fragsPerGroup &&
  found.fragCount * found.fragBytes <= size;
