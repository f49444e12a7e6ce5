/** What packing a chunk anew costs a thread: half a second of a core at level 19. */
import { constants, zstdCompressSync } from "node:zlib";
import { crc32c } from "../../core/image/crc32c.ts";
import { worthwhile } from "../../core/image/forms.ts";
import { codec, type IndexEntry } from "../../core/image/types.ts";
import { chunkBytes } from "../../core/units/units.ts";
import { chunkFault, rawOf } from "./check-jobs.ts";

export interface PackJob {
  /** As it is stored now. */
  readonly entry: IndexEntry;
  readonly stored: Uint8Array;
  /** Of zstd. */
  readonly level: number;
}

/** A chunk in a form. */
export interface StoredChunk {
  readonly entry: IndexEntry;
  readonly stored: Uint8Array;
}

/** `fault`: what is wrong with the chunk as it is stored. `packed`: null where it would not be smaller. */
export interface PackResult {
  readonly fault: string | null;
  readonly packed: StoredChunk | null;
}

/** Throws when what was packed is not what was there: it must not take its place. */
export function pack({ entry, stored, level }: PackJob): PackResult {
  const fault = chunkFault({ entry, stored, length: null });
  if (fault !== null) return { fault, packed: null };
  const raw = rawOf(entry, stored);
  const params = { [constants.ZSTD_c_compressionLevel]: level };
  // With the size known, zstd takes tables that fit a chunk.
  const options = { params, pledgedSrcSize: raw.length, chunkSize: chunkBytes };
  const small = new Uint8Array(zstdCompressSync(raw, options));
  const limit = entry.codec === codec.raw ? raw.length * worthwhile : stored.length;
  if (small.length >= limit) return { fault: null, packed: null };
  const form = { codec: codec.zstd, storedLength: small.length, crc32c: crc32c(small) };
  const packed = { entry: { ...entry, ...form }, stored: small };
  const broken = chunkFault({ ...packed, length: raw.length });
  if (broken !== null) throw new Error(`a chunk that was packed anew: ${broken}`);
  return { fault: null, packed };
}
