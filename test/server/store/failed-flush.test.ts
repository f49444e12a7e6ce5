/** A flush that fails takes what was written with it, and the next one says that all is well: no image may count on that. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { encodeIndex } from "../../../core/image/index-codec.ts";
import type { Manifest } from "../../../core/image/types.ts";
import { nodeFiles, type StoreFiles } from "../../../server/store/files.ts";
import type { ImageStore } from "../../../server/store/image-store.ts";
import type { ImageWriter } from "../../../server/store/image-writer.ts";
import { openImageStore } from "../../../server/store/open-image-store.ts";
import { pack } from "../../../server/store/pack-job.ts";
import { nodePorts } from "../../../server/store/store-ports.ts";
import { draftOf, entryOf, mib, sha256, write } from "./write-image.ts";

const quiet = { signal: new AbortController().signal, onProgress() {} };
const chunksOf = (...values: number[]) => values.map((value) => new Uint8Array(mib).fill(value));

/** As Linux does it (fsync(2)): the error is reported once, and what was written since the last flush is gone. */
class FailingDisk {
  /** What the next flush of something that was written fails with. */
  failure: string | null = null;
  /** Waited for after each write. */
  written = (): Promise<void> => Promise.resolve();
  private readonly dirty = new Map<string, { at: number; length: number }[]>();

  readonly files: StoreFiles = {
    ...nodeFiles,
    open: async (path, how) => {
      const file = await nodeFiles.open(path, how);
      return {
        ...file,
        write: async (data, at) => {
          await file.write(data, at);
          this.dirty.set(path, [...(this.dirty.get(path) ?? []), { at, length: data.length }]);
          await this.written();
        },
        sync: async () => {
          const lost = this.dirty.get(path) ?? [];
          this.dirty.delete(path);
          if (this.failure === null || lost.length === 0) return file.sync();
          const code = this.failure;
          this.failure = null;
          for (const { at, length } of lost) await file.write(Buffer.alloc(length), at);
          throw Object.assign(new Error(code), { code });
        },
      };
    },
  };
}

function onFailingDisk(
  name: string,
  work: (store: ImageStore, disk: FailingDisk) => Promise<void>,
): void {
  test(name, async () => {
    const folder = mkdtempSync(join(tmpdir(), "flush-test-"));
    try {
      const disk = new FailingDisk();
      await using store = await openImageStore(folder, { ...nodePorts(folder), disk: disk.files });
      await work(store, disk);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

async function putAll(writer: ImageWriter, chunks: readonly Uint8Array[]): Promise<void> {
  for (const [at, data] of chunks.entries()) await writer.put(entryOf(at, data), data);
}

function commit(writer: ImageWriter, chunks: readonly Uint8Array[]): Promise<Manifest> {
  const index = encodeIndex(chunks.map((data, at) => entryOf(at, data)));
  return writer.commit(draftOf(index, chunks.length), index);
}

const knows = (writer: ImageWriter, chunks: readonly Uint8Array[]): number[] => [
  ...writer.known(Buffer.concat(chunks.map((data) => sha256(data)))),
];

const lostFirst = { code: "bad-input", message: /chunk 0: .*the disk could not write it/ };

for (const [code, reason] of [
  ["EIO", "failed"],
  ["ENOSPC", "no-space"],
] as const)
  onFailingDisk(
    `what was lost with ${code} is sent again, by whichever image`,
    async (store, disk) => {
      const shared = chunksOf(9);
      await write(store, shared, "before");
      const [one, two] = [store.beginImage("one"), store.beginImage("two")];
      const [ones, twos] = [chunksOf(1, 2), chunksOf(3, 4, 9)];
      await putAll(one, ones);
      await putAll(two, twos);
      disk.failure = code;
      await assert.rejects(commit(one, ones), { code: reason });
      // What an image had in the same pack is still there.
      assert.deepEqual(knows(two, twos), [0b100]);
      await assert.rejects(commit(two, twos), lostFirst);
      await assert.rejects(commit(one, ones), lostFirst);
      await putAll(two, twos);
      await commit(two, twos);
      await one.abort();
      assert.deepEqual(await store.verify(null, quiet), { ok: true, damaged: [] });
      // Nothing is left of what was lost.
      assert.ok((await store.usage()).storedBytes < 9 * mib);
      for (const { id } of store.list()) await store.delete(id);
      assert.equal((await store.usage()).storedBytes, 0);
    },
  );

onFailingDisk("an image whose commit waited meanwhile is not made", async (store, disk) => {
  const [one, two] = [store.beginImage("one"), store.beginImage("two")];
  const [ones, twos] = [chunksOf(1, 2), chunksOf(3, 4)];
  await putAll(one, ones);
  await putAll(two, twos);
  disk.failure = "EIO";
  const commits = await Promise.allSettled([commit(one, ones), commit(two, twos)]);
  const reasons = commits.map((each) => (each.status === "rejected" ? each.reason.code : "made"));
  assert.deepEqual(reasons, ["failed", "failed"]);
  await putAll(two, twos);
  await commit(two, twos);
  await one.abort();
  assert.deepEqual(await store.verify(null, quiet), { ok: true, damaged: [] });
});

onFailingDisk("a chunk that was being written meanwhile is written again", async (store, disk) => {
  const [one, two] = [store.beginImage("one"), store.beginImage("two")];
  const [ones, twos] = [chunksOf(1), chunksOf(2)];
  await putAll(one, ones);
  const [reached, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  disk.written = () => {
    reached.resolve();
    return goOn.promise;
  };
  const put = putAll(two, twos);
  await reached.promise;
  disk.failure = "EIO";
  await assert.rejects(commit(one, ones), { code: "failed" });
  goOn.resolve();
  await put;
  await commit(two, twos);
  await one.abort();
  assert.deepEqual(await store.verify(null, quiet), { ok: true, damaged: [] });
});

onFailingDisk(
  "a flush that fails while chunks are packed anew counts as well",
  async (store, disk) => {
    const before = chunksOf(7);
    const { id } = await write(store, before, "before");
    const writer = store.beginImage("new");
    const chunks = chunksOf(1, 2);
    await putAll(writer, chunks);
    disk.failure = "EIO";
    const packing = store.repack(id, {
      ...{ ...quiet, level: 1, lanes: 1 },
      pack: async (job) => pack(job),
      isFree: () => true,
      untilFree: async () => {},
    });
    await assert.rejects(packing, { code: "failed" });
    await assert.rejects(commit(writer, chunks), lostFirst);
    await putAll(writer, chunks);
    await commit(writer, chunks);
    assert.deepEqual(await store.verify(null, quiet), { ok: true, damaged: [] });
  },
);
