import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { bootPcrs, type Quote, readQuote } from "../../../core/trust/quote.ts";
import { goldenKey, goldenQuote, hex } from "../wire/tpm/golden.ts";

const read = (bytes: Uint8Array): Quote => {
  const decoded = readQuote(bytes);
  assert(decoded.ok, decoded.ok ? "" : decoded.reason);
  return decoded.value;
};
const reason = (bytes: Uint8Array): string => {
  const decoded = readQuote(bytes);
  assert(!decoded.ok);
  return decoded.reason;
};
/** The quote with other bytes from an offset on. */
const changed = (offset: number, ...bytes: number[]): Uint8Array => {
  const copy = Uint8Array.from(goldenQuote.attest);
  copy.set(bytes, offset);
  return copy;
};

/** By the layout table, with a name of 34 bytes and a digest of 32. */
const at = { type: 4, signer: 6, extraData: 42, safe: 92, selections: 101, select: 107 };

test("a quote that tpm2-tools asked for, field by field", () => {
  assert.deepEqual(read(goldenQuote.attest), {
    extraData: goldenQuote.digest,
    clockMs: 606n,
    resetCount: 1,
    restartCount: 0,
    isClockSafe: true,
    firmwareVersion: 0x20191023_00163636n,
    pcrSelection: [bootPcrs],
    pcrDigest: hex("b393978842a0fa3d3e1470196f098f473f9678e72463cb65ec4ab5581856c2e4"),
  });
});

test("node:crypto finds its signature right, and wrong once a byte differs", () => {
  const key = {
    key: createPublicKey({ key: Buffer.from(goldenKey.spki), format: "der", type: "spki" }),
    dsaEncoding: "ieee-p1363",
  } as const;
  assert(verify("sha256", goldenQuote.attest, key, goldenQuote.signature));
  assert(!verify("sha256", changed(50, 0xff), key, goldenQuote.signature));
});

test("other registers, banks without a name here, and none", () => {
  const selection = (bytes: Uint8Array) => read(bytes).pcrSelection;
  assert.deepEqual(selection(changed(at.select - 2, 0x00, 0x04)), [
    { hash: "sha1", pcrs: bootPcrs.pcrs },
  ]);
  assert.deepEqual(selection(changed(at.select - 2, 0x00, 0x12, 3, 0, 0, 0x80)), [
    { hash: "0x0012", pcrs: [23] },
  ]);
  const none = changed(at.selections, 0, 0, 0, 0, 0, 0);
  assert.deepEqual(selection(none.subarray(0, at.selections + 6)), []);
});

test("what is no quote says why", () => {
  const { attest } = goldenQuote;
  assert.equal(reason(attest.subarray(0, 3)), "not made by a TPM");
  assert.equal(reason(changed(0, 0xfe)), "not made by a TPM");
  assert.equal(reason(changed(at.type, 0x80, 0x17)), "not a quote", "it certifies a key");
  assert.equal(reason(Uint8Array.of(...attest, 0)), "longer than a quote");
  assert.equal(reason(changed(at.selections, 0, 0, 1)), "257 selections of PCRs");
  const long = new Uint8Array(attest.length + 33);
  long.set(attest.subarray(0, at.signer));
  long.set([0, 67], at.signer);
  long.set(attest.subarray(at.extraData), at.extraData + 33);
  assert.equal(reason(long), "a field is longer than a TPM makes it");
  for (let length = 6; length < attest.length; length++) {
    assert.equal(reason(attest.subarray(0, length)), "truncated", `${length} bytes`);
  }
});

test("any bytes, and any change of a quote, are read or refused", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => !readQuote(bytes).ok));
  const edits = fc.array(fc.tuple(fc.nat(goldenQuote.attest.length - 1), fc.nat(255)));
  fc.assert(
    fc.property(edits, fc.nat(200), (changes, cut) => {
      const bytes = Uint8Array.from(goldenQuote.attest);
      for (const [offset, value] of changes) bytes[offset] = value;
      const decoded = readQuote(bytes.subarray(0, cut));
      if (!decoded.ok) return;
      assert(decoded.value.extraData.length <= 66 && decoded.value.pcrDigest.length <= 64);
      assert(decoded.value.pcrSelection.length <= 16);
    }),
  );
});
