/** What is done for the store beside its thread: hashing, inflating, and reading of whole indexes. */
import { zstdDecompressSync } from "node:zlib";
import { errorText } from "../../core/errors.ts";
import { crc32c } from "../../core/image/crc32c.ts";
import { decodeIndex } from "../../core/image/index-codec.ts";
import { rootHashOf } from "../../core/image/merkle.ts";
import { codec, type IndexEntry } from "../../core/image/types.ts";
import { hashKey, sha256, writeSha256 } from "../../core/node/hash.ts";
import { chunkBytes } from "../../core/units/units.ts";

export type CheckJob =
  /** `length`: of the chunk on its disk; null: it is not known. */
  | {
      readonly type: "chunk";
      readonly entry: IndexEntry;
      readonly stored: Uint8Array;
      readonly length: number | null;
    }
  | { readonly type: "index"; readonly index: Uint8Array; readonly diskBytes: number };

/** Of a chunk, what is wrong with it; of an index, its root hash, or what is wrong with it. */
export interface CheckResult {
  readonly fault: string | null;
  readonly rootHash: string;
}

export function doCheck(job: CheckJob): CheckResult {
  if (job.type === "chunk") return { fault: chunkFault(job), rootHash: "" };
  const decoded = decodeIndex(job.index, job.diskBytes);
  return decoded.ok
    ? { fault: null, rootHash: rootHashOf(job.index, writeSha256) }
    : { fault: decoded.reason, rootHash: "" };
}

/** What is wrong with a chunk as it is stored; null: nothing. */
export function chunkFault({
  entry,
  stored,
  length,
}: Omit<Extract<CheckJob, { type: "chunk" }>, "type">): string | null {
  if (entry.codec === codec.zero) return rawFault(entry, new Uint8Array(length ?? 0), length);
  if (stored.length !== entry.storedLength || crc32c(stored) !== entry.crc32c)
    return "its bytes do not match their CRC";
  try {
    return rawFault(entry, rawOf(entry, stored), length);
  } catch (error) {
    return `it cannot be inflated: ${errorText(error)}`;
  }
}

/** The raw bytes of a chunk, unchecked; throws where it cannot be inflated. */
export const rawOf = (
  { codec: kind }: Pick<IndexEntry, "codec">,
  stored: Uint8Array,
): Uint8Array =>
  kind === codec.raw
    ? stored
    : zstdDecompressSync(stored, { chunkSize: chunkBytes, maxOutputLength: chunkBytes });

function rawFault(entry: IndexEntry, raw: Uint8Array, length: number | null): string | null {
  if (length !== null && raw.length !== length) return `${raw.length} bytes instead of ${length}`;
  return hashKey(sha256(raw)) === hashKey(entry.sha256) ? null : "it does not match its hash";
}
