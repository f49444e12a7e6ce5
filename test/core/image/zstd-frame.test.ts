/** Frames that zstd itself reads. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { zstdDecompressSync } from "node:zlib";
import fc from "fast-check";
import {
  rawFrame,
  rawFrameBytes,
  zeroFrame,
  zeroFrameBytes,
} from "../../../core/image/zstd-frame.ts";

const blockBytes = 128 * 1024;
/** One byte, around the ends of blocks, and whole chunks. */
const lengths = fc.oneof(
  fc.integer({ min: 1, max: 3000 }),
  fc.constantFrom(blockBytes - 1, blockBytes, blockBytes + 1, 2 * blockBytes, 8 * blockBytes),
);

test("a frame holds the bytes as they are, and is as long as was said", () => {
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1, max: 255 }), (length, step) => {
      const data = Uint8Array.from({ length }, (_, at) => (at * step) >> 3);
      const frame = rawFrame(data);
      assert.equal(frame.length, rawFrameBytes(length));
      assert(zstdDecompressSync(frame).equals(data));
    }),
    { numRuns: 40 },
  );
});

test("a frame of zeros is a few bytes, and is as long as was said", () => {
  fc.assert(
    fc.property(lengths, (length) => {
      const frame = zeroFrame(length);
      assert.equal(frame.length, zeroFrameBytes(length));
      assert(frame.length <= 9 + 8 * 4);
      assert(zstdDecompressSync(frame).equals(Buffer.alloc(length)));
    }),
    { numRuns: 40 },
  );
});
