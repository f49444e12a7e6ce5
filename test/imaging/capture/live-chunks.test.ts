import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { zstdDecompressSync } from "node:zlib";
import { codec } from "../../../core/image/types.ts";
import { LiveChunks } from "../../../imaging/capture/live-chunks.ts";
import { FakeDisk } from "../restore/fake-disk.ts";

const mib = 1 << 20;
const chunkCount = 40;

/** Each chunk full of its own number; chunk 7 is empty. */
function newDisk(): FakeDisk {
  const content = new Uint8Array(chunkCount * mib);
  for (let chunk = 0; chunk < chunkCount; chunk++)
    if (chunk !== 7) content.fill(chunk + 1, chunk * mib, (chunk + 1) * mib);
  return new FakeDisk(content);
}

interface Live {
  readonly chunks: LiveChunks;
  readonly disk: FakeDisk;
  readonly ended: Promise<void>;
  /** How many entries were known at each word of it. */
  readonly told: number[];
  awaited: boolean;
}

function start(holdLimit: number, disk = newDisk()): Live {
  const told: number[] = [];
  const chunks: LiveChunks = new LiveChunks({
    disk,
    chunks: Array.from({ length: chunkCount }, (_, chunkIndex) => ({ chunkIndex, zeroed: [] })),
    holdLimit,
    signal: new AbortController().signal,
    known: () => void told.push(chunks.entries.length),
    isAwaited: () => live.awaited,
  });
  const live: Live = { chunks, disk, told, awaited: true, ended: chunks.run() };
  live.ended.catch(() => {});
  return live;
}

const readsOf = ({ disk }: Live): number => disk.calls.filter(({ call }) => call === "read").length;

async function assertChunk({ chunks, disk }: Live, entryIndex: number): Promise<void> {
  const stored = await chunks.read(entryIndex);
  const raw = zstdDecompressSync(stored);
  const start = entryIndex * mib;
  assert.deepEqual(Buffer.compare(raw, disk.content.subarray(start, start + mib)), 0);
}

test("what is taken in time is read once, in order, and no more is held than may be", async () => {
  const live = start(8);
  await sleep(300);
  // The empty chunk is held by nobody.
  assert(live.chunks.entries.length <= 9, `${live.chunks.entries.length} known`);
  for (let entryIndex = 0; entryIndex < chunkCount; entryIndex++) {
    while (live.chunks.entries.length <= entryIndex) await sleep(5);
    if (entryIndex !== 7) await assertChunk(live, entryIndex);
  }
  await live.ended;
  assert.equal(readsOf(live), chunkCount);
  assert.deepEqual(
    [...live.told].sort((one, other) => one - other),
    live.told,
  );
  assert.equal(live.told.at(-1), chunkCount);
  const [first, , , , , , , empty] = live.chunks.entries;
  assert.deepEqual([empty?.codec, empty?.storedLength], [codec.zero, 0]);
  const hash = createHash("sha256").update(new Uint8Array(mib).fill(1)).digest();
  assert.deepEqual(Buffer.from(first?.sha256 ?? []), hash);
});

test("the disk is as busy as its first reading makes it: what is read again is counted in no bytes", async () => {
  const live = start(0);
  await live.ended;
  const { busyMs } = live.chunks;
  assert(busyMs > 0);
  for (let entryIndex = 0; entryIndex < 5; entryIndex++) await assertChunk(live, entryIndex);
  assert.equal(readsOf(live), chunkCount + 5);
  assert.equal(live.chunks.busyMs, busyMs);
});

test("what nobody wants is let go, and read again for whoever wants it after all", async () => {
  const live = start(8);
  live.awaited = false;
  await live.ended;
  assert.equal(live.chunks.entries.length, chunkCount);
  await assertChunk(live, 0);
  assert.equal(readsOf(live), chunkCount + 1);
});

test("without holding, reading waits for nobody", async () => {
  const live = start(0);
  await live.ended;
  await assertChunk(live, 39);
  assert.equal(readsOf(live), chunkCount + 1);
});

test("a disk that does not read the same twice is named", async () => {
  const live = start(0);
  await live.ended;
  live.disk.content.fill(0xee, 3 * mib, 4 * mib);
  await assert.rejects(live.chunks.read(3), /changed while it was cast.*chunk 3/);
});

test("a chunk that cannot be read ends it, whoever waits for room", async () => {
  const disk = newDisk();
  disk.onRead = (offset) => {
    if (offset === 3 * mib) throw new Error("EIO");
  };
  await assert.rejects(start(8, disk).ended, /EIO/);
});
