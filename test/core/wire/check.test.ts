import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  checkPacketBytes,
  decodeCheckPacket,
  encodeCheckPacket,
} from "../../../core/wire/check.ts";

test("a check packet comes back as it went, laid out as its table says", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 0xffff_ffff }),
      fc.integer({ min: 0, max: 0xffff_ffff }),
      (nonce, number) => {
        const bytes = encodeCheckPacket({ nonce, number });
        assert.equal(bytes.length, checkPacketBytes);
        assert.deepEqual(decodeCheckPacket(bytes), { ok: true, value: { nonce, number } });
      },
    ),
  );
  const bytes = encodeCheckPacket({ nonce: 0x01020304, number: 5 });
  assert.equal(Buffer.from(bytes.subarray(0, 12)).toString("hex"), "52434e430403020105000000");
});

test("any other bytes are refused, and never throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
      assert.equal(decodeCheckPacket(bytes).ok, false);
    }),
  );
  assert.equal(decodeCheckPacket(encodeCheckPacket({ nonce: 1, number: 1 }).subarray(1)).ok, false);
});
