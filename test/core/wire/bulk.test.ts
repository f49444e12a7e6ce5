import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  bulkKind,
  decodeBulk,
  decodeNumbered,
  encodeBulk,
  encodeNumbered,
} from "../../../core/wire/bulk.ts";

test("a binary frame: kind, tag, payload; any bytes are decoded or refused", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.uint8Array(), (tag, payload) => {
      const decoded = decodeBulk(encodeBulk(bulkKind.report, tag, payload));
      assert(decoded.ok);
      assert.deepEqual(
        [decoded.value.kind, decoded.value.tag, [...decoded.value.payload]],
        [bulkKind.report, tag, [...payload]],
      );
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 32 }), (bytes) => {
      const decoded = decodeBulk(bytes);
      assert(!decoded.ok || Object.values<number>(bulkKind).includes(decoded.value.kind));
    }),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.uint8Array(), (number, rest) => {
      const decoded = decodeNumbered(encodeNumbered(number, rest));
      assert(decoded.ok);
      assert.deepEqual([decoded.value.number, [...decoded.value.rest]], [number, [...rest]]);
    }),
  );
  assert.deepEqual(decodeNumbered(new Uint8Array(3)), { ok: false, reason: "truncated" });
  assert.deepEqual(decodeBulk(new Uint8Array(7)), { ok: false, reason: "truncated" });
  assert.deepEqual([...encodeBulk(1, 0x04030201, Uint8Array.of(9))], [1, 0, 0, 0, 1, 2, 3, 4, 9]);
});
