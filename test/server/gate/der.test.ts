import assert from "node:assert/strict";
import { generateKeyPairSync, sign, verify } from "node:crypto";
import { test } from "node:test";
import { derSignature } from "../../../server/gate/der.ts";

const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });

test("what is signed in one form is right in the other, also with zeros and highest bits in front", () => {
  // One of 256 has a zero in front of r or of s.
  for (let number = 0; number < 2000; number++) {
    const data = Buffer.from(`${number}`);
    const raw = sign("sha256", data, { key: privateKey, dsaEncoding: "ieee-p1363" });
    assert(verify("sha256", data, publicKey, derSignature(raw)), raw.toString("hex"));
  }
});

test("the shortest and the longest integers", () => {
  const raw = new Uint8Array(64);
  assert.deepEqual([...derSignature(raw)], [0x30, 6, 2, 1, 0, 2, 1, 0]);
  raw[31] = 0x7f;
  raw[63] = 0x80;
  assert.deepEqual([...derSignature(raw)], [0x30, 7, 2, 1, 0x7f, 2, 2, 0, 0x80]);
  const most = derSignature(new Uint8Array(64).fill(0xff));
  assert.deepEqual([...most.subarray(0, 6)], [0x30, 70, 2, 33, 0, 0xff]);
  assert.equal(most.length, 72);
});
