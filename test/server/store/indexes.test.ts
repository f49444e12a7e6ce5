/** What is read of images before anybody asks for it. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { formsOf } from "../../../core/image/forms.ts";
import { encodeIndex } from "../../../core/image/index-codec.ts";
import { codec, type Manifest } from "../../../core/image/types.ts";
import { Indexes } from "../../../server/store/indexes.ts";
import { openImageStore } from "../../../server/store/open-image-store.ts";
import { nodePorts, type StorePorts } from "../../../server/store/store-ports.ts";
import { draftOf, entryOf, mib, write } from "./write-image.ts";

const chunks = [1, 2].map((fill) => new Uint8Array(mib).fill(fill));
const index = encodeIndex(chunks.map((data, at) => entryOf(at, data)));
const image = (day: number): Manifest => ({
  ...{ ...draftOf(index, chunks.length), id: `image${day}`, name: `image${day}`, version: 1 },
  ...{ storedBytes: 0, capturedAt: `2026-01-0${day}T00:00:00.000Z` },
});

test("the four newest images are read ahead, whatever their order", async () => {
  const read: string[] = [];
  const form = { codec: codec.zstd, storedLength: 7, crc32c: 9 };
  const indexes = new Indexes({
    read: async ({ id }) => {
      read.push(id);
      return index;
    },
    formsHere: (hashes) => hashes.map((_, at) => (at === 0 ? form : null)),
    pause: () => turn(),
  });
  await indexes.readAhead([3, 1, 6, 2, 5, 4].map(image));
  assert.deepEqual(read, ["image3", "image4", "image5", "image6"]);
  const forms = await indexes.formsOf(image(6));
  const [first] = chunks as [Uint8Array];
  const packed = encodeIndex([{ ...entryOf(0, first), ...form }]);
  assert.deepEqual(forms.subarray(0, 12), formsOf(packed), "the form of now");
  assert.deepEqual(forms.subarray(12), formsOf(index).subarray(12), "in no pack: as committed");
  assert.equal(await indexes.of(image(3)), index);
  assert.equal(read.length, 4);
});

test("one that is damaged keeps no other from being read ahead, and is read when it is asked for", async () => {
  let isDamaged = true;
  const indexes = new Indexes({
    read: async ({ id }) => {
      if (id === "image2" && isDamaged) throw new Error("damaged");
      return index;
    },
    formsHere: (hashes) => hashes.map(() => null),
    pause: () => turn(),
  });
  await indexes.readAhead([1, 2, 3].map(image));
  await assert.rejects(indexes.of(image(2)), /damaged/);
  isDamaged = false;
  assert.equal(await indexes.of(image(2)), index);
});

test("a store that was opened, or has a new image, reads no index for the first order", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "indexes-test-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  /** What was looked up or read: an order does neither. */
  let work = 0;
  const counting = (): StorePorts => {
    const usual = nodePorts(folder);
    const read: StorePorts["disk"]["read"] = (path) => {
      if (basename(path).endsWith(".index")) work++;
      return usual.disk.read(path);
    };
    const pause = async (): Promise<void> => {
      work++;
      await usual.disk.pause();
    };
    return { ...usual, disk: { ...usual.disk, read, pause } };
  };
  const atRest = async (): Promise<void> => {
    for (let before = -1; before !== work; await sleep(200)) before = work;
  };
  let id: string;
  {
    await using store = await openImageStore(folder, counting());
    ({ id } = await write(store, [new Uint8Array(randomBytes(mib))]));
    await atRest();
    const before = work;
    await Promise.all([store.index(id), store.forms(id)]);
    assert.equal(work, before, "after the commit");
  }
  await using store = await openImageStore(folder, counting());
  await atRest();
  const before = work;
  await Promise.all([store.index(id), store.forms(id)]);
  assert.equal(work, before, "after the start");
});
