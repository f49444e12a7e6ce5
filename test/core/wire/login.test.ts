/** The two frames that a stranger may send. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeHello } from "../../../core/wire/hello.ts";
import {
  controlProtocol,
  decodeGreet,
  decodeProof,
  loginBytes,
  otherProtocol,
} from "../../../core/wire/login.ts";

const base64 = (bytes: number): string => Buffer.alloc(bytes, 7).toString("base64");
const greet = { type: "greet", protocol: controlProtocol, commit: base64(32) };
const proof = {
  type: "proof",
  nonce: base64(32),
  kind: "memory",
  spki: base64(91),
  hello: "{}",
  quote: null,
  signature: base64(64),
};

test("a greeting and a proof are taken as they are", () => {
  assert.deepEqual(decodeGreet(JSON.stringify(greet)), { ok: true, value: greet });
  assert.deepEqual(decodeProof(JSON.stringify(proof)), { ok: true, value: proof });
});

test("lengths are those of what they stand for, and nothing else", () => {
  for (const [field, bytes] of [
    ["nonce", 32],
    ["spki", 91],
    ["signature", 64],
  ] as const) {
    for (const wrong of [0, bytes - 1, bytes + 1, 4096]) {
      const frame = JSON.stringify({ ...proof, [field]: base64(wrong) });
      assert.equal(decodeProof(frame).ok, false, `${field} of ${wrong} bytes`);
    }
    assert.equal(decodeProof(JSON.stringify({ ...proof, [field]: `${base64(bytes)} ` })).ok, false);
  }
  for (const wrong of ["cpu", "", null])
    assert.equal(decodeProof(JSON.stringify({ ...proof, kind: wrong })).ok, false);
  assert.equal(decodeProof(JSON.stringify({ ...proof, quote: base64(2000) })).ok, false);
  assert.equal(decodeProof(JSON.stringify({ ...proof, hello: "x".repeat(loginBytes) })).ok, false);
});

test("another protocol is seen whatever else its greeting has", () => {
  assert.equal(otherProtocol(JSON.stringify({ type: "greet", protocol: 99, new: true })), 99);
  for (const frame of [JSON.stringify(greet), "{", "null", '{"type":"greet","protocol":"4"}'])
    assert.equal(otherProtocol(frame), null);
});

test("any text is decoded or refused, never thrown at", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      decodeGreet(text);
      decodeProof(text);
      decodeHello(text);
      otherProtocol(text);
    }),
    { numRuns: 3000 },
  );
});

test("a good frame with one field replaced by anything is decoded or refused", () => {
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(proof)), fc.jsonValue(), (field, value) => {
      const decoded = decodeProof(JSON.stringify({ ...proof, [field]: value }));
      if (!decoded.ok) return;
      assert.equal(Buffer.from(decoded.value.nonce, "base64").length, 32);
      assert.equal(Buffer.from(decoded.value.spki, "base64").length, 91);
      assert.equal(Buffer.from(decoded.value.signature, "base64").length, 64);
    }),
    { numRuns: 3000 },
  );
});
