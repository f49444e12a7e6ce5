/** A verification reads each chunk once, in memory that does not grow with the store, and its record's header too. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { encodeIndex } from "../../../core/image/index-codec.ts";
import { codec, type IndexEntry, type Manifest } from "../../../core/image/types.ts";
import { openImageStore } from "../../../server/store/open-image-store.ts";
import { recordHeader, recordHeaderBytes } from "../../../server/store/packs.ts";
import { seenBeside } from "../../../server/store/seen-beside.ts";
import { SeenTable } from "../../../server/store/seen-chunks.ts";
import { nodePorts } from "../../../server/store/store-ports.ts";
import { type VerifyPorts, verifyImages } from "../../../server/store/verify.ts";
import { draftOf, entryOf, mib, sha256, write } from "./write-image.ts";

const quiet = { signal: new AbortController().signal, onProgress() {} };

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "verify-test-"));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const numbered = (number: number, chunkIndex: number): IndexEntry => ({
  ...{ chunkIndex, codec: codec.zstd, storedLength: 1, crc32c: 0 },
  sha256: sha256(Buffer.from(`${number}`)),
});

/** An image of these chunks, by number. */
function imageOf(name: string, numbers: readonly number[], diskBytes = numbers.length * mib) {
  const index = encodeIndex(numbers.map(numbered));
  const more = { id: name, name, version: 1, capturedAt: "", storedBytes: 0 };
  const manifest: Manifest = { ...draftOf(index, numbers.length), ...more, diskBytes };
  return { manifest, index };
}

test("a chunk is read once, however many images have it, and once more at another length", async () => {
  const images = [
    imageOf("one", [1, 2, 1, 3]),
    imageOf("two", [3, 2, 4]),
    imageOf("cut", [5, 1], mib + 512),
    imageOf("cut as well", [1], 512),
  ];
  const checked: [number, number | null][] = [];
  const all = images.map(({ manifest }) => manifest);
  const hashes = new Map([1, 2, 3, 4, 5].map((of) => [numbered(of, 0).sha256.join(), of]));
  await using seen = new SeenTable();
  const ports: VerifyPorts = {
    ...{ all, seen, isHere: () => true },
    index: async ({ id }) => images.find(({ manifest }) => manifest.id === id)?.index as Uint8Array,
    readRecord: async (entry) => ({ entry, stored: Buffer.from(recordHeader(entry)) }),
    async check(job) {
      assert(job.type === "chunk");
      const number = hashes.get(job.entry.sha256.join()) as number;
      checked.push([number, job.length]);
      return { fault: number === 2 || job.length === 512 ? "bad" : null, rootHash: "" };
    },
    packOf: () => null,
  };
  const progress: [number, number][] = [];
  const { report, damagedHashes } = await verifyImages(all, ports, {
    ...quiet,
    onProgress: (...now) => void progress.push(now),
  });
  assert.deepEqual(
    checked,
    [1, 2, 3, 4, 5].map((number): [number, number] => [number, mib]).concat([[1, 512]]),
  );
  assert.deepEqual(
    progress,
    Array.from({ length: 10 }, (_, at) => [at + 1, 10]),
  );
  const damage = { reason: "bad", pack: null };
  assert.deepEqual(report, {
    ok: false,
    damaged: [
      { ...damage, image: "one@1", chunkIndex: 1, images: ["one@1", "two@1"] },
      { ...damage, image: "cut@1", chunkIndex: 1, images: ["one@1", "cut@1", "cut as well@1"] },
    ],
  });
  assert.deepEqual(damagedHashes, [numbered(2, 0).sha256, numbered(1, 0).sha256]);
});

test("of an image that goes meanwhile nothing is said, but of what another has, where that has it", async () => {
  const images = [
    imageOf("going", [1, 2, 3]),
    imageOf("left", [4, 2, 5]),
    imageOf("unread", [6]),
    imageOf("gone unread", [7]),
  ];
  const all = images.map(({ manifest }) => manifest);
  let isThere = true;
  await using seen = new SeenTable();
  const { report, damagedHashes } = await verifyImages(
    all,
    {
      ...{ all, seen },
      isHere: ({ id }) => isThere || !id.startsWith("go"),
      index: async ({ id }) => {
        if (id.endsWith("unread")) throw new Error("bad index");
        return images.find(({ manifest }) => manifest.id === id)?.index as Uint8Array;
      },
      readRecord: async (entry) => ({ entry, stored: Buffer.from(recordHeader(entry)) }),
      check: async () => ({ fault: "bad", rootHash: "" }),
      packOf: () => null,
    },
    {
      ...quiet,
      onProgress(done) {
        isThere = done < 5;
      },
    },
  );
  const damage = { reason: "bad", pack: null, image: "left@1", images: ["left@1"] };
  assert.deepEqual(report.damaged, [
    { ...damage, image: "unread@1", images: ["unread@1"], chunkIndex: null, reason: "bad index" },
    { ...damage, chunkIndex: 1 },
    { ...damage, chunkIndex: 0 },
    { ...damage, chunkIndex: 2 },
  ]);
  assert.deepEqual(
    damagedHashes,
    [2, 4, 5].map((number) => numbered(number, 0).sha256),
  );
});

for (const [when, step] of [
  ["before it is looked into", 1],
  ["while its chunks are read", 4],
] as const)
  test(`an image that is deleted ${when} is not damaged`, () =>
    inFolder(async (folder) => {
      let deletion: Promise<unknown> = Promise.resolve();
      const { checker, ...usual } = nodePorts(folder);
      const store = await openImageStore(folder, {
        ...usual,
        checker: {
          // Once it is deleted, all of it is gone before the verification goes on.
          check: (job) => deletion.then(() => checker.check(job)),
          close: () => checker.close(),
        },
      });
      const chunksFrom = (first: number): Uint8Array[] =>
        Array.from({ length: 9 }, (_, at) => Buffer.alloc(mib, first + at));
      await write(store, chunksFrom(1).slice(0, 3), "a");
      const deletes = (id: string) => ({
        ...quiet,
        onProgress(done: number) {
          if (done === step) deletion = store.delete(id);
        },
      });
      const { id } = await write(store, chunksFrom(20), "b");
      assert.deepEqual(await store.verify(null, deletes(id)), { ok: true, damaged: [] });
      await deletion;
      const other = await write(store, chunksFrom(40), "c");
      await assert.rejects(store.verify(other.id, deletes(other.id)), { code: "not-found" });
      await store[Symbol.asyncDispose]();
      const db = new DatabaseSync(join(folder, "catalogue.db"));
      assert.deepEqual(db.prepare("SELECT * FROM damaged").all(), []);
      db.close();
    }));

test("the memory of a verification does not grow with the store", async () => {
  // In a thread whose heap has room for a small part of what these chunks' hashes would take.
  const worker = new Worker(new URL("./verify-many.ts", import.meta.url), {
    workerData: { images: 5, chunks: 50_000 },
    resourceLimits: { maxOldGenerationSizeMb: 40 },
  });
  const checked = await new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  assert.equal(checked, 5 * 50_000);
});

test("what it has noted goes when it ends, is stopped, or fails", () =>
  inFolder(async (folder) => {
    let open = 0;
    let fails = false;
    const usual = nodePorts(folder);
    await using store = await openImageStore(folder, {
      ...usual,
      openSeen() {
        const seen = usual.openSeen();
        open++;
        return {
          firsts: (...of) => (fails ? Promise.reject(new Error("full")) : seen.firsts(...of)),
          async [Symbol.asyncDispose]() {
            await seen[Symbol.asyncDispose]();
            open--;
          },
        };
      },
    });
    await write(store, [Buffer.alloc(mib, 1), Buffer.alloc(mib, 2)]);
    assert.deepEqual(await store.verify(null, quiet), { ok: true, damaged: [] });
    assert.equal(open, 0);
    const stopped = store.verify(null, { ...quiet, signal: AbortSignal.abort() });
    await assert.rejects(stopped, { code: "cancelled" });
    assert.equal(open, 0);
    fails = true;
    await assert.rejects(store.verify(null, quiet), /full/);
    assert.equal(open, 0);
  }));

test("that its thread cannot note a chunk is said, and again to whoever asks on", async () => {
  await using seen = seenBeside();
  const question = (): Promise<Uint8Array> =>
    seen.firsts(encodeIndex([numbered(1, 0)]), 1n as unknown as number);
  const failure = { code: "failed", message: /^noting which chunks were verified: .*BigInt/ };
  await assert.rejects(question(), failure);
  await assert.rejects(question(), failure);
});

test("a damaged header, which alone finds the chunk without the catalogue, is told, and mended by the next capture", () =>
  inFolder(async (folder) => {
    const chunks = [1, 2, 3].map((byte) => Buffer.alloc(mib, byte));
    let store = await openImageStore(folder);
    const image = await write(store, chunks);
    await write(store, chunks.slice(1), "other");
    const path = join(folder, "packs", "00000001.pack");
    const sound = readFileSync(path);
    const start = recordHeaderBytes + mib;
    assert.deepEqual(
      sound.subarray(start, start + recordHeaderBytes),
      recordHeader(entryOf(1, chunks[1] as Uint8Array)),
    );
    const flip = (at: number): void => {
      const bytes = Buffer.from(sound);
      bytes[at] = (bytes[at] as number) ^ 4;
      writeFileSync(path, bytes);
    };
    const damage = {
      ...{ image: "lab@1", chunkIndex: 1, pack: "00000001.pack", images: ["lab@1", "other@1"] },
      reason:
        "the header of its record is damaged: the chunk is right, and will be lost with the catalogue",
    };
    // Of each field one byte.
    for (const at of [0, 4, 8, 12, 13, 16, 20, 24, 55]) {
      flip(start + at);
      const report = await store.verify(null, quiet);
      assert.deepEqual(report, { ok: false, damaged: [damage] }, `byte ${at}`);
    }
    assert.deepEqual(await store.readChunk(image.id, 1), new Uint8Array(chunks[1] as Uint8Array));
    // Of a chunk that is itself damaged, that is said.
    const both = readFileSync(path);
    both[start + recordHeaderBytes] = 9;
    writeFileSync(path, both);
    const [worse] = (await store.verify(null, quiet)).damaged;
    assert.match(worse?.reason ?? "", /CRC/);

    flip(start);
    await write(store, chunks, "again");
    assert.deepEqual(await store.verify(null, quiet), { ok: true, damaged: [] });
    await store[Symbol.asyncDispose]();
    for (const name of readdirSync(folder))
      if (name.startsWith("catalogue")) rmSync(join(folder, name));
    store = await openImageStore(folder);
    assert.deepEqual(await store.verify(null, quiet), { ok: true, damaged: [] });
    await store[Symbol.asyncDispose]();
  }));
