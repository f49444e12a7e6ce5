import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 as zlibCrc32 } from "node:zlib";
import fc from "fast-check";
import { crc32, crc32State } from "../../../core/image/crc32.ts";

test("the sum is zlib's, for any bytes", () =>
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      assert.equal(crc32(bytes), zlibCrc32(bytes));
    }),
  ));

test("from another state, and in parts, it is zlib's as well", () =>
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), fc.nat(0xffff_ffff), (one, other, state) => {
      assert.equal(crc32State(one, state), ~zlibCrc32(one, ~state >>> 0) >>> 0);
      const both = new Uint8Array([...one, ...other]);
      assert.equal(crc32State(other, crc32State(one, state)), crc32State(both, state));
    }),
  ));
