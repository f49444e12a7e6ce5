/** A verification reads each chunk, and its record's header. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openImageStore } from "../../../server/store/open-image-store.ts";
import { recordHeader, recordHeaderBytes } from "../../../server/store/packs.ts";
import { entryOf, mib, write } from "./write-image.ts";

const quiet = { signal: new AbortController().signal, onProgress() {} };

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "verify-test-"));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

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
