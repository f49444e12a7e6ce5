/** Files on an exFAT, since no tool of Debian puts any there without a mount (Microsoft's specification of exFAT). */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

interface Volume {
  readonly bytes: Buffer;
  readonly clusterBytes: number;
  readonly clusterCount: number;
  readonly fatAt: number;
  readonly root: number;
  at(cluster: number): number;
}

/** Where a new file lies: its clusters, in order; in one piece it needs no chain. */
export interface NewFile {
  /** At most 15 characters, in capitals. */
  readonly name: string;
  readonly clusters: readonly number[];
}

/** Of the volume: the first cluster that nothing uses, and the last one. */
export function clusterRange(path: string): { first: number; last: number; clusterBytes: number } {
  const volume = open(path);
  const bitmap = bitmapAt(volume);
  let first = 2;
  while (((volume.bytes[bitmap + ((first - 2) >> 3)] as number) >> ((first - 2) & 7)) & 1) first++;
  return { first, last: volume.clusterCount + 1, clusterBytes: volume.clusterBytes };
}

/** Writes each file full of numbers of its own. */
export function addFiles(path: string, files: readonly NewFile[]): void {
  const volume = open(path);
  const { bytes, clusterBytes } = volume;
  let entry = volume.at(volume.root);
  while (bytes[entry] !== 0) entry += 32;
  for (const [seed, { name, clusters }] of files.entries()) {
    const isOnePiece = clusters.every((cluster, at) => cluster === (clusters[0] as number) + at);
    for (const [at, cluster] of clusters.entries()) {
      const bit = cluster - 2;
      const place = bitmapAt(volume) + (bit >> 3);
      bytes[place] = (bytes[place] as number) | (1 << (bit & 7));
      const next = clusters[at + 1] ?? 0xffffffff;
      if (!isOnePiece) bytes.writeUInt32LE(next, volume.fatAt + cluster * 4);
      for (let word = 0; word < clusterBytes; word += 4)
        bytes.writeUInt32LE(seed * 2 ** 24 + at * clusterBytes + word, volume.at(cluster) + word);
    }
    const set = bytes.subarray(entry, entry + 96);
    const length = BigInt(clusters.length * clusterBytes);
    set[0] = 0x85;
    set[1] = 2;
    set[4] = 0x20;
    set[32] = 0xc0;
    set[33] = isOnePiece ? 3 : 1;
    set[35] = name.length;
    set.writeUInt16LE(rotated(Buffer.from(name, "utf16le"), []), 36);
    set.writeBigUInt64LE(length, 40);
    set.writeUInt32LE(clusters[0] as number, 52);
    set.writeBigUInt64LE(length, 56);
    set[64] = 0xc1;
    set.write(name, 66, "utf16le");
    set.writeUInt16LE(rotated(set, [2, 3]), 2);
    entry += 96;
  }
  writeFileSync(path, bytes);
}

/** Name → SHA-256 of each file in the root. */
export function filesOf(path: string): Record<string, string> {
  const { bytes, clusterBytes, fatAt, root, at } = open(path);
  const files: Record<string, string> = {};
  for (let entry = at(root); bytes[entry] !== 0; entry += 32) {
    if (bytes[entry] !== 0x85) continue;
    const name = bytes.toString("utf16le", entry + 66, entry + 66 + 2 * (bytes[entry + 35] ?? 0));
    const hash = createHash("sha256");
    let cluster = bytes.readUInt32LE(entry + 52);
    const count = Number(bytes.readBigUInt64LE(entry + 56)) / clusterBytes;
    for (let piece = 0; piece < count; piece++) {
      hash.update(bytes.subarray(at(cluster), at(cluster) + clusterBytes));
      const isOnePiece = ((bytes[entry + 33] as number) & 2) !== 0;
      cluster = isOnePiece ? cluster + 1 : bytes.readUInt32LE(fatAt + cluster * 4);
    }
    files[name] = hash.digest("hex");
  }
  return files;
}

function open(path: string): Volume {
  const bytes = readFileSync(path);
  const sectorBytes = 2 ** (bytes[108] as number);
  const clusterBytes = sectorBytes * 2 ** (bytes[109] as number);
  const heapAt = bytes.readUInt32LE(88) * sectorBytes;
  return {
    bytes,
    clusterBytes,
    clusterCount: bytes.readUInt32LE(92),
    fatAt: bytes.readUInt32LE(80) * sectorBytes,
    root: bytes.readUInt32LE(96),
    at: (cluster) => heapAt + (cluster - 2) * clusterBytes,
  };
}

function bitmapAt({ bytes, root, at }: Volume): number {
  let entry = at(root);
  while (bytes[entry] !== 0x81) entry += 32;
  return at(bytes.readUInt32LE(entry + 20));
}

/** The sum of names and of sets of entries: turned to the right by a bit, and each byte added. */
function rotated(bytes: Uint8Array, without: readonly number[]): number {
  let sum = 0;
  for (const [at, byte] of bytes.entries()) {
    if (!without.includes(at)) sum = (((sum << 15) | (sum >> 1)) + byte) & 0xffff;
  }
  return sum;
}
