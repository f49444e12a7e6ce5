/** Whether what came is the chunk that it is said to be. */
import { promisify } from "node:util";
import { zstdDecompress } from "node:zlib";
import { crc32c } from "../../core/image/crc32c.ts";
import { codec, type IndexEntry } from "../../core/image/types.ts";
import { hashKey, sha256 } from "../../core/node/hash.ts";
import { chunkBytes } from "../../core/units/units.ts";
import { wrongChunk } from "./faults.ts";

const inflate = promisify(zstdDecompress);

/** Rejects with `bad-input` when the stored bytes are not the chunk that the entry says. */
export async function requireContent(entry: IndexEntry, stored: Uint8Array): Promise<void> {
  const wrong = (why: string): Error => wrongChunk(entry.chunkIndex, why);
  if (stored.length !== entry.storedLength || crc32c(stored) !== entry.crc32c)
    throw wrong("its bytes do not match their CRC");
  const raw = entry.codec === codec.zstd ? await inflated(stored, wrong) : stored;
  if (hashKey(sha256(raw)) !== hashKey(entry.sha256)) throw wrong("it does not match its hash");
}

async function inflated(stored: Uint8Array, wrong: (why: string) => Error): Promise<Uint8Array> {
  try {
    return await inflate(stored, { chunkSize: chunkBytes, maxOutputLength: chunkBytes });
  } catch {
    throw wrong("it cannot be inflated");
  }
}
