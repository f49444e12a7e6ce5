/** The index: one entry of 48 bytes for each kept chunk (docs/image-format.md). */
import type { Decoded } from "../errors.ts";
import { chunkBytes, chunkCountOf, chunkLengthAt } from "../units/units.ts";
import { u32 } from "./byte-source.ts";
import { putU32 } from "./little-endian.ts";
import { type Codec, codec, type IndexEntry, indexEntryBytes } from "./types.ts";

/** Where an entry has the hash of its chunk. */
export const hashOffset = 16;

// offset  size  field (little endian)
//      0     4  chunkIndex
//      4     1  codec
//      5     3  reserved, 0
//      8     4  storedLength
//     12     4  crc32c of the stored bytes
//     16    32  sha256 of the raw bytes

/** One entry, 48 bytes. */
export function encodeEntry(entry: IndexEntry): Uint8Array {
  const out = new Uint8Array(indexEntryBytes);
  writeEntry(entry, out, 0);
  return out;
}

/** The whole index file. */
export function encodeIndex(entries: readonly IndexEntry[]): Uint8Array {
  const out = new Uint8Array(entries.length * indexEntryBytes);
  for (const [at, entry] of entries.entries()) writeEntry(entry, out, at * indexEntryBytes);
  return out;
}

/** Reads the entry at byte `offset`. `sha256` is a copy. */
export function decodeEntry(data: Uint8Array, offset = 0): Decoded<IndexEntry> {
  return entryIn(new Uint8Array(data.subarray(offset, offset + indexEntryBytes)), 0);
}

/** The hash of the entry at byte `offset`: a part of `index`. */
export const hashAt = (index: Uint8Array, offset: number): Uint8Array =>
  index.subarray(offset + hashOffset, offset + indexEntryBytes);

/** As `decodeEntry`; `sha256` is a part of `data`. */
function entryIn(data: Uint8Array, offset: number): Decoded<IndexEntry> {
  if (data.length - offset < indexEntryBytes) return { ok: false, reason: "truncated" };
  const kind = data[offset + 4] as number;
  if (kind !== codec.raw && kind !== codec.zstd && kind !== codec.zero) {
    return { ok: false, reason: `unknown codec ${kind}` };
  }
  for (let index = 5; index < 8; index++) {
    if (data[offset + index] !== 0) return { ok: false, reason: "reserved bytes are not 0" };
  }
  const storedLength = u32(data, offset + 8);
  if (storedLength > chunkBytes) return { ok: false, reason: "stored length beyond a chunk" };
  if ((kind === codec.zero) !== (storedLength === 0)) {
    return { ok: false, reason: `stored length ${storedLength} does not fit the codec` };
  }
  return {
    ok: true,
    value: {
      chunkIndex: u32(data, offset),
      codec: kind as Codec,
      storedLength,
      crc32c: u32(data, offset + 12),
      sha256: hashAt(data, offset),
    },
  };
}

/**
 * Reads a whole index of a disk of `diskBytes`: whole entries, in the order of the disk, each on it,
 * no stored length longer than its chunk. The hashes of all are in one copy: by themselves, those of a large disk take
 * several times the memory, and the time.
 */
export function decodeIndex(data: Uint8Array, diskBytes: number): Decoded<IndexEntry[]> {
  if (data.length % indexEntryBytes !== 0) return { ok: false, reason: "truncated" };
  const own = new Uint8Array(data);
  const chunkCount = chunkCountOf(diskBytes);
  const entries: IndexEntry[] = [];
  let before = -1;
  for (let offset = 0; offset < own.length; offset += indexEntryBytes) {
    const decoded = entryIn(own, offset);
    if (!decoded.ok) return { ok: false, reason: `entry ${entries.length}: ${decoded.reason}` };
    const entry = decoded.value;
    const { chunkIndex } = entry;
    if (chunkIndex <= before) {
      return { ok: false, reason: `entry ${entries.length}: chunk ${chunkIndex} out of order` };
    }
    if (chunkIndex >= chunkCount) {
      return { ok: false, reason: `entry ${entries.length}: chunk ${chunkIndex} beyond the disk` };
    }
    const rawLength = chunkLengthAt(chunkIndex, diskBytes);
    if (entry.storedLength > rawLength) {
      return { ok: false, reason: `entry ${entries.length}: stored longer than its chunk` };
    }
    if (entry.codec === codec.raw && entry.storedLength !== rawLength) {
      return { ok: false, reason: `entry ${entries.length}: raw, and not as long as its chunk` };
    }
    before = chunkIndex;
    entries.push(entry);
  }
  return { ok: true, value: entries };
}

function writeEntry(entry: IndexEntry, out: Uint8Array, offset: number): void {
  putU32(out, offset, entry.chunkIndex);
  out[offset + 4] = entry.codec;
  putU32(out, offset + 8, entry.storedLength);
  putU32(out, offset + 12, entry.crc32c);
  out.set(entry.sha256, offset + hashOffset);
}
