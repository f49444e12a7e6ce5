import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import {
  certificateVerifier,
  checkBytes,
  newSigningKey,
  signerOf,
} from "../../../core/node/ed25519.ts";
import { spkiOf } from "../../../core/node/key-forms.ts";
import { pinOf } from "../../../core/node/pin.ts";
import { checkCertificate, signCertificate } from "../../../core/trust/certificate.ts";
import { canonicalJson } from "../../../core/units/canonical-json.ts";
import { certifiedPc, sampleCertificate } from "./sample-certificate.ts";

const key = newSigningKey();
const own = pinOf(spkiOf(key));
const text = signCertificate(sampleCertificate, signerOf(key));
const check = (given: string, known: readonly string[] | null = null) =>
  checkCertificate(given, known, certificateVerifier);
const reasonOf = (given: string, known?: readonly string[]): string => {
  const checked = check(given, known ?? null);
  return checked.ok ? "genuine" : checked.reason;
};

test("what was signed is read back whole, and says by whose key", () => {
  const checked = check(text, [own]);
  assert(checked.ok, checked.ok ? "" : checked.reason);
  assert.deepEqual(checked.value.document, sampleCertificate);
  assert.equal(checked.value.signer, own);
});

test("with one bit of one byte flipped anywhere it is not genuine", () => {
  const bytes = Buffer.from(text, "utf8");
  for (let at = 0; at < bytes.length; at++) {
    const flipped = Uint8Array.from(bytes);
    flipped[at] = (flipped[at] as number) ^ (1 << (at % 8));
    assert.equal(checkBytes(flipped, null).ok, false, `byte ${at}`);
  }
});

test("base64 that decodes to the same key or signature is not the same certificate", () => {
  const { signature } = JSON.parse(text);
  const signs = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (const field of [signature.key, signature.value]) {
    const at = field.indexOf("=") - 1;
    for (const sign of signs) {
      if (sign === field[at]) continue;
      const other = text.replace(field, `${field.slice(0, at)}${sign}${field.slice(at + 1)}`);
      assert.match(reasonOf(other), /signature does not match/);
    }
  }
});

test("whatever is cut, put in or exchanged, it is not genuine", () => {
  const bytes = Buffer.from(text, "utf8");
  fc.assert(
    fc.property(
      fc.nat(bytes.length),
      fc.nat(64),
      fc.uint8Array({ maxLength: 8 }),
      (at, cut, put) => {
        const changed = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + cut)]);
        assert.equal(checkBytes(changed, null).ok, changed.equals(bytes));
      },
    ),
  );
});

test("any bytes and any JSON are read without a crash", () => {
  fc.assert(fc.property(fc.uint8Array(), (bytes) => assert(!checkBytes(bytes, null).ok)));
  fc.assert(fc.property(fc.json(), (json) => assert(!check(json).ok)));
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const document = { ...sampleCertificate, pcs: value };
      assert(!check(`${canonicalJson({ ...JSON.parse(text), document })}\n`).ok);
    }),
  );
});

test("any document is signed and found genuine, with whatever words in it", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 32 }), fc.nat(9), (words, number) => {
      const steps = [{ name: words, result: "done" as const, detail: words, files: [words] }];
      const pcs = [certifiedPc(number, { name: words, reason: words, steps })];
      const document = { ...sampleCertificate, orderedBy: words, pcs };
      const checked = checkBytes(Buffer.from(signCertificate(document, signerOf(key))), [own]);
      assert.equal(checked.ok, true);
    }),
  );
});

test("each fault has its reason in words", () => {
  assert.equal(reasonOf("it is"), "it is not JSON");
  assert.equal(reasonOf("{}"), "it is JSON, but no certificate of roomcast");
  const parsed = JSON.parse(text);
  const written = (value: unknown): string => `${canonicalJson(value)}\n`;
  const later = { ...parsed, document: { ...sampleCertificate, formatVersion: 2 } };
  assert.match(reasonOf(written(later)), /version that this roomcast does not know/);
  const better = structuredClone(sampleCertificate);
  (better.pcs[1] as { result: string }).result = "verified";
  const forged = written({ ...parsed, document: better });
  assert.match(reasonOf(forged), /changed after it was signed: the signature does not match/);
  assert.match(reasonOf(JSON.stringify(parsed, null, 2)), /written anew after it was signed/);
  assert.match(reasonOf(written({ ...parsed, note: "also verified: pc2" })), /"note".*not known/);
  const twice = text.replace('"result":"failed"', '"result":"failed","result":"verified"');
  assert.notEqual(twice, text);
  assert.match(reasonOf(twice), /changed or written anew/);
  const stranger = signCertificate(sampleCertificate, signerOf(newSigningKey()));
  assert.equal(reasonOf(stranger), "genuine", "whose key it is, the reader compares");
  assert.match(reasonOf(stranger, [own]), /^it is not ours: it was signed by sha256:/);
});

test("a key of another kind signs nothing", () => {
  const { publicKey } = generateKeyPairSync("x25519");
  const der = publicKey.export({ type: "spki", format: "der" }).toString("base64");
  const { document, signature } = JSON.parse(text);
  const other = `${canonicalJson({ document, signature: { ...signature, key: der } })}\n`;
  assert.match(reasonOf(other), /signature does not match/);
});
