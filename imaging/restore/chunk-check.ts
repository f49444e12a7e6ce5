import { codec, type IndexEntry } from "../../core/image/types.ts";
import type { ChunkCalls } from "../../core/node/chunk-calls.ts";

export type ChunkCheckPorts = Pick<ChunkCalls, "hash" | "inflate">;

/** The raw bytes of a chunk, in `buffer`, or null when they are not what its index entry says. */
export async function checkedChunk(
  entry: IndexEntry,
  rawLength: number,
  stored: Uint8Array,
  buffer: Uint8Array,
  ports: ChunkCheckPorts,
): Promise<Uint8Array | null> {
  if (stored.length !== entry.storedLength) return null;
  // What is hashed is what is written: nobody else can change it there.
  const raw = buffer.subarray(0, rawLength);
  if (entry.codec === codec.zstd) {
    if (!(await ports.inflate(stored, raw))) return null;
  } else {
    if (stored.length !== rawLength) return null;
    raw.set(stored);
  }
  return equalBytes(await ports.hash(raw), entry.sha256) ? raw : null;
}

export function equalBytes(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let index = 0; index < one.length; index++) {
    if (one[index] !== other[index]) return false;
  }
  return true;
}
