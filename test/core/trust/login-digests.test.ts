import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { loginCode, loginDigest } from "../../../core/node/login.ts";
import { codeOf, codeText } from "../../../core/trust/code.ts";
import { codeBytes, proofBytes } from "../../../core/trust/transcript.ts";

const filled = (value: number, length = 32): Uint8Array => new Uint8Array(length).fill(value);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

const login = {
  exporter: filled(1),
  serverNonce: filled(2),
  pcNonce: filled(3),
  hello: '{"type":"hello"}',
  spki: filled(4, 91),
  kind: "memory",
} as const;

test("what is signed is the label, the channel, both nonces, the hello, the key and its kind", () => {
  const parts = {
    ...{ exporter: filled(1), serverNonce: filled(2), pcNonce: filled(3) },
    ...{ helloHash: filled(5), spkiHash: filled(6), kind: "tpm" as const },
  };
  const label = Buffer.from("roomcast link 3\0").toString("hex");
  const values = [1, 2, 3, 5, 6].map((value) => hex(filled(value))).join("");
  assert.equal(hex(proofBytes(parts)), `${label}${values}${hex(Buffer.from("tpm"))}`);
});

test("the digest is SHA-256 over that, with the hashes of hello and key", () => {
  const sha = (data: string | Uint8Array): Buffer => createHash("sha256").update(data).digest();
  const bytes = Buffer.concat([
    Buffer.from("roomcast link 3\0"),
    ...[login.exporter, login.serverNonce, login.pcNonce, sha(login.hello), sha(login.spki)],
    Buffer.from("memory"),
  ]);
  assert.equal(hex(loginDigest(login)), hex(sha(bytes)));
});

test("every part of a login counts", () => {
  const digest = hex(loginDigest(login));
  for (const changed of [
    { exporter: filled(9) },
    { serverNonce: filled(9) },
    { pcNonce: filled(9) },
    { hello: '{"type":"hello" }' },
    { spki: filled(9, 91) },
    { kind: "file" as const },
  ])
    assert.notEqual(hex(loginDigest({ ...login, ...changed })), digest, JSON.stringify(changed));
});

test("a code is six digits, and each of its parts counts", () => {
  const parts = {
    ...{ serverSpki: filled(1, 91), pcSpki: filled(2, 91) },
    ...{ serverNonce: filled(3), pcNonce: filled(4) },
  };
  assert.equal(codeBytes(parts).length, 14 + 91 + 91 + 32 + 32);
  const code = loginCode(parts);
  assert.match(code, /^\d{6}$/);
  for (const key of Object.keys(parts) as (keyof typeof parts)[])
    assert.notEqual(loginCode({ ...parts, [key]: filled(9, parts[key].length) }), code, key);
});

test("codes have leading zeros, and every digit is likely in every place", () => {
  assert.equal(codeOf(filled(0)), "000000");
  assert.equal(codeText("012345"), "012 345");
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (digest) => {
      const code = codeOf(digest);
      assert.match(code, /^\d{6}$/);
      for (const [place, digit] of [...code].entries()) seen.add(`${place}${digit}`);
    }),
    { numRuns: 2000 },
  );
  assert.equal(seen.size, 60);
});
