import assert from "node:assert/strict";
import { createDecipheriv, createHmac } from "node:crypto";
import { test } from "node:test";
import { encodeIndex } from "../../../core/image/index-codec.ts";
import { codec, type IndexEntry } from "../../../core/image/types.ts";
import {
  type ChunkCipher,
  openChunkCipher,
  readKeys,
} from "../../../core/node/cast/chunk-cipher.ts";
import { castKeys, keysOf } from "../cast/keys.ts";

const entryOf = (chunkIndex: number, more: Partial<IndexEntry> = {}): IndexEntry => ({
  ...{ chunkIndex, codec: codec.zstd, storedLength: 3000, crc32c: 5 },
  sha256: new Uint8Array(32).fill(9),
  ...more,
});
/** The same bytes at two places, then others that differ in one thing. */
const entries = [
  entryOf(3),
  entryOf(8),
  entryOf(9, { sha256: new Uint8Array(32).fill(8) }),
  entryOf(10, { codec: codec.raw }),
  entryOf(11, { crc32c: 6 }),
];
const { chunk: key } = readKeys(castKeys);
const stored = Uint8Array.from({ length: 100_001 }, (_, index) => index * 7);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

const apply = (cipher: ChunkCipher, at: number, bytes = stored, by = key): Uint8Array => {
  const into = new Uint8Array(bytes.length);
  cipher.apply(by, at, bytes, into);
  return into;
};

test("the same bytes meet the same key stream, and no others ever do", async () => {
  const cipher = await openChunkCipher(encodeIndex(entries));
  const [first, ...others] = entries.map((_, entryIndex) => hex(apply(cipher, entryIndex)));
  assert.equal(others[0], first);
  assert.equal(new Set([first, ...others]).size, 4);
  assert.notEqual(hex(apply(cipher, 0, stored, readKeys(keysOf(6)).chunk)), first);
});

test("it is AES-256-CTR from the HMAC of the entry without its place, and its own opposite, with and without calls", async () => {
  const index = encodeIndex(entries);
  for (const mayUseCalls of [true, false]) {
    const cipher = await openChunkCipher(index, mayUseCalls);
    const encrypted = apply(cipher, 2);
    const iv = createHmac("sha256", key)
      .update(index.subarray(2 * 48 + 4, 3 * 48))
      .digest();
    const plain = createDecipheriv("aes-256-ctr", key, iv.subarray(0, 16)).update(encrypted);
    assert.equal(hex(plain), hex(stored));
    cipher.apply(key, 2, encrypted, encrypted);
    assert.equal(hex(encrypted), hex(stored));
    cipher.close();
  }
});

test("the calls are there, with the Node that everything runs with", async () => {
  const { AesCalls } = await import("../../../core/node/aes-calls.ts");
  new AesCalls().close();
});

test("an entry of a live cast is as one that was known from the start", async () => {
  const live = await openChunkCipher({ entryCount: entries.length });
  for (const [at, entry] of entries.entries()) live.announce(at, entry);
  const cipher = await openChunkCipher(encodeIndex(entries));
  for (const at of entries.keys()) assert.equal(hex(apply(live, at)), hex(apply(cipher, at)));
});
