import { subtle } from "node:crypto";
import { promisify } from "node:util";
import { zstdDecompress } from "node:zlib";
import { chunkBytes } from "../core/units/units.ts";
import type { ChunkCheckPorts } from "./restore/chunk-check.ts";

const decompress = promisify(zstdDecompress);

/** SHA-256 and zstd in libuv's pool: the main thread stays free to answer the server. */
export const systemCodec: ChunkCheckPorts = {
  async hash(data) {
    return new Uint8Array(await subtle.digest("SHA-256", data as Uint8Array<ArrayBuffer>));
  },
  async inflate(stored, rawLength) {
    // One buffer of a chunk instead of 64 small ones: a third faster (measured).
    return decompress(stored, { chunkSize: chunkBytes, maxOutputLength: rawLength });
  },
};
