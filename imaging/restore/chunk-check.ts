import { codec, type IndexEntry } from "../../core/image/types.ts";

export interface ChunkCheckPorts {
  /** SHA-256, 32 bytes. */
  hash(data: Uint8Array): Promise<Uint8Array>;
  /** The raw bytes; rejects when they are not `rawLength`, or no zstd. */
  inflate(stored: Uint8Array, rawLength: number): Promise<Uint8Array>;
}

/** The raw bytes of a chunk, in `buffer`, or null when they are not what its index entry says. */
export async function checkedChunk(
  entry: IndexEntry,
  rawLength: number,
  stored: Uint8Array,
  buffer: Uint8Array,
  ports: ChunkCheckPorts,
): Promise<Uint8Array | null> {
  if (stored.length !== entry.storedLength) return null;
  let raw = stored;
  if (entry.codec === codec.zstd) {
    const inflated = await ports.inflate(stored, rawLength).catch(() => null);
    if (inflated === null) return null;
    raw = inflated;
  }
  if (raw.length !== rawLength) return null;
  // What is hashed is what is written: a copy that nobody else can change.
  const copy = buffer.subarray(0, rawLength);
  copy.set(raw);
  return equalBytes(await ports.hash(copy), entry.sha256) ? copy : null;
}

export function equalBytes(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let index = 0; index < one.length; index++) {
    if (one[index] !== other[index]) return false;
  }
  return true;
}
