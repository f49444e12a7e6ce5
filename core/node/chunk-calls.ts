/**
 * SHA-256 and zstd by the calls of the OpenSSL and the zstd that are in Node's program and that it exports for addons.
 * They work in libuv's pool, where the bytes are: what Node has for it copies input and output on the main thread, and
 * sets up a stream for each chunk.
 */
import koffi from "koffi";
import { assert } from "../errors.ts";

const library = koffi.load(null);
const sha256Type = library.func("const void *EVP_sha256()");
const digestCall = library.func(
  "int EVP_Digest(const void *data, size_t count, void *digest, void *length, const void *type, void *engine)",
);
const decompressCall = library.func(
  "size_t ZSTD_decompress(void *into, size_t room, const void *stored, size_t count)",
);
const compressCall = library.func(
  "size_t ZSTD_compress(void *into, size_t room, const void *data, size_t count, int level)",
);

const digestBytes = 32;

/** What takes and gives the bytes of chunks. Nobody may change them meanwhile. */
export interface ChunkCalls {
  /** SHA-256, 32 bytes. */
  hash(data: Uint8Array): Promise<Uint8Array>;
  /** Whether `stored` was zstd (RFC 8878) of exactly as many bytes as `into` has, which are there then. Nothing is written beyond it. */
  inflate(stored: Uint8Array, into: Uint8Array): Promise<boolean>;
  /** zstd of this level, at the start of `into`: its length, or null when there is no room for it. The same bytes and room always give the same. */
  compress(data: Uint8Array, into: Uint8Array, level: number): Promise<number | null>;
}

export const chunkCalls: ChunkCalls = {
  async hash(data) {
    const digest = new Uint8Array(digestBytes);
    const { length } = data;
    const isDone = await beside(digestCall, data, length, digest, null, sha256Type(), null);
    assert(isDone === 1, "SHA-256 is of any bytes");
    return digest;
  },
  async inflate(stored, into) {
    // An error is a number that no length is.
    return (await beside(decompressCall, into, into.length, stored, stored.length)) === into.length;
  },
  async compress(data, into, level) {
    const length = await beside(compressCall, into, into.length, data, data.length, level);
    return length <= into.length ? length : null;
  },
};

/** Memory that a call has is not given back before its answer: the callback holds `values`. */
const beside = (func: typeof digestCall, ...values: unknown[]): Promise<number> =>
  new Promise((resolve, reject) => {
    func.async(...values, (error: unknown, result: number | bigint) => {
      if (error) reject(error);
      else resolve(Number(result));
      values.length = 0;
    });
  });
