/**
 * A UFS2's file is given other content in the fragments that it has: nothing is allocated or freed, so
 * that no map, no count and no other inode changes. FreeBSD is not asked, for no Linux writes UFS2.
 */
import type { Decoded } from "../errors.ts";
import { assert } from "../errors.ts";
import { putU32, putU64 } from "./little-endian.ts";
import { dinode, inodeHash, type UfsEntry, type UfsFile } from "./ufs-files.ts";
import type { Superblock } from "./ufs-superblock.ts";

/** Bytes at an offset of the volume. */
export interface UfsWrite {
  readonly offset: number;
  readonly data: Uint8Array;
}

/** Line feed */
const padding = 0x0a;

/** Why a volume is not written though it can be read; null: it can be written. */
export function refusalToWrite(superblock: Superblock): string | null {
  if (superblock.hasSnapshots) return "it has snapshots, which would change with it";
  if (superblock.isJournaledBelow) return "a gjournal lies below it";
  return null;
}

/**
 * The writes that give the file this content, in order: the content, then the inode. A content that
 * would leave a fragment free is made longer with line feeds, for the file keeps all it has. Fails
 * when the fragments do not hold it.
 */
export function rewriteFile(
  file: UfsFile,
  content: Uint8Array,
  { superblock, unixSeconds }: { readonly superblock: Superblock; readonly unixSeconds: number },
): Decoded<readonly UfsWrite[]> {
  const held = file.extents.reduce((sum, { length }) => sum + length, 0);
  if (content.length > held) {
    return { ok: false, reason: `${content.length} bytes, and its blocks hold ${held}` };
  }
  const size = held === 0 ? 0 : Math.max(content.length, held - superblock.fragBytes + 1);
  // Zeros behind the end, as FreeBSD has them.
  const whole = new Uint8Array(held);
  whole.set(content);
  whole.fill(padding, content.length, size);
  const writes: UfsWrite[] = [];
  let at = 0;
  for (const { start, length } of file.extents) {
    writes.push({ offset: start, data: whole.subarray(at, at + length) });
    at += length;
  }
  const inode = new Uint8Array(file.inode);
  putU64(inode, dinode.size, size);
  putU64(inode, dinode.mtime, unixSeconds);
  putU32(inode, dinode.mtimensec, 0);
  putU64(inode, dinode.ctime, unixSeconds);
  putU32(inode, dinode.ctimensec, 0);
  if (superblock.hasInodeHashes) putU32(inode, dinode.ckhash, inodeHash(inode));
  return { ok: true, value: [...writes, { offset: file.inodeAt, data: inode }] };
}

/** Gives an entry of a directory another name of the same length. Directories carry no check hash. */
export function renameEntry(
  entry: UfsEntry,
  { from, to }: { readonly from: string; readonly to: string },
): UfsWrite {
  assert(from.length === to.length, `${from} and ${to} have the same length`);
  const data = Uint8Array.from(to, (character) => character.charCodeAt(0));
  return { offset: entry.nameAt, data };
}
