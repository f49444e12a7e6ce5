/** Chunks are hashed, inflated and compressed beside the main thread, whatever the network brings. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import fc from "fast-check";
import { chunkCalls } from "../../../core/node/chunk-calls.ts";
import { chunkBytes } from "../../../core/units/units.ts";

const { hash, inflate, compress } = chunkCalls;
/** Half of it is noise: zstd makes it smaller, and has work with it. */
const raw = Buffer.concat([randomBytes(chunkBytes / 2), Buffer.alloc(chunkBytes / 2, "roomcast ")]);
const stored = zstdCompressSync(raw);

/** Room of `length` bytes with others behind it, and whether those are as they were. */
function roomOf(length: number): { into: Uint8Array; isKept(): boolean } {
  const memory = new Uint8Array(length + 4096).fill(0xa5);
  const behind = memory.subarray(length);
  return {
    into: memory.subarray(0, length),
    isKept: () => behind.every((byte) => byte === 0xa5),
  };
}

test("a hash is SHA-256 of exactly the bytes of a view, in shared memory too", async () => {
  const shared = new Uint8Array(new SharedArrayBuffer(1000), 100, 500).fill(7);
  for (const data of [new Uint8Array(), raw, raw.subarray(3, 1000), shared]) {
    const right = createHash("sha256").update(data).digest();
    assert.deepEqual(Buffer.from(await hash(data)), right);
  }
});

test("what was compressed comes back, from shared memory too", async () => {
  const shared = new Uint8Array(new SharedArrayBuffer(stored.length));
  shared.set(stored);
  for (const each of [stored, shared]) {
    const { into } = roomOf(chunkBytes);
    assert(await inflate(each, into));
    assert(raw.equals(into));
  }
});

test("what is longer or shorter than it should be is refused, and never more is written", async () => {
  const bomb = zstdCompressSync(Buffer.alloc(64 * chunkBytes));
  assert(bomb.length < 16 * 1024);
  for (const each of [bomb, Buffer.concat([stored, stored]), zstdCompressSync(raw.subarray(1))]) {
    const { into, isKept } = roomOf(chunkBytes);
    assert.equal(await inflate(each, into), false);
    assert(isKept());
  }
});

test("any bytes, cut or changed, are inflated right or refused", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ minLength: 1, maxLength: 3000 }),
      fc.nat(),
      fc.integer({ min: 0, max: 255 }),
      fc.nat(),
      async (data, at, byte, cut) => {
        const changed = zstdCompressSync(data);
        changed[at % changed.length] = byte;
        for (const each of [data, changed, changed.subarray(0, cut % changed.length)]) {
          const { into, isKept } = roomOf(data.length);
          if (await inflate(each, into)) assert.equal(into.length, zstdDecompressSync(each).length);
          assert(isKept());
        }
      },
    ),
  );
});

test("what is compressed has the same form each time, and none where there is no room", async () => {
  const forms: Uint8Array[] = [];
  for (let round = 0; round < 2; round++) {
    const { into, isKept } = roomOf(chunkBytes);
    const length = await compress(raw, into, 1);
    assert(length !== null && length < chunkBytes);
    assert(isKept());
    forms.push(into.subarray(0, length));
  }
  const [one, other] = forms as [Uint8Array, Uint8Array];
  assert.deepEqual(one, other);
  assert(raw.equals(zstdDecompressSync(one)));
  const { into, isKept } = roomOf(chunkBytes / 4);
  assert.equal(await compress(raw, into, 1), null);
  assert(isKept());
});

test("the main thread hands a chunk on, and does not work on it", async () => {
  const count = 32;
  const memory = Array.from({ length: 4 }, () => new Uint8Array(chunkBytes));
  const work = async (each: Uint8Array): Promise<void> => {
    assert(await inflate(stored, each));
    await hash(each);
  };
  await Promise.all(memory.map(work));
  const alone = process.threadCpuUsage();
  for (let chunk = 0; chunk < count; chunk++)
    createHash("sha256").update(zstdDecompressSync(stored)).digest();
  const here = process.threadCpuUsage(alone);
  const before = process.threadCpuUsage();
  for (let chunk = 0; chunk < count; chunk += memory.length) await Promise.all(memory.map(work));
  const beside = process.threadCpuUsage(before);
  const [own, all] = [beside, here].map(({ user, system }) => user + system) as [number, number];
  assert(own < all / 4, `this thread was busy for ${own} µs, and alone it takes ${all} µs`);
});
