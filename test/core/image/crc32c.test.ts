import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import wabt from "wabt";
import { crc32c, crcProgram } from "../../../core/image/crc32c.ts";
import { noiseOf } from "../node/noise-source.ts";

test("the program is what its text assembles to", async () => {
  const path = join(import.meta.dirname, "../../../core/image/crc32c.wat");
  const { parseWat } = await wabt();
  const { buffer } = parseWat(path, readFileSync(path, "utf8")).toBinary({});
  assert.deepEqual(crcProgram, buffer);
});

/** The same, bit by bit. */
function slowSum(bytes: Uint8Array): number {
  let state = ~0;
  for (const byte of bytes) {
    state ^= byte;
    for (let bit = 0; bit < 8; bit++) state = (state >>> 1) ^ (state & 1 ? 0x82f63b78 : 0);
  }
  return ~state >>> 0;
}

test("the sum of some and of many bytes is what it is bit by bit, in one go and in several", () => {
  for (const length of [0, 1, 15, 16, 17, 49_151, 49_152, 49_153, 200_003]) {
    const bytes = noiseOf(length, length);
    const sum = slowSum(bytes);
    assert.equal(crc32c(bytes), sum, `${length}`);
    const half = length >> 1;
    assert.equal(crc32c(bytes.subarray(half), crc32c(bytes.subarray(0, half))), sum, `${length}`);
  }
});

test("the sum of the check string is RFC 3720's", () => {
  assert.equal(crc32c(Buffer.from("123456789")), 0xe3069283);
});

test("the sum is the same wherever in memory the bytes lie, also of very few", () =>
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(7), (bytes, offset) => {
      const within = new Uint8Array(64);
      within.set(bytes, offset);
      const own = crc32c(new Uint8Array(bytes));
      assert.equal(crc32c(within.subarray(offset, offset + bytes.length)), own);
    }),
  ));
