/** Chunks are packed anew, and no image notices but by its size. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { crc32c } from "../../../core/image/crc32c.ts";
import { formsOf, withForms } from "../../../core/image/forms.ts";
import { decodeIndex, encodeIndex } from "../../../core/image/index-codec.ts";
import { codec, type IndexEntry, type Manifest } from "../../../core/image/types.ts";
import { hashKey, sha256 } from "../../../core/node/hash.ts";
import { rawOf } from "../../../server/store/check-jobs.ts";
import { zstdDiskFile } from "../../../server/store/disk-file.ts";
import type { ImageStore } from "../../../server/store/image-store.ts";
import { openImageStore } from "../../../server/store/open-image-store.ts";
import { pack } from "../../../server/store/pack-job.ts";
import { openPackers } from "../../../server/store/packers.ts";
import { type RepackOptions, repackImage } from "../../../server/store/repack.ts";
import { readStore } from "./independent-reader.ts";
import { draftOf, entryOf, mib, write } from "./write-image.ts";

const quiet = { signal: new AbortController().signal, onProgress() {} };
const level = 6;
const usual: RepackOptions = {
  ...{ ...quiet, level, lanes: 2 },
  pack: async (job) => pack(job),
  isFree: () => true,
  untilFree: () => Promise.reject(new Error("nobody is in the way")),
};

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "repack-test-"));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Words of a small language, which a higher level finds more of. */
function prose(seed: number): Uint8Array {
  const words = Array.from({ length: 400 }, (_, n) => Math.imul(n + 7, 2654435761).toString(36));
  let state = seed + 1;
  let text = "";
  while (text.length < mib) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    text += `${words[state % words.length]} `;
  }
  return Buffer.from(text).subarray(0, mib);
}

/** Commits chunks as a capture packs them. */
async function capture(store: ImageStore, chunks: Uint8Array[], name: string): Promise<Manifest> {
  const packed = chunks.map((raw, chunkIndex) => {
    const params = { [constants.ZSTD_c_compressionLevel]: 1 };
    const stored = new Uint8Array(zstdCompressSync(raw, { params }));
    const form = { codec: codec.zstd, storedLength: stored.length, crc32c: crc32c(stored) };
    return { entry: { chunkIndex, ...form, sha256: sha256(raw) }, stored };
  });
  const writer = store.beginImage(name);
  writer.known(Buffer.concat(packed.map(({ entry }) => entry.sha256)));
  for (const { entry, stored } of packed) await writer.put(entry, stored);
  const index = encodeIndex(packed.map(({ entry }) => entry));
  return writer.commit(draftOf(index, chunks.length), index);
}

/** The disk of an image, put together as a PC does it: by the index, and the forms of now. */
async function diskOf(store: ImageStore, { id, diskBytes }: Manifest): Promise<Buffer> {
  const formed = withForms(await store.index(id), await store.forms(id));
  assert(formed.ok);
  const entries = decodeIndex(formed.value, diskBytes);
  assert(entries.ok);
  const parts: Uint8Array[] = [];
  for (const [at, entry] of (entries.value as IndexEntry[]).entries()) {
    const stored = await store.readChunk(id, at);
    assert.deepEqual([stored.length, crc32c(stored)], [entry.storedLength, entry.crc32c]);
    const raw = rawOf(entry, stored);
    assert.deepEqual(sha256(raw), entry.sha256);
    parts.push(raw);
  }
  return Buffer.concat(parts);
}

const imagesOf = (folder: string): Record<string, Buffer> =>
  Object.fromEntries(
    readdirSync(join(folder, "images")).map((name) => [
      name,
      readFileSync(join(folder, "images", name)),
    ]),
  );

test("an image is smaller, and is what it was; so is one that shares its chunks", () =>
  inFolder(async (folder) => {
    const chunks = [0, 1, 2, 3].map(prose);
    const [first] = chunks as [Uint8Array];
    let store = await openImageStore(folder);
    const one = await capture(store, chunks, "one");
    const two = await capture(store, [prose(9), first], "two");
    const before = (await store.usage()).storedBytes;
    const files = imagesOf(folder);
    const { storedBytes, damaged } = await store.repack(one.id, usual);
    assert.equal(damaged, 0);
    assert(storedBytes < one.storedBytes * 0.95, `${storedBytes} of ${one.storedBytes}`);
    assert.equal(store.storedBytes(one), storedBytes);
    assert.equal(store.storedBytes(two), two.storedBytes);
    assert((await store.usage()).storedBytes < before * 0.98);
    assert.deepEqual(imagesOf(folder), files, "manifests and indexes stay");
    const check = async (): Promise<void> => {
      assert(Buffer.concat(chunks).equals(await diskOf(store, one)));
      assert(Buffer.concat([prose(9), first]).equals(await diskOf(store, two)));
      assert.deepEqual(await store.verify(null, quiet), { ok: true, damaged: [] });
      const disks = readStore(folder);
      assert(disks.get("one@1")?.equals(Buffer.concat(chunks)));
    };
    await check();
    await store[Symbol.asyncDispose]();
    for (const name of readdirSync(folder))
      if (name.startsWith("catalogue")) rmSync(join(folder, name));
    store = await openImageStore(folder);
    await check();
    assert.equal(store.storedBytes(one), storedBytes);
    for (const { id } of [one, two]) await store.delete(id);
    assert.equal((await store.usage()).storedBytes, 0);
    await store[Symbol.asyncDispose]();
  }));

test("what was packed at this level is not packed again, by whichever image it came", () =>
  inFolder(async (folder) => {
    const noise = new Uint8Array(randomBytes(mib));
    await using store = await openImageStore(folder);
    const one = await write(store, [prose(1), noise, prose(1)], "one");
    const two = await write(store, [prose(1), noise, prose(2)], "two");
    let packed = 0;
    const counted: RepackOptions = {
      ...usual,
      async pack(job) {
        packed++;
        return pack(job);
      },
    };
    await store.repack(one.id, counted);
    assert.equal(packed, 2);
    await store.repack(two.id, counted);
    assert.equal(packed, 3);
    await store.repack(two.id, counted);
    assert.equal(packed, 3);
    await store.repack(one.id, { ...counted, level: level + 1 });
    assert.equal(packed, 5);
    assert.deepEqual(await store.readChunk(one.id, 1), noise);
  }));

test("it goes on where it was stopped", () =>
  inFolder(async (folder) => {
    // More than takes its place at once: noise that a little is won of.
    const zeros = Buffer.alloc(100_000);
    const chunks = Array.from({ length: 24 }, () =>
      Buffer.concat([randomBytes(mib - zeros.length), zeros]),
    );
    await using store = await openImageStore(folder);
    const image = await write(store, chunks);
    const stopping = new AbortController();
    let packed = 0;
    const counted: RepackOptions = {
      ...usual,
      signal: stopping.signal,
      async pack(job) {
        if (++packed === 21) stopping.abort();
        return pack(job);
      },
    };
    await assert.rejects(store.repack(image.id, counted), { code: "cancelled" });
    assert.equal(store.isPacked(image.id), false);
    assert.deepEqual(await store.verify(null, quiet), { ok: true, damaged: [] });
    packed = 100;
    await store.repack(image.id, { ...counted, signal: quiet.signal });
    assert(packed < 108, `${packed - 100} were packed again`);
    assert.equal(store.isPacked(image.id), true);
    assert(Buffer.concat(chunks).equals(await diskOf(store, image)));
  }));

/** As `usual`, in one lane, and stopped while the chunk of this number is packed, from 1; `packed`: which chunks were. */
function stoppedAt(number: number, isFree = () => true) {
  const stopping = new AbortController();
  const packed: string[] = [];
  const options: RepackOptions = {
    ...{ ...usual, lanes: 1, signal: stopping.signal, isFree },
    async pack(job) {
      packed.push(hashKey(job.entry.sha256));
      if (packed.length === number) stopping.abort();
      return pack(job);
    },
  };
  return { packed, options };
}

test("when it is stopped, nothing is packed again that was, be it smaller or not", () =>
  inFolder(async (folder) => {
    const noise = (): Uint8Array => new Uint8Array(randomBytes(mib));
    await using store = await openImageStore(folder);
    const image = await write(store, [noise(), noise(), prose(1), noise(), prose(2), noise()]);
    const [first, second, last] = [stoppedAt(3), stoppedAt(2), stoppedAt(99)];
    for (const { options } of [first, second])
      await assert.rejects(store.repack(image.id, options), { code: "cancelled" });
    await store.repack(image.id, last.options);
    const all = [...first.packed, ...second.packed, ...last.packed];
    assert.deepEqual([all.length, new Set(all).size], [6, 6]);
    assert.equal(store.isPacked(image.id), true);
  }));

test("when it is stopped while a session runs, it does not wait for its end", () =>
  inFolder(async (folder) => {
    await using store = await openImageStore(folder);
    const image = await write(store, [prose(1), prose(2)]);
    const before = await store.forms(image.id);
    let isFree = true;
    const { packed, options } = stoppedAt(1, () => isFree);
    const work = store.repack(image.id, {
      ...options,
      async pack(job) {
        isFree = false;
        return options.pack(job);
      },
    });
    await assert.rejects(work, { code: "cancelled" });
    assert.equal(packed.length, 1);
    assert.deepEqual(await store.forms(image.id), before);
  }));

test("of chunks that would not be smaller some hundreds are noted at once", async () => {
  const entries = Array.from({ length: 1000 }, (_, at) => entryOf(at, Buffer.from(`${at}`)));
  const noted: number[] = [];
  await repackImage(
    {
      index: encodeIndex(entries),
      placeOf: (hash) => ({
        ...{ pack: 1, offset: 0 },
        entry: entries.find(({ sha256 }) => Buffer.compare(sha256, hash) === 0) as IndexEntry,
      }),
      levelOf: () => 0,
      read: async () => new Uint8Array(),
      async replace({ smaller, same }) {
        assert.equal(smaller.length, 0);
        noted.push(same.length);
        return true;
      },
      markDamaged: () => assert.fail(),
      pause: async () => {},
    },
    { ...usual, pack: async () => ({ fault: null, packed: null }) },
  );
  assert.equal(
    noted.reduce((sum, count) => sum + count),
    entries.length,
  );
  assert(Math.max(...noted) < 300, `${noted}`);
});

test("while a session runs no form changes, not even of what was packed before", () =>
  inFolder(async (folder) => {
    await using store = await openImageStore(folder);
    const image = await capture(store, [prose(1), prose(2)], "lab");
    const before = await store.forms(image.id);
    let isFree = true;
    const asked: (() => void)[] = [];
    const work = store.repack(image.id, {
      ...usual,
      lanes: 1,
      async pack(job) {
        // The session begins while the last chunk is packed.
        isFree = false;
        return pack(job);
      },
      isFree: () => isFree,
      untilFree: () => new Promise((resolve) => asked.push(resolve)),
    });
    for (let turn = 0; turn < 2; turn++) {
      while (asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      assert.deepEqual(await store.forms(image.id), before);
      assert.equal(before, await store.forms(image.id));
      isFree = true;
      for (const wake of asked.splice(0)) wake();
    }
    await work;
    assert.notDeepEqual(await store.forms(image.id), before);
    assert.deepEqual(formsOf(await store.index(image.id)), before);
    assert(Buffer.concat([prose(1), prose(2)]).equals(await diskOf(store, image)));
  }));

test("a file that is being fetched gets the forms that its length was told of", () =>
  inFolder(async (folder) => {
    await using store = await openImageStore(folder);
    const image = await capture(store, [prose(1), prose(2)], "lab");
    const stale = await zstdDiskFile(store, image);
    await store.repack(image.id, usual);
    await assert.rejects(
      async () => {
        for await (const _ of stale.parts);
      },
      { code: "conflict" },
    );
    const { bytes, parts } = await zstdDiskFile(store, image);
    const got: Uint8Array[] = [];
    let work: Promise<unknown> | null = null;
    let waited = 0;
    for await (const part of parts) {
      got.push(part);
      // It begins amid the file, and waits for its end.
      work ??= store.repack(image.id, {
        ...{ ...usual, level: level + 3 },
        async untilFree() {
          waited++;
          await new Promise((resolve) => setTimeout(resolve, 5));
        },
      });
      while (waited === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await work;
    const file = Buffer.concat(got);
    assert.equal(file.length, bytes);
    // One frame for each chunk.
    const raw = got.map((frame) => zstdDecompressSync(frame));
    assert(Buffer.concat(raw).equals(Buffer.concat([prose(1), prose(2)])));
  }));

test("a chunk that changes its form while it is read is read again", () =>
  inFolder(async (folder) => {
    await using store = await openImageStore(folder);
    const image = await capture(store, [prose(1)], "lab");
    const work = store.repack(image.id, usual);
    let reads = 0;
    let isOver = false;
    const end = work.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      const { entry, stored } = await store.storedChunk(image.id, 0);
      assert.deepEqual(sha256(rawOf(entry, stored)), sha256(prose(1)));
      reads++;
    }
    await end;
    assert(reads > 1);
  }));

test("a damaged chunk is left, named, and taken from the next capture in whatever form it comes", () =>
  inFolder(async (folder) => {
    let store = await openImageStore(folder);
    const chunks = [prose(1), prose(2)];
    const image = await capture(store, chunks, "lab");
    await store[Symbol.asyncDispose]();
    const path = join(folder, "packs", "00000001.pack");
    const pack1 = readFileSync(path);
    pack1[5000] = (pack1[5000] as number) ^ 4;
    writeFileSync(path, pack1);
    store = await openImageStore(folder);
    const { damaged } = await store.repack(image.id, usual);
    assert.equal(damaged, 1);
    assert.equal((await store.verify(null, quiet)).ok, false);
    // Raw, where it was zstd before.
    await write(store, chunks, "again");
    assert.deepEqual(await store.verify(null, quiet), { ok: true, damaged: [] });
    assert(Buffer.concat(chunks).equals(await diskOf(store, image)));
    await store[Symbol.asyncDispose]();
  }));

test("an image that is deleted meanwhile leaves nothing", () =>
  inFolder(async (folder) => {
    await using store = await openImageStore(folder);
    const image = await capture(store, [prose(1), prose(2)], "lab");
    let deleted: Promise<unknown> | null = null;
    const work = store.repack(image.id, {
      ...usual,
      lanes: 1,
      async pack(job) {
        const result = pack(job);
        deleted ??= store.delete(image.id);
        await deleted;
        return result;
      },
    });
    await assert.rejects(work, { code: "not-found" });
    assert.equal((await store.usage()).storedBytes, 0);
  }));

test("how an image is to be packed anew is known to the next process, also what an earlier server wrote", () =>
  inFolder(async (folder) => {
    let store = await openImageStore(folder);
    const [one, two] = [
      await write(store, [prose(1)], "one"),
      await write(store, [prose(2)], "two"),
    ];
    const orders = new Map([
      [one.id, { level: 12, threads: 3 }],
      [two.id, { level: 9, threads: null }],
    ]);
    for (const [id, how] of orders) await store.order(id, how);
    const reopen = async (): Promise<void> => {
      await store[Symbol.asyncDispose]();
      store = await openImageStore(folder);
    };
    await reopen();
    assert.deepEqual(new Map(store.ordered), orders);
    await store.order(one.id, null);
    const file = join(folder, "optimise.json");
    assert.equal(readFileSync(file, "utf8"), `{"${two.id}":9}`);
    writeFileSync(file, `{"${one.id}":19,"${two.id}":{"threads":2},"other":null}`);
    await reopen();
    assert.deepEqual(new Map(store.ordered), new Map([[one.id, { level: 19, threads: null }]]));
    await store.delete(one.id);
    await reopen();
    assert.equal(store.ordered.size, 0);
    await store[Symbol.asyncDispose]();
  }));

test("the threads that pack are after all others, and this one is not", async () => {
  const packers = openPackers(1);
  const raw = prose(1);
  const form = { codec: codec.raw, storedLength: raw.length, crc32c: crc32c(raw) };
  const entry = { chunkIndex: 0, ...form, sha256: sha256(raw) };
  const { fault, packed } = await packers.pack({ entry, stored: raw, level });
  assert.equal(fault, null);
  assert(packed !== null && Buffer.from(raw).equals(rawOf(packed.entry, packed.stored)));
  // proc_pid_stat(5): the nice value is field 19, the 17th after the name in parentheses.
  const nices = readdirSync("/proc/self/task").map((task) =>
    Number(readFileSync(`/proc/self/task/${task}/stat`, "utf8").split(") ")[1]?.split(" ")[16]),
  );
  const own = Number(readFileSync("/proc/self/stat", "utf8").split(") ")[1]?.split(" ")[16]);
  assert.equal(nices.filter((nice) => nice === 19 && own !== 19).length, 1);
  assert.notEqual(own, 19);
  await packers.close();
});
