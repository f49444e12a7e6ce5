import assert from "node:assert/strict";
import type { ByteSource } from "../../../core/image/byte-source.ts";

/** A source of these bytes; asking beyond their end fails the test. */
export const sourceOf = (bytes: Uint8Array): ByteSource => ({
  size: bytes.length,
  async read(offset, length) {
    assert(offset >= 0 && offset + length <= bytes.length, `${length} bytes at ${offset}`);
    return bytes.slice(offset, offset + length);
  },
});
