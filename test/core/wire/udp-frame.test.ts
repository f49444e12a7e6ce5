import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeUdpFrame, encodeUdpFrame } from "../../../core/wire/udp-frame.ts";

const frame = {
  source: "0.0.0.0",
  sourcePort: 68,
  destination: "255.255.255.255",
  destinationPort: 67,
  payload: Uint8Array.of(1, 2, 3, 4),
};

test("the headers lie where RFC 791 and RFC 768 put them, with the checksum of RFC 1071", () => {
  const hex = Buffer.from(encodeUdpFrame(frame)).toString("hex");
  assert.equal(
    hex,
    "45000020" +
      "00000000" +
      "40117ace" +
      "00000000" +
      "ffffffff" +
      "00440043000c0000" +
      "01020304",
  );
});

test("what was written is read; IP options, padding and other protocols too are told apart", () => {
  const bytes = encodeUdpFrame(frame);
  assert.deepEqual(decodeUdpFrame(bytes), { ok: true, value: frame });
  const padded = decodeUdpFrame(Uint8Array.of(...bytes, 0, 0, 0));
  assert(padded.ok && padded.value.payload.length === 4);
  assert.equal(decodeUdpFrame(bytes.with(9, 6)).ok, false, "TCP");
  assert.equal(decodeUdpFrame(bytes.with(6, 0x20)).ok, false, "a fragment");
  assert.equal(decodeUdpFrame(bytes.subarray(0, 30)).ok, false, "cut");
  const withOptions = Uint8Array.of(...bytes.subarray(0, 20), 1, 1, 1, 0, ...bytes.subarray(20));
  withOptions.set([0x46, 0, 0, 36]);
  assert.deepEqual(decodeUdpFrame(withOptions), { ok: true, value: frame });
});

test("no bytes make the decoder throw or answer more than there is", () => {
  const start = fc.constantFrom([], [0x45, 0, 0, 40, 0, 0, 0, 0, 64, 17]);
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 80 }), (head, tail) => {
      const decoded = decodeUdpFrame(Uint8Array.of(...head, ...tail));
      if (decoded.ok) assert(decoded.value.payload.length <= head.length + tail.length - 28);
    }),
  );
});
