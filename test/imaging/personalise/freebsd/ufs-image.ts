/** UFS2 images made by makefs, check hashes by their definition, and GRUB's own driver as another reader. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface ImageOptions {
  /** By path: the content, one byte a character, or `-> TARGET`. */
  readonly files: Readonly<Record<string, string>>;
  /** FreeBSD's own are 32768 and 4096. */
  readonly blockBytes?: number;
  readonly fragBytes?: number;
  readonly version?: 1 | 2;
  /** The inodes carry check hashes, as those of FreeBSD 13 and later do. */
  readonly hasHashes?: boolean;
}

export interface UfsImage {
  readonly path: string;
  readonly bytes: Buffer;
  [Symbol.dispose](): void;
}

export function makeUfs(options: ImageOptions): UfsImage {
  const { files, blockBytes = 32768, fragBytes = 4096, version = 2, hasHashes = false } = options;
  const folder = mkdtempSync(join(tmpdir(), "roomcast-ufs-"));
  const root = join(folder, "root");
  mkdirSync(root);
  for (const [name, content] of Object.entries(files)) {
    const path = join(root, name);
    mkdirSync(dirname(path), { recursive: true });
    if (content.startsWith("-> ")) symlinkSync(content.slice(3), path);
    else writeFileSync(path, content, "latin1");
  }
  const path = join(folder, "ufs.img");
  const kind = `version=${version},bsize=${blockBytes},fsize=${fragBytes}`;
  execFileSync("makefs", ["-t", "ffs", "-o", kind, "-s", "4m", path, root], { stdio: "pipe" });
  const bytes = readFileSync(path);
  if (hasHashes) {
    putFlags(bytes, { flags: 0x200, metackhash: 0x4 });
    for (const at of inodesOf(bytes)) bytes.writeUInt32LE(hashOf(bytes, at), at + 244);
    writeFileSync(path, bytes);
  }
  return { path, bytes, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

/** Where makefs puts the superblock; another copy is no matter. */
export const superblockAt = 8192;

/** fs_flags and fs_metackhash. */
export function putFlags(
  bytes: Buffer,
  { flags, metackhash }: { readonly flags: number; readonly metackhash: number },
): void {
  bytes.writeUInt32LE(flags, superblockAt + 1312);
  bytes.writeUInt32LE(metackhash, superblockAt + 1308);
}

/** Where the inodes in use are, by the fields fs_iblkno, fs_fsize, fs_ipg, fs_fpg and fs_ncg. */
export function inodesOf(bytes: Buffer): number[] {
  const field = (at: number): number => bytes.readUInt32LE(superblockAt + at);
  const places: number[] = [];
  for (let group = 0; group < field(44); group++) {
    const first = (group * field(188) + field(16)) * field(52);
    for (let index = 0; index < field(184); index++) places.push(first + index * 256);
  }
  return places.filter((at) => bytes.readUInt16LE(at) !== 0);
}

/** Bit by bit: polynomial 0x1EDC6F41 reflected, from ones, the last state as it is; 0 where the hash lies. */
export function hashOf(bytes: Buffer, inodeAt: number): number {
  let state = 0xffffffff;
  for (let index = 0; index < 256; index++) {
    state ^= index >= 244 && index < 248 ? 0 : (bytes[inodeAt + index] as number);
    for (let bit = 0; bit < 8; bit++) state = (state >>> 1) ^ (state & 1 ? 0x82f63b78 : 0);
  }
  return state >>> 0;
}

/** The inodes whose check hash is not what it is to be. */
export const wrongHashes = (bytes: Buffer): number[] =>
  inodesOf(bytes).filter((at) => bytes.readUInt32LE(at + 244) !== hashOf(bytes, at));

/** As GRUB reads it. */
export const grubText = (path: string, file: string): string =>
  execFileSync("grub-fstest", [path, "cat", `(loop0)${file}`], { stdio: "pipe" }).toString(
    "latin1",
  );

/** Where they differ. */
export function differences(one: Buffer, other: Buffer): number[] {
  assert.equal(one.length, other.length);
  const places: number[] = [];
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) places.push(at);
  return places;
}

/** Of an inode: di_size, di_mtime, di_ctime, their nanoseconds, di_ckhash. */
export const rewrittenFields = (inodeAt: number): { start: number; length: number }[] => [
  { start: inodeAt + 16, length: 8 },
  { start: inodeAt + 40, length: 16 },
  { start: inodeAt + 64, length: 4 },
  { start: inodeAt + 72, length: 4 },
  { start: inodeAt + 244, length: 4 },
];
