import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeHead, encodeHead } from "../../../core/image/image-head.ts";
import { canonicalJson } from "../../../core/units/canonical-json.ts";

test("what goes into a head comes out of it, and one that was cut does not", () => {
  const entries = fc.nat(20).chain((count) =>
    fc.record({
      json: fc.jsonValue(),
      index: fc.uint8Array({ minLength: count * 48, maxLength: count * 48 }),
      forms: fc.uint8Array({ minLength: count * 12, maxLength: count * 12 }),
    }),
  );
  fc.assert(
    fc.property(entries, fc.integer({ min: 1, max: 59 }), ({ json, index, forms }, cut) => {
      const manifest = new Uint8Array(Buffer.from(canonicalJson(json)));
      const head = encodeHead({ manifest, index, forms });
      assert.deepEqual(decodeHead(head), { ok: true, value: { manifest, index, forms } });
      if (cut < head.length) assert.equal(decodeHead(head.subarray(0, -cut)).ok, false);
    }),
  );
});

test("any bytes are a head or none", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      const decoded = decodeHead(bytes);
      if (!decoded.ok) return;
      const { index, forms } = decoded.value;
      assert.equal(index.length / 48, forms.length / 12);
    }),
  );
});
