import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { encodeIndex } from "../../../core/image/index-codec.ts";
import { openImageStore } from "../../../server/store/image-store.ts";
import { draftOf, entryOf, mib, sha256, write } from "./write-image.ts";

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "store-test-"));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const quiet = { signal: new AbortController().signal, onProgress() {} };
const random = (count: number) =>
  Array.from({ length: count }, () => new Uint8Array(randomBytes(mib)));

test("versions share chunks, deleting frees what no other needs, and a lost catalogue is rebuilt", () =>
  inFolder(async (folder) => {
    const [a, b, c] = random(3) as [Uint8Array, Uint8Array, Uint8Array];
    let store = await openImageStore(folder);
    const one = await write(store, [a, b]);
    const two = await write(store, [b, c]);
    assert.equal(two.version, 2);
    assert.equal(store.find("lab")?.id, two.id);
    assert.equal(store.find("lab@1")?.id, one.id);
    assert.ok((await store.usage()).storedBytes < 3.1 * mib);
    const { freedBytes } = await store.delete(one.id);
    assert.ok(freedBytes >= mib && freedBytes < 1.1 * mib);
    assert.ok((await store.usage()).storedBytes < 2.1 * mib);
    await store[Symbol.asyncDispose]();
    for (const name of readdirSync(folder)) {
      if (name.startsWith("catalogue")) rmSync(join(folder, name));
    }
    store = await openImageStore(folder);
    assert.deepEqual(await store.readChunk(two.id, 1), c);
    assert.deepEqual(await store.readChunk(two.id, 0), b);
    await store.delete(two.id);
    assert.equal((await store.usage()).storedBytes, 0);
    await store[Symbol.asyncDispose]();
  }));

test("a flipped bit is found, and its chunk named", () =>
  inFolder(async (folder) => {
    const chunks = random(3);
    let store = await openImageStore(folder);
    const image = await write(store, chunks);
    await store[Symbol.asyncDispose]();
    const pack = join(folder, "packs", "00000001.pack");
    const data = readFileSync(pack);
    const at = data.indexOf((chunks[1] as Uint8Array).subarray(0, 64)) + 5000;
    data[at] = (data[at] as number) ^ 8;
    writeFileSync(pack, data);
    store = await openImageStore(folder);
    await assert.rejects(store.readChunk(image.id, 1), {
      code: "bad-input",
      message: /lab@1: chunk 1 /,
    });
    assert.deepEqual(await store.readChunk(image.id, 2), chunks[2]);
    const report = await store.verify(image.id, quiet);
    assert.deepEqual(
      report.damaged.map(({ chunkIndex }) => chunkIndex),
      [1],
    );
    await store[Symbol.asyncDispose]();
  }));

test("chunks that lie are refused, and so is an image that lacks one", () =>
  inFolder(async (folder) => {
    const [a, b] = random(2) as [Uint8Array, Uint8Array];
    const store = await openImageStore(folder);
    const writer = store.beginImage("lab");
    const lie = { ...entryOf(3, a), sha256: sha256(b) };
    await assert.rejects(writer.put(lie, a), { code: "bad-input", message: /chunk 3/ });
    await writer.put(entryOf(0, a), a);
    const index = encodeIndex([entryOf(0, a), entryOf(1, b)]);
    await assert.rejects(writer.commit(draftOf(index, 2), index), { message: /chunk 1: it never/ });
    assert.deepEqual([...writer.known(Buffer.concat([sha256(b), sha256(a)]))], [2]);
    await writer.abort();
    assert.equal((await store.usage()).storedBytes, 0);
    assert.equal(store.list().length, 0);
    await store[Symbol.asyncDispose]();
  }));

test("a process that is killed leaves every committed image whole", () =>
  inFolder(async (folder) => {
    const script = `
      import { randomBytes } from "node:crypto";
      const { write } = await import(${JSON.stringify(new URL("write-image.ts", import.meta.url).href)});
      const { openImageStore } = await import(${JSON.stringify(new URL("../../../server/store/image-store.ts", import.meta.url).href)});
      const store = await openImageStore(${JSON.stringify(folder)});
      for (;;) {
        const image = await write(store, Array.from({ length: 4 }, () => new Uint8Array(randomBytes(1 << 20))));
        console.log(image.id);
      }`;
    for (let round = 0; round < 3; round++) {
      const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
        env: { ...process.env, NODE_TEST_CONTEXT: "" },
        stdio: ["ignore", "pipe", "inherit"],
      });
      let said = "";
      child.stdout.on("data", (text) => {
        said += text;
        if (said.split("\n").length > 3) setTimeout(() => child.kill("SIGKILL"), 7 * (round + 1));
      });
      await once(child, "close");
      const ids = said.split("\n").slice(0, -1);
      assert.ok(ids.length >= 3);
      const store = await openImageStore(folder);
      for (const id of ids) {
        assert.deepEqual(await store.verify(id, quiet), { ok: true, damaged: [] });
        await store.delete(id);
      }
      for (const { id } of store.list()) {
        assert.equal((await store.verify(id, quiet)).ok, true);
        await store.delete(id);
      }
      assert.equal((await store.usage()).storedBytes, 0);
      await store[Symbol.asyncDispose]();
    }
  }));

test("a full store says so, and goes on when there is space", () =>
  inFolder(async (folder) => {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "none", folder]);
    try {
      const store = await openImageStore(folder);
      const chunks = random(4);
      const image = await write(store, chunks);
      const writer = store.beginImage("big");
      const fill = async () => {
        for (const data of random(8)) await writer.put(entryOf(0, data), data);
      };
      await assert.rejects(fill(), { code: "no-space", message: /full/ });
      await writer.abort();
      assert.equal((await store.verify(image.id, quiet)).ok, true);
      await store.delete(image.id);
      assert.equal((await write(store, random(4))).version, 1);
      await store[Symbol.asyncDispose]();
    } finally {
      execFileSync("umount", [folder]);
    }
  }));
