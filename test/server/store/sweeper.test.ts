/** What goes on while a store is swept: it opens, images come and go, it closes; and nothing that is needed is lost. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { encodeIndex } from "../../../core/image/index-codec.ts";
import { catalogueIn } from "../../../server/store/catalogue.ts";
import type { FolderStore } from "../../../server/store/folder-store.ts";
import { openImageStore } from "../../../server/store/open-image-store.ts";
import { pack } from "../../../server/store/pack-job.ts";
import { nodePorts, type StorePorts } from "../../../server/store/store-ports.ts";
import type { SweepStep } from "../../../server/store/sweep.ts";
import { draftOf, entryOf, mib, sha256, write } from "./write-image.ts";

const quiet = { signal: new AbortController().signal, onProgress() {} };
const random = (count: number): Uint8Array[] =>
  Array.from({ length: count }, () => new Uint8Array(randomBytes(mib)));
/** What nobody is to wait for ends within this many milliseconds, on a busy machine too. */
const atOnce = { timeout: 20_000 };

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "sweeper-test-"));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The folder as a process leaves it that is killed amid a capture; it has these images. */
async function killed(folder: string, images: readonly Uint8Array[][]): Promise<string> {
  const [alive, left] = [join(folder, "alive"), join(folder, "left")];
  {
    await using store = await openImageStore(alive);
    for (const [at, chunks] of images.entries()) await write(store, chunks, `image${at}`);
  }
  // Each process has packs of its own.
  await using store = await openImageStore(alive);
  const writer = store.beginImage("torn");
  for (const data of random(2)) await writer.put(entryOf(0, data), data);
  cpSync(alive, left, { recursive: true });
  await writer.abort();
  return left;
}

/** Sweeps that stand still before each of their steps until `go`, and what they were asked for. */
function held(folder: string): { readonly ports: StorePorts; go(): void; readonly begun: number } {
  const gate = Promise.withResolvers<void>();
  const usual = nodePorts(folder);
  const count = { begun: 0 };
  async function* findDead(
    ...asked: Parameters<StorePorts["findDead"]>
  ): AsyncGenerator<SweepStep> {
    count.begun++;
    const [, , signal] = asked;
    const stopped = Promise.withResolvers<void>();
    signal.addEventListener("abort", () => stopped.resolve());
    for await (const step of usual.findDead(...asked)) {
      await Promise.race([gate.promise, stopped.promise]);
      signal.throwIfAborted();
      yield step;
    }
  }
  return {
    ports: { ...usual, findDead },
    go: () => gate.resolve(),
    get begun() {
      return count.begun;
    },
  };
}

const isSwept = (folder: string): boolean => {
  using db = new DatabaseSync(join(folder, "catalogue.db"), { readOnly: true });
  return db.prepare("SELECT 1 FROM swept").get() !== undefined;
};

async function assertSound(store: FolderStore): Promise<void> {
  assert.deepEqual(store.problems, []);
  assert.deepEqual(await store.verify(null, quiet), { ok: true, damaged: [] });
}

const untilSwept = async (store: FolderStore): Promise<void> => {
  while (store.warnings.length > 0) await new Promise((resolve) => setTimeout(resolve, 5));
};

test(
  "a store opens while it is swept, says so, takes an image meanwhile, and is swept in the end",
  atOnce,
  () =>
    inFolder(async (folder) => {
      const [a, b, c] = random(3) as [Uint8Array, Uint8Array, Uint8Array];
      const left = await killed(folder, [[a, b]]);
      const sweep = held(left);
      {
        await using store = await openImageStore(left, sweep.ports);
        assert.match(store.warnings.join(), /is being cleared of what no image needs/);
        // It shares a chunk with one that is there, and one is its own.
        const image = await write(store, [b, c], "meanwhile");
        assert.match(store.warnings.join(), /is being cleared/);
        assert.equal(isSwept(left), false);
        sweep.go();
        await untilSwept(store);
        assert.deepEqual(await store.readChunk(image.id, 1), c);
        await assertSound(store);
      }
      assert.equal(isSwept(left), true);
      // The pack of the torn capture is gone, which no chunk was known of.
      assert((await (await openImageStore(left)).usage()).storedBytes < 3.1 * mib);
    }),
);

test(
  "a chunk that was dead when the sweep began is kept for the image that was committed with it since",
  atOnce,
  () =>
    inFolder(async (folder) => {
      const [a, b, c] = random(3) as [Uint8Array, Uint8Array, Uint8Array];
      const left = await killed(folder, [[a, b], [c]]);
      {
        // A deletion that was killed before its sweep.
        const images = join(left, "images");
        const store = await openImageStore(left);
        const { id = "" } = store.find("image0") ?? {};
        await store[Symbol.asyncDispose]();
        for (const end of ["json", "index"]) rmSync(join(images, `${id}.${end}`));
        using db = new DatabaseSync(join(left, "catalogue.db"));
        db.exec("DELETE FROM swept");
      }
      const sweep = held(left);
      await using store = await openImageStore(left, sweep.ports);
      // Known before the sweep comes to it, and committed before it, too: no writer holds it any more.
      const writer = store.beginImage("again");
      assert.deepEqual([...writer.known(Buffer.concat([sha256(a), sha256(b)]))], [0b11]);
      const index = encodeIndex([entryOf(0, a)]);
      const image = await writer.commit(draftOf(index, 1), index);
      sweep.go();
      await untilSwept(store);
      assert.deepEqual(await store.readChunk(image.id, 0), a);
      await assertSound(store);
      // The other one, which that writer held and left, has gone by the next sweep, that nobody had to ask for.
      assert((await store.usage()).storedBytes < 2.1 * mib, `${(await store.usage()).storedBytes}`);
      assert.equal(isSwept(left), true);
    }),
);

test(
  "a store that is closed amid a sweep does not wait for it, and the next process sweeps; a kill then costs nothing",
  atOnce,
  () =>
    inFolder(async (folder) => {
      const images = [random(2), random(1)];
      const left = await killed(folder, images);
      const sweep = held(left);
      const store = await openImageStore(left, sweep.ports);
      const deleted = store.delete(store.find("image1")?.id ?? "");
      while (sweep.begun < 2) await new Promise((resolve) => setTimeout(resolve, 5));
      await store[Symbol.asyncDispose]();
      await deleted;
      assert.equal(isSwept(left), false);
      const copy = join(folder, "copy");
      cpSync(left, copy, { recursive: true });
      for (const each of [left, copy]) {
        await using next = await openImageStore(each);
        await untilSwept(next);
        assert.deepEqual(
          next.list().map(({ name }) => name),
          ["image0"],
        );
        await assertSound(next);
        assert((await next.usage()).storedBytes < 2.1 * mib);
        assert.equal(isSwept(each), true);
      }
    }),
);

test(
  "a capture that is given up takes its own chunks with it, whoever sweeps or captures meanwhile",
  atOnce,
  () =>
    inFolder(async (folder) => {
      const [a, b, c, shared] = random(4) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
      const left = await killed(folder, [[a]]);
      const sweep = held(left);
      const store = await openImageStore(left, sweep.ports);
      const [one, other] = [store.beginImage("one"), store.beginImage("other")];
      for (const data of [b, shared]) await one.put(entryOf(0, data), data);
      for (const data of [shared, c]) await other.put(entryOf(0, data), data);
      const before = (await store.usage()).storedBytes;
      await one.abort();
      assert.equal(sweep.begun, 1);
      assert((await store.usage()).storedBytes < before - 0.9 * mib);
      const index = encodeIndex([entryOf(0, shared), entryOf(1, c)]);
      await other.commit(draftOf(index, 2), index);
      await assertSound(store);
      // Alone in its pack, it takes that too.
      sweep.go();
      await untilSwept(store);
      const settled = (await store.usage()).storedBytes;
      assert.equal(sweep.begun, 1);
      assert.equal(isSwept(left), true);
      await store[Symbol.asyncDispose]();
      const later = held(left);
      const again = await openImageStore(left, later.ports);
      const packs = readdirSync(join(left, "packs"));
      const last = again.beginImage("last");
      await last.put(entryOf(0, b), b);
      assert.equal(isSwept(left), false);
      await last.abort();
      assert.deepEqual(readdirSync(join(left, "packs")), packs);
      assert.equal((await again.usage()).storedBytes, settled);
      assert.deepEqual([later.begun, isSwept(left)], [0, true]);
      await again[Symbol.asyncDispose]();
    }),
);

test(
  "a commit that fails after its chunks are known leaves them to a sweep that nobody asks for",
  atOnce,
  () =>
    inFolder(async (folder) => {
      const [a] = random(1) as [Uint8Array];
      let isBroken = true;
      const usual = nodePorts(folder);
      const disk: StorePorts["disk"] = {
        ...usual.disk,
        async writeDurably(path, data) {
          if (isBroken && path.endsWith(".json")) throw new Error("broken");
          return usual.disk.writeDurably(path, data);
        },
      };
      await using store = await openImageStore(folder, { ...usual, disk });
      const writer = store.beginImage("lab");
      await writer.put(entryOf(0, a), a);
      const index = encodeIndex([entryOf(0, a)]);
      await assert.rejects(writer.commit(draftOf(index, 1), index), /broken/);
      isBroken = false;
      await writer.abort();
      await untilSwept(store);
      assert.equal((await store.usage()).storedBytes, 0);
      assert.equal(isSwept(folder), true);
    }),
);

test(
  "a deletion begins a sweep that goes on anew: its index is missed by nobody, and its chunks are gone",
  atOnce,
  () =>
    inFolder(async (folder) => {
      const left = await killed(folder, [random(2), random(1)]);
      const sweep = held(left);
      await using store = await openImageStore(left, sweep.ports);
      const gone = store.delete(store.find("image0")?.id ?? "");
      while (sweep.begun < 2) await new Promise((resolve) => setTimeout(resolve, 5));
      assert.deepEqual(
        store.list().map(({ name }) => name),
        ["image1"],
      );
      sweep.go();
      assert((await gone).freedBytes >= 2 * mib);
      await assertSound(store);
      assert((await store.usage()).storedBytes < 1.1 * mib);
    }),
);

test("who stops the packing of an image does not wait for a sweep", atOnce, () =>
  inFolder(async (folder) => {
    const left = await killed(folder, [[new Uint8Array(mib).fill(1), new Uint8Array(mib).fill(2)]]);
    const sweep = held(left);
    await using store = await openImageStore(left, sweep.ports);
    const stop = new AbortController();
    const work = store.repack(store.find("image0")?.id ?? "", {
      ...{ level: 3, lanes: 1, signal: stop.signal, onProgress() {} },
      pack: async (job) => pack(job),
      isFree: () => true,
      untilFree: async () => {},
    });
    while (!store.isPacked(store.find("image0")?.id ?? ""))
      await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort();
    await work;
    assert.match(store.warnings.join(), /is being cleared/);
    // Both chunks were moved beside the sweep, which takes neither with the pack that they came from.
    sweep.go();
    await untilSwept(store);
    await assertSound(store);
    assert((await store.usage()).storedBytes < mib);
  }),
);

test("a sweep that fails is told, and so is not one that is stopped", atOnce, () =>
  inFolder(async (folder) => {
    const left = await killed(folder, [random(1)]);
    const usual = nodePorts(left);
    let isBroken = true;
    await using store = await openImageStore(left, {
      ...usual,
      async *findDead(...asked) {
        if (isBroken) throw new Error("nobody answers");
        yield* usual.findDead(...asked);
      },
    });
    assert.match(store.warnings.join(), /cannot be cleared: nobody answers/);
    isBroken = false;
    await store.delete((await write(store, random(1), "other")).id);
    assert.deepEqual(store.warnings, []);
    await assertSound(store);
  }),
);

test(
  "a catalogue is checked after a kill, not after an end in order, and a broken one is made anew",
  atOnce,
  () =>
    inFolder(async (folder) => {
      const chunks = random(1);
      const left = await killed(folder, [chunks]);
      const never = new AbortController().signal;
      let checks = 0;
      const counted = (): StorePorts => ({
        ...nodePorts(left),
        catalogue: {
          ...catalogueIn(left),
          isSound(signal) {
            checks++;
            return catalogueIn(left).isSound(signal);
          },
        },
      });
      const first = await openImageStore(left, {
        ...counted(),
        findDead: held(left).ports.findDead,
      });
      assert.equal(checks, 1);
      await first[Symbol.asyncDispose]();
      const second = await openImageStore(left, {
        ...counted(),
        findDead: held(left).ports.findDead,
      });
      assert.equal(checks, 1, "it was closed in order, though it was not swept");
      await second[Symbol.asyncDispose]();
      assert.equal(await catalogueIn(left).isSound(never), true);

      const stopped = AbortSignal.abort();
      await assert.rejects(catalogueIn(left).isSound(stopped), { code: "cancelled" });
      const stop = new AbortController();
      const stopping = catalogueIn(left).isSound(stop.signal);
      stop.abort();
      await assert.rejects(stopping, { code: "cancelled" });
      {
        using db = new DatabaseSync(join(left, "catalogue.db"));
        db.exec("DELETE FROM closed");
      }
      await assert.rejects(openImageStore(left, nodePorts(left), stopped), { code: "cancelled" });
      const path = join(left, "catalogue.db");
      const bytes = readFileSync(path);
      writeFileSync(path, bytes.fill(1, 4096));
      assert.equal(await catalogueIn(left).isSound(never), false);
      await using again = await openImageStore(left);
      assert.deepEqual(await again.readChunk(again.find("image0")?.id ?? "", 0), chunks[0]);
    }),
);
