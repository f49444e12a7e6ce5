/**
 * Files of a UFS2 (FreeBSD) by their paths: `struct ufs2_dinode` in FreeBSD's sys/ufs/ufs/dinode.h and
 * `struct direct` in sys/ufs/ufs/dir.h, little endian. What has indirect blocks is not read: neither
 * settings nor the directories that hold them are that large.
 */
import type { Decoded } from "../errors.ts";
import { ascii, type ByteSource, piecesOf, u16, u32, u64 } from "./byte-source.ts";
import { crc32c } from "./crc32c.ts";
import type { Extent } from "./extents.ts";
import type { Superblock } from "./ufs-superblock.ts";

/** struct ufs2_dinode: offset, field. A short symbolic link's target lies where `db` does. */
export const dinode = {
  mode: 0,
  size: 16,
  mtime: 40,
  ctime: 48,
  mtimensec: 64,
  ctimensec: 72,
  db: 112,
  ckhash: 244,
} as const;

/** sizeof(struct ufs2_dinode), UFS_NDADDR, UFS_ROOTINO */
const dinodeBytes = 256;
const directBlocks = 12;
const rootInode = 2;
/** Of di_mode, IFMT: IFDIR, IFREG, IFLNK. */
const kindMask = 0xf000;
const kind = { directory: 0x4000, file: 0x8000, link: 0xa000 } as const;
/** DIRBLKSIZ: no entry of a directory crosses from one such piece to the next. */
const directoryPieceBytes = 512;
/** struct direct: offset, field */
const direct = { ino: 0, reclen: 4, namlen: 7, name: 8 } as const;
/** FreeBSD follows 32 (MAXSYMLINKS) of at most 1024 bytes. */
const linkLimit = 8;
const linkLimitBytes = 1024;

/** A file, directory or link, with direct blocks alone. */
export interface UfsFile {
  /** Of its inode in the source, in bytes. */
  readonly inodeAt: number;
  readonly inode: Uint8Array;
  readonly size: number;
  /** Whole fragments of the source, in the file's order; no more than its size needs. */
  readonly extents: readonly Extent[];
}

/** An entry of a directory. */
export interface UfsEntry {
  readonly inodeNumber: number;
  /** Of its name in the source, in bytes. */
  readonly nameAt: number;
}

export interface Ufs {
  readonly source: ByteSource;
  readonly superblock: Superblock;
}

/** The regular file that the path names, through symbolic links; null: it is not there. */
export async function findFile(ufs: Ufs, path: string): Promise<Decoded<UfsFile | null>> {
  const found = await find(ufs, path);
  if (!found.ok || found.value === null) return found;
  if (kindOf(found.value.inode) !== kind.file) return failed(`${path} is no regular file`);
  return found;
}

/** The entry of that name in the directory that the path names; null: either is not there. */
export async function findEntry(
  ufs: Ufs,
  { folder, name }: { readonly folder: string; readonly name: string },
): Promise<Decoded<UfsEntry | null>> {
  const found = await find(ufs, folder);
  if (!found.ok) return found;
  if (found.value === null) return nothing;
  return await entryIn(ufs, found.value, name);
}

/** The whole of a file. */
export const contentOf = async ({ source }: Ufs, file: UfsFile): Promise<Uint8Array> =>
  await piecesOf(source, file.extents).read(0, file.size);

/** As FreeBSD's ffs_update_dinode_ckhash: CRC-32C whose last state is not inverted, over the inode with 0 in the hash's place. */
export function inodeHash(inode: Uint8Array): number {
  const bare = new Uint8Array(inode);
  bare.fill(0, dinode.ckhash, dinode.ckhash + 4);
  return ~crc32c(bare) >>> 0;
}

const nothing = { ok: true, value: null } as const;
const failed = (reason: string): { readonly ok: false; readonly reason: string } => ({
  ok: false,
  reason,
});

const kindOf = (inode: Uint8Array): number => u16(inode, dinode.mode) & kindMask;

async function find(ufs: Ufs, path: string): Promise<Decoded<UfsFile | null>> {
  const names = namesOf(path);
  const root = await fileAt(ufs, rootInode);
  let at = root;
  let linkCount = 0;
  for (let name = names.shift(); name !== undefined; name = names.shift()) {
    if (!at.ok) return at;
    const entry = await entryIn(ufs, at.value, name);
    if (!entry.ok) return entry;
    if (entry.value === null) return nothing;
    const next = await fileAt(ufs, entry.value.inodeNumber);
    if (!next.ok) return next;
    if (kindOf(next.value.inode) !== kind.link) {
      at = next;
      continue;
    }
    if (++linkCount > linkLimit) return failed(`${path} leads through too many symbolic links`);
    const target = await targetOf(ufs, next.value);
    if (!target.ok) return target;
    if (target.value.startsWith("/")) at = root;
    names.unshift(...namesOf(target.value));
  }
  return at;
}

const namesOf = (path: string): string[] => path.split("/").filter((name) => name !== "");

async function targetOf(ufs: Ufs, link: UfsFile): Promise<Decoded<string>> {
  if (link.size > linkLimitBytes) return failed("a symbolic link is too long");
  const isInline = link.size < ufs.superblock.inlineLinkBytes;
  const bytes = isInline ? link.inode.subarray(dinode.db) : await contentOf(ufs, link);
  return { ok: true, value: ascii(bytes, 0, link.size) };
}

/** `name` has one character for each byte of the entry's. */
async function entryIn(
  ufs: Ufs,
  directory: UfsFile,
  name: string,
): Promise<Decoded<UfsEntry | null>> {
  if (kindOf(directory.inode) !== kind.directory) return nothing;
  let left = directory.size;
  for (const { start, length } of directory.extents) {
    const end = Math.min(left, length);
    const data = await ufs.source.read(start, length);
    left -= end;
    for (let at = 0; at < end; ) {
      const reclen = u16(data, at + direct.reclen);
      const namlen = data[at + direct.namlen] as number;
      const pieceEnd = at - (at % directoryPieceBytes) + directoryPieceBytes;
      if (reclen % 4 !== 0 || reclen < direct.name + namlen || at + reclen > pieceEnd) {
        return failed("a directory is damaged");
      }
      const inodeNumber = u32(data, at + direct.ino);
      if (inodeNumber !== 0 && ascii(data, at + direct.name, namlen) === name) {
        return { ok: true, value: { inodeNumber, nameAt: start + at + direct.name } };
      }
      at += reclen;
    }
  }
  return nothing;
}

async function fileAt(ufs: Ufs, inodeNumber: number): Promise<Decoded<UfsFile>> {
  const { source, superblock } = ufs;
  const { inodesPerGroup, groupCount, fragsPerGroup, inodeOffset, fragBytes } = superblock;
  const group = Math.floor(inodeNumber / inodesPerGroup);
  const inodeAt =
    (group * fragsPerGroup + inodeOffset) * fragBytes +
    (inodeNumber % inodesPerGroup) * dinodeBytes;
  const isInside = inodeNumber >= rootInode && group < groupCount;
  if (!isInside || !(inodeAt + dinodeBytes <= source.size)) {
    return failed(`there is no inode ${inodeNumber}`);
  }
  const inode = await source.read(inodeAt, dinodeBytes);
  const damaged = failed(`inode ${inodeNumber} is damaged`);
  if (u16(inode, dinode.mode) === 0) return damaged;
  if (superblock.hasInodeHashes && u32(inode, dinode.ckhash) !== inodeHash(inode)) return damaged;
  const size = u64(inode, dinode.size);
  const fileKind = kindOf(inode);
  const hasBlocks =
    fileKind === kind.directory ||
    fileKind === kind.file ||
    (fileKind === kind.link && size >= superblock.inlineLinkBytes);
  if (!hasBlocks) return { ok: true, value: { inodeAt, inode, size, extents: [] } };
  const extents = extentsOf(inode, size, superblock);
  if (!extents.ok) return failed(`inode ${inodeNumber} ${extents.reason}`);
  return { ok: true, value: { inodeAt, inode, size, extents: extents.value } };
}

function extentsOf(inode: Uint8Array, size: number, superblock: Superblock): Decoded<Extent[]> {
  const { blockBytes, fragBytes } = superblock;
  if (size > directBlocks * blockBytes) return failed("has indirect blocks");
  const extents: Extent[] = [];
  for (let at = 0; at < size; at += blockBytes) {
    const frag = u64(inode, dinode.db + (at / blockBytes) * 8);
    const fragCount = Math.ceil(Math.min(blockBytes, size - at) / fragBytes);
    if (frag === 0) return failed("has a hole");
    if (!isData(frag, fragCount, superblock)) return failed("leads to a place that is no file's");
    extents.push({ start: frag * fragBytes, length: fragCount * fragBytes });
  }
  return { ok: true, value: extents };
}

/** Whether the fragments are one block's, inside of the file system, and neither map nor inodes. */
function isData(frag: number, fragCount: number, superblock: Superblock): boolean {
  const { fragsPerBlock, fragsPerGroup, copyOffset, dataOffset } = superblock;
  if (!Number.isSafeInteger(frag) || frag + fragCount > superblock.fragCount) return false;
  if ((frag % fragsPerBlock) + fragCount > fragsPerBlock) return false;
  const inGroup = frag % fragsPerGroup;
  // Of all groups but the first, what lies before the copy of the superblock is data as well.
  const isBefore = frag >= fragsPerGroup && inGroup + fragCount <= copyOffset;
  return isBefore || inGroup >= dataOffset;
}
