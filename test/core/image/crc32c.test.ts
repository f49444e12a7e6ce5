import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { crc32c } from "../../../core/image/crc32c.ts";

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
