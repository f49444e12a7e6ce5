/** The disk of an image as one file, as zstd unpacks it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { zstdCompressSync } from "node:zlib";
import { crc32c } from "../../../core/image/crc32c.ts";
import { encodeIndex } from "../../../core/image/index-codec.ts";
import { codec, type IndexEntry, type Manifest } from "../../../core/image/types.ts";
import { zstdDiskFile } from "../../../server/store/disk-file.ts";
import type { ImageStore } from "../../../server/store/image-store.ts";
import { openImageStore } from "../../../server/store/open-image-store.ts";
import { draftOf, entryOf, mib, sha256 } from "./write-image.ts";

let folder: string;
let store: ImageStore;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "roomcast-disk-file-"));
  store = await openImageStore(join(folder, "store"));
});
after(async () => {
  await store[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** Six chunks: raw, compressed, unused, of zeros, unused, and a last one that is short. */
async function image(): Promise<{ manifest: Manifest; disk: Buffer }> {
  const raw = new Uint8Array(randomBytes(mib));
  const text = new Uint8Array(mib).fill(65);
  const short = new Uint8Array(randomBytes(5000));
  const packed = new Uint8Array(zstdCompressSync(text));
  const kept: readonly (readonly [IndexEntry, Uint8Array])[] = [
    [entryOf(0, raw), raw],
    [
      {
        ...{ chunkIndex: 1, codec: codec.zstd, storedLength: packed.length },
        ...{ crc32c: crc32c(packed), sha256: sha256(text) },
      },
      packed,
    ],
    [
      {
        ...{ chunkIndex: 3, codec: codec.zero, storedLength: 0 },
        ...{ crc32c: crc32c(new Uint8Array()), sha256: sha256(new Uint8Array(mib)) },
      },
      new Uint8Array(),
    ],
    [entryOf(5, short), short],
  ];
  const writer = store.beginImage("lab");
  for (const [entry, stored] of kept) await writer.put(entry, stored);
  const index = encodeIndex(kept.map(([entry]) => entry));
  const diskBytes = 5 * mib + short.length;
  const draft = { ...draftOf(index, kept.length), diskBytes, usedBytes: 2 * mib };
  const manifest = await writer.commit(draft, index);
  const zeros = new Uint8Array(mib);
  return { manifest, disk: Buffer.concat([raw, text, zeros, zeros, zeros, short]) };
}

async function collected(parts: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return all;
}

test("zstd unpacks it to the disk, and its length is known before it is sent", async () => {
  const { manifest, disk } = await image();
  const { bytes, parts } = await zstdDiskFile(store, manifest);
  const file = Buffer.concat(await collected(parts));
  assert.equal(file.length, bytes);
  const { stdout, stderr } = spawnSync("zstd", ["-dc"], { input: file, maxBuffer: 16 * mib });
  assert(stdout.equals(disk), stderr.toString());
  assert(bytes < 1.1 * mib, "zeros and what is compressed take no room");
});

test("a chunk that is damaged ends it, and is not sent", async () => {
  const { manifest } = await image();
  const damaged: ImageStore = Object.assign(Object.create(store) as ImageStore, {
    readChunk: async (id: string, at: number) => {
      if (at === 1) throw new Error("chunk 1 is damaged");
      return store.readChunk(id, at);
    },
  });
  const { parts } = await zstdDiskFile(damaged, manifest);
  await assert.rejects(collected(parts), /chunk 1 is damaged/);
});
