import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { encodeIndex } from "../../../core/image/index-codec.ts";
import { encodeManifestFile } from "../../../core/image/manifest.ts";
import type { Manifest } from "../../../core/image/types.ts";
import { hexSha256, sha256 } from "../../../core/node/hash.ts";
import type { ImageStore } from "../../../server/store/image-store.ts";
import { openImageStore } from "../../../server/store/open-image-store.ts";
import { openInCampus, World } from "../campus/site.ts";
import { draftOf, entryOf, mib, write } from "./write-image.ts";

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "store-test-"));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The folder of a server alone, and that of one which belongs to a campus. */
function forBoth(
  name: string,
  work: (folder: string, open: (folder: string) => Promise<ImageStore>) => Promise<void>,
): void {
  test(name, () => inFolder((folder) => work(folder, openImageStore)));
  test(`${name}; in a campus`, () => {
    const world = new World();
    return inFolder((folder) => work(folder, () => openInCampus(world, folder)));
  });
}

const quiet = { signal: new AbortController().signal, onProgress() {} };
const random = (count: number) =>
  Array.from({ length: count }, () => new Uint8Array(randomBytes(mib)));

forBoth(
  "versions share chunks, deleting frees what no other needs, and a lost catalogue is rebuilt",
  async (folder, openImageStore) => {
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
  },
);

forBoth("a flipped bit is found, and its chunk named", async (folder, openImageStore) => {
  const chunks = random(3);
  let store = await openImageStore(folder);
  const image = await write(store, chunks);
  await write(store, chunks.slice(1), "other");
  await write(store, chunks.slice(2), "sound");
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
    report.damaged.map(({ chunkIndex, pack, images }) => [chunkIndex, pack, images]),
    [[1, "00000001.pack", ["lab@1", "other@1"]]],
  );
  assert.equal((await store.verify(null, quiet)).damaged.length, 1);

  // The next capture that has the chunk stores it anew, and that mends every image.
  const writer = store.beginImage("again");
  const hashes = chunks.map((data) => sha256(data));
  assert.deepEqual([...writer.known(Buffer.concat(hashes))], [0b101]);
  await writer.abort();
  await write(store, chunks, "again");
  assert.deepEqual(await store.verify(null, quiet), { ok: true, damaged: [] });
  await store[Symbol.asyncDispose]();
  store = await openImageStore(folder);
  assert.deepEqual(await store.readChunk(image.id, 1), chunks[1]);
  await store[Symbol.asyncDispose]();
});

forBoth(
  "the number of a version that was deleted is not given again",
  async (folder, openImageStore) => {
    const versions: number[] = [];
    for (let round = 0; round < 2; round++) {
      await using store = await openImageStore(folder);
      versions.push((await write(store, random(1))).version);
      const newest = await write(store, random(1));
      versions.push(newest.version);
      await store.delete(newest.id);
      versions.push((await write(store, random(1), "other")).version);
    }
    assert.deepEqual(versions, [1, 2, 1, 3, 4, 2]);
  },
);

test("versions that cannot be read are told, and stay as they are until they can be", () =>
  inFolder(async (folder) => {
    const path = join(folder, "versions.json");
    {
      await using store = await openImageStore(folder);
      await store.delete((await write(store, random(1))).id);
      await write(store, random(1), "other");
      await write(store, random(1), "other");
    }
    const before = readFileSync(path, "utf8");
    const problem = /^versions\.json .*a deleted version's number may come again; let .*read it/;
    for (const makeUnreadable of [() => mkdirSync(path), () => writeFileSync(path, '{"lab":')]) {
      rmSync(path);
      makeUnreadable();
      await using store = await openImageStore(folder);
      assert.match(store.problems.join("\n"), problem);
      const { id } = await write(store, random(1), "new");
      const refused = { code: "failed", message: /versions\.json .*new@\d/, next: /remove it/ };
      await assert.rejects(store.delete(id), refused);
      assert.equal(store.find("new")?.id, id);
      // No number is lost with these.
      const older = store.find("other@1");
      if (older !== undefined) assert.ok((await store.delete(older.id)).freedBytes >= mib);
      assert.equal((await store.verify(null, quiet)).ok, true);
      rmSync(path, { recursive: true });
      writeFileSync(path, before);
    }
    await using store = await openImageStore(folder);
    assert.deepEqual(store.problems, []);
    assert.equal((await write(store, random(1))).version, 2);
    assert.ok((await store.delete(store.find("new")?.id ?? "")).freedBytes >= mib);
    assert.deepEqual(JSON.parse(readFileSync(path, "utf8")), { lab: 1, new: 2 });
  }));

forBoth(
  "names that differ by capital letters are one, in the spelling that came first",
  async (folder, openImageStore) => {
    const chunk = random(1);
    {
      await using store = await openImageStore(folder);
      assert.equal((await write(store, chunk, "Win11-Lab")).name, "Win11-Lab");
      const second = await write(store, chunk, "win11-lab");
      assert.deepEqual([second.name, second.version], ["Win11-Lab", 2]);
      assert.equal(store.find("WIN11-LAB")?.id, second.id);
      assert.equal(store.find("win11-lab@1")?.version, 1);
      assert.throws(() => store.beginImage("Win 11"), { code: "usage", next: /Win-11, say/ });
      await store.delete(second.id);
    }
    await using store = await openImageStore(folder);
    assert.equal((await write(store, chunk, "WIN11-lab")).version, 3);
  },
);

test("an image whose name would be refused now is listed, used and swept around", () =>
  inFolder(async (folder) => {
    const chunks = random(3);
    const odd = new Map<string, string>();
    {
      await using store = await openImageStore(folder);
      for (const [at, name] of ["Lab 1", "a\u001b[2Jb", "-"].entries())
        odd.set((await write(store, [chunks[at] as Uint8Array], `odd${at}`)).id, name);
    }
    for (const [id, name] of odd) {
      const path = join(folder, "images", `${id}.json`);
      const { selfHash: _, ...manifest } = JSON.parse(readFileSync(path, "utf8"));
      writeFileSync(path, encodeManifestFile({ ...manifest, name }, hexSha256));
    }
    await using store = await openImageStore(folder);
    assert.deepEqual(store.problems, []);
    assert.deepEqual(
      store
        .list()
        .map(({ name }) => name)
        .sort(),
      ["-", "Lab 1", "a?[2Jb"],
    );
    const spaced = store.find("lab 1@1");
    assert(spaced !== undefined);
    assert.deepEqual(await store.readChunk(spaced.id, 0), chunks[0]);
    assert.equal(store.warnings.length, 3);
    const warning = store.warnings.find((text) => text.includes(spaced.id)) ?? "";
    assert.match(warning, /"Lab 1" cannot be the name of an image: it has a space/);
    assert.match(warning, /image import Lab-1\.zst Lab-1`, then delete it: `roomcast image delete/);
    // What nobody needs is still swept.
    const other = await write(store, random(2), "other");
    const before = (await store.usage()).storedBytes;
    assert.ok((await store.delete(other.id)).freedBytes >= 2 * mib);
    assert.ok((await store.usage()).storedBytes <= before - 2 * mib);
    await store.delete(spaced.id);
    assert.equal(store.warnings.length, 2);
  }));

test("an index that is damaged is told, and nothing is swept while it is there", () =>
  inFolder(async (folder) => {
    const [a, b] = random(2) as [Uint8Array, Uint8Array];
    let image: Manifest;
    {
      await using store = await openImageStore(folder);
      image = await write(store, [a]);
      await write(store, [b], "other");
    }
    truncateSync(join(folder, "images", `${image.id}.index`), 47);
    await using store = await openImageStore(folder);
    assert.match(store.problems.join(), /index of image lab@1 is damaged/);
    const before = (await store.usage()).storedBytes;
    await store.delete(store.find("other")?.id ?? "");
    assert.equal((await store.usage()).storedBytes, before);
    await store.delete(image.id);
    assert.deepEqual(store.problems, []);
    assert.equal((await store.usage()).storedBytes, 0);
  }));

forBoth(
  "chunks that lie are refused, and so is an image that lacks one",
  async (folder, openImageStore) => {
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
  },
);

test("a full store says so, and goes on when there is space", () =>
  inFolder(async (folder) => {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "none", folder]);
    try {
      const store = await openImageStore(folder);
      const chunks = random(4);
      const image = await write(store, chunks);
      const writer = store.beginImage("big");
      await writer.requireSpace(2 * mib);
      await assert.rejects(writer.requireSpace(100 * mib), {
        code: "no-space",
        message: /^big would take about 52\.4 MB .*\(104\.9 MB used.* only 3\.\d MB are free$/,
      });
      const fill = async () => {
        for (const data of random(8)) await writer.put(entryOf(0, data), data);
      };
      await assert.rejects(fill(), { code: "no-space", message: /full/ });
      await writer.abort();
      assert.equal((await store.verify(image.id, quiet)).ok, true);
      await store.delete(image.id);
      assert.equal((await write(store, random(4))).version, 2);
      await store[Symbol.asyncDispose]();
    } finally {
      execFileSync("umount", [folder]);
    }
  }));
