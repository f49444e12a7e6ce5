/** Fitted versions beside their origins: names, order, what goes with what. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { encodeIndex } from "../../../core/image/index-codec.ts";
import { imageName } from "../../../core/image/manifest.ts";
import type { Manifest } from "../../../core/image/types.ts";
import type { ImageStore } from "../../../server/store/image-store.ts";
import { openImageStore } from "../../../server/store/open-image-store.ts";
import { readStore } from "./independent-reader.ts";
import { draftOf, entryOf, mib, write } from "./write-image.ts";

let folder = "";
let directory = "";
let count = 0;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "roomcast-fitted-"));
});
beforeEach(() => {
  directory = join(folder, String(count++));
});
after(() => rmSync(folder, { recursive: true }));

const chunk = (byte: number): Uint8Array => new Uint8Array(mib).fill(byte);

async function writeFitted(
  store: ImageStore,
  origin: Manifest,
  size: string,
  chunks: readonly Uint8Array[],
): Promise<Manifest> {
  const writer = store.beginFitted(origin, size);
  const entries = chunks.map((data, at) => entryOf(at, data));
  for (const [at, entry] of entries.entries()) await writer.put(entry, chunks[at] as Uint8Array);
  const index = encodeIndex(entries);
  return writer.commit(draftOf(index, chunks.length), index);
}

test("a fitted version has its own name, and is never the newest of a name", async () => {
  await using store = await openImageStore(directory);
  const first = await write(store, [chunk(1), chunk(2), chunk(3)]);
  const small = await writeFitted(store, first, "2MB", [chunk(1), chunk(3)]);
  const large = await writeFitted(store, first, "2.5MB", [chunk(1), chunk(2), chunk(3)]);
  assert.equal(imageName(small), "lab@1-fit-2MB");
  assert.deepEqual([small.formatVersion, small.fitOf, small.version], [3, first.id, 1]);
  assert.equal(store.find("lab")?.id, first.id);
  assert.equal(store.find("lab@1")?.id, first.id);
  assert.equal(store.find("LAB@1-fit-2mb")?.id, small.id);
  const second = await write(store, [chunk(4)]);
  assert.equal(second.version, 2);
  assert.equal(store.find("lab")?.id, second.id);
  const names = store.list().map(imageName);
  assert.deepEqual(names, ["lab@1", imageName(large), imageName(small), "lab@2"]);
  assert.deepEqual([...readStore(directory).keys()].sort(), names.toSorted());
});

test("there is one of each size, and none of a fitted one", async () => {
  await using store = await openImageStore(directory);
  const origin = await write(store, [chunk(1), chunk(2)]);
  const late = store.beginFitted(origin, "1mb");
  const fitted = await writeFitted(store, origin, "1MB", [chunk(1)]);
  assert.throws(() => store.beginFitted(origin, "1MB"), { code: "conflict" });
  assert.throws(() => store.beginFitted(fitted, "1MB"), { code: "usage" });
  await late.put(entryOf(0, chunk(1)), chunk(1));
  const index = encodeIndex([entryOf(0, chunk(1))]);
  await assert.rejects(late.commit(draftOf(index, 1), index), { code: "conflict" });
  await late.abort();
  assert.equal(store.list().length, 2);
});

test("a fitted version can go alone, and goes when its origin goes", async () => {
  await using store = await openImageStore(directory);
  const origin = await write(store, [chunk(1), chunk(2)]);
  const other = await write(store, [chunk(9)], "other");
  const alone = await writeFitted(store, origin, "1MB", [chunk(5)]);
  const { freedBytes } = await store.delete(alone.id);
  assert(freedBytes > mib);
  assert.equal(store.find("lab")?.id, origin.id);
  await writeFitted(store, origin, "1MB", [chunk(1)]);
  const late = store.beginFitted(origin, "1.5MB");
  await late.put(entryOf(0, chunk(1)), chunk(1));
  await store.delete(origin.id);
  assert.deepEqual(store.list().map(imageName), [imageName(other)]);
  const index = encodeIndex([entryOf(0, chunk(1))]);
  await assert.rejects(late.commit(draftOf(index, 1), index), { code: "not-found" });
  await late.abort();
  const next = await write(store, [chunk(1)]);
  assert.equal(next.version, 2, "a version never comes again");
});

test("what a crash left of a deletion goes when the store is opened, unless a manifest cannot be read", async () => {
  const images = join(directory, "images");
  let originId = "";
  {
    await using store = await openImageStore(directory);
    const origin = await write(store, [chunk(1), chunk(2)]);
    originId = origin.id;
    await writeFitted(store, origin, "1MB", [chunk(1)]);
  }
  const manifest = readFileSync(join(images, `${originId}.json`));
  writeFileSync(join(images, `${originId}.json`), "damaged");
  {
    await using store = await openImageStore(directory);
    assert.equal(store.list().length, 1);
  }
  writeFileSync(join(images, `${originId}.json`), manifest);
  rmSync(join(images, `${originId}.json`));
  await using store = await openImageStore(directory);
  assert.deepEqual(store.list(), []);
  assert.deepEqual(readdirSync(images), []);
});

test("the smallest disk of an image is remembered until the image goes", async () => {
  let id = "";
  {
    await using store = await openImageStore(directory);
    ({ id } = await write(store, [chunk(1), chunk(2)]));
    assert.equal(store.leastDiskBytes(id), null);
    await store.noteLeastDisk(id, 1_500_000);
    await store.noteLeastDisk(id, 1_200_000);
    await assert.rejects(store.noteLeastDisk("0123456789abcdef", 1), { code: "not-found" });
  }
  await using store = await openImageStore(directory);
  assert.equal(store.leastDiskBytes(id), 1_200_000);
  await store.delete(id);
  assert.equal(store.leastDiskBytes(id), null);
  assert.equal(readFileSync(join(directory, "least.json"), "utf8"), "{}");
});
