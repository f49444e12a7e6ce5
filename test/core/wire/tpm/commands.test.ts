import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Decoded } from "../../../../core/errors.ts";
import { bootPcrs } from "../../../../core/trust/quote.ts";
import {
  decodeCreatePrimary,
  decodeFlushContext,
  decodePcrBanks,
  decodeQuote,
  encodeCreatePrimary,
  encodeFlushContext,
  encodeGetPcrBanks,
  encodeQuote,
} from "../../../../core/wire/tpm/commands.ts";
import {
  goldenCreatePrimary,
  goldenFlush,
  goldenKey,
  goldenPcrBanks,
  goldenQuote,
  hex,
} from "./golden.ts";

const decoders = [decodeCreatePrimary, decodeQuote, decodePcrBanks, decodeFlushContext];
const answers = [goldenCreatePrimary, goldenQuote, goldenPcrBanks, goldenFlush].map(
  ({ response }) => response,
);

/** A command in two: before its length's bytes are what differs, with its authorisation taken out. */
function parts(command: Uint8Array) {
  const bytes = Buffer.from(command);
  assert.equal(bytes.readUInt32BE(2), command.length, "its length");
  const authorisation = bytes.readUInt32BE(14);
  return {
    tag: bytes.readUInt16BE(0),
    codeAndHandle: bytes.toString("hex", 6, 14),
    authorisation: bytes.toString("hex", 18, 18 + authorisation),
    parameters: bytes.toString("hex", 18 + authorisation),
  };
}

const emptyPassword = "40000009 0000 00 0000".replaceAll(" ", "");

const reason = (decoded: Decoded<unknown>): string => {
  assert(!decoded.ok);
  return decoded.reason;
};

const changed = (answer: Uint8Array, offset: number, ...bytes: number[]): Uint8Array => {
  const copy = Uint8Array.from(answer);
  copy.set(bytes, offset);
  return copy;
};

test("commands are tpm2-tools' own, but for the authorisation, which is the empty password", () => {
  const handle = 0x80000001;
  for (const [own, golden] of [
    [encodeCreatePrimary(), goldenCreatePrimary],
    [encodeQuote(handle, goldenQuote.digest, bootPcrs), goldenQuote],
  ] as const) {
    const { authorisation, ...rest } = parts(own);
    const { authorisation: _, ...wanted } = parts(golden.command);
    assert.deepEqual(rest, wanted);
    assert.equal(authorisation, emptyPassword);
  }
  assert.deepEqual(encodeGetPcrBanks(), goldenPcrBanks.command);
  assert.deepEqual(encodeFlushContext(0x80000002), goldenFlush.command);
});

test("answers that tpm2-tools were given", () => {
  const { x, y } = goldenKey;
  const key = decodeCreatePrimary(goldenCreatePrimary.response);
  assert.deepEqual(key, { ok: true, value: { handle: 0x80000000, x, y } });
  const { attest, signature } = goldenQuote;
  assert.deepEqual(decodeQuote(goldenQuote.response), { ok: true, value: { attest, signature } });
  const pcrs = Array.from({ length: 24 }, (_, pcr) => pcr);
  assert.deepEqual(decodePcrBanks(goldenPcrBanks.response), {
    ok: true,
    value: ["sha1", "sha256", "sha384", "sha512"].map((hash) => ({ hash, pcrs })),
  });
  assert.deepEqual(decodeFlushContext(goldenFlush.response), { ok: true, value: null });
});

/** A key's answer whose coordinates have these bytes. */
function keyAnswer(x: string, y: string): Uint8Array {
  const size = (text: string): string => (text.length / 2).toString(16).padStart(4, "0");
  const template = Buffer.from(goldenCreatePrimary.response.subarray(20, 40)).toString("hex");
  const area = `${template}${size(x)}${x}${size(y)}${y}`;
  const rest = `80000000 00000000 ${size(area)} ${area}`.replaceAll(" ", "");
  const length = (10 + rest.length / 2).toString(16).padStart(8, "0");
  return hex(`8002 ${length} 00000000 ${rest}`);
}

test("coordinates without their leading zeros are filled up, longer ones are none", () => {
  const short = decodeCreatePrimary(keyAnswer("11".repeat(30), "22".repeat(32)));
  assert(short.ok);
  assert.deepEqual(short.value.x, hex("0000".concat("11".repeat(30))));
  assert.deepEqual(short.value.y, hex("22".repeat(32)));
  assert.equal(
    reason(decodeCreatePrimary(keyAnswer("11".repeat(33), "22".repeat(32)))),
    "another key than was asked for",
  );
});

test("another key and another signature than were asked for are refused", () => {
  // Its attributes without `restricted`: it would sign anything.
  const unrestricted = changed(goldenCreatePrimary.response, 24, 0x00, 0x04, 0x04, 0x72);
  assert.equal(reason(decodeCreatePrimary(unrestricted)), "another key than was asked for");
  const rsa = changed(goldenQuote.response, 16 + goldenQuote.attest.length, 0x00, 0x14);
  assert.equal(reason(decodeQuote(rsa)), "another signature than ECDSA P-256 with SHA-256");
  assert.equal(
    reason(decodePcrBanks(changed(goldenPcrBanks.response, 14, 6))),
    "another capability's answer",
  );
});

test("an answer that was cut, or that lies about its length", () => {
  for (const [index, answer] of answers.entries()) {
    const decode = decoders[index] as (bytes: Uint8Array) => Decoded<unknown>;
    for (let length = 0; length < answer.length; length++)
      assert.equal(reason(decode(answer.subarray(0, length))), "truncated");
    assert.equal(reason(decode(Uint8Array.of(...answer, 0))), "truncated");
  }
});

test("a refusal is said in words", () => {
  const refusal = (code: number): string =>
    reason(decodeFlushContext(hex(`8001 0000000a ${code.toString(16).padStart(8, "0")}`)));
  assert.equal(refusal(0x9a2), "a password is set (authorisation 1, response code 0x9a2)");
  assert.equal(refusal(0x185), "the hierarchy is switched off (handle 1, response code 0x185)");
  assert.equal(refusal(0x2c3), "the hash is not supported (parameter 2, response code 0x2c3)");
  assert.equal(refusal(0x101), "it has failed its own test (response code 0x101)");
  assert.equal(refusal(0x902), "it has no memory left for keys (response code 0x902)");
  assert.equal(refusal(0x01e), "it is a TPM 1.2 (response code 0x01e)");
  assert.equal(refusal(0x9bf), "the TPM refuses it (authorisation 1, response code 0x9bf)");
});

test("any bytes, and any change of an answer, are read or refused", () => {
  const edits = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 8 });
  fc.assert(
    fc.property(fc.constantFrom(...answers), edits, (answer, changes) => {
      const bytes = Uint8Array.from(answer);
      for (const [offset, value] of changes) if (offset < bytes.length) bytes[offset] = value;
      for (const decode of decoders) assert.equal(typeof decode(bytes).ok, "boolean");
      const key = decodeCreatePrimary(bytes);
      if (key.ok) assert.deepEqual([key.value.x.length, key.value.y.length], [32, 32]);
      const quote = decodeQuote(bytes);
      if (quote.ok) assert.equal(quote.value.signature.length, 64);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
      for (const decode of decoders) assert.equal(typeof decode(bytes).ok, "boolean");
    }),
  );
});
