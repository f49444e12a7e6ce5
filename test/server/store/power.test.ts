/** The process is killed, another one starts, and then the power goes: every image is there whole, or not at all. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { Manifest } from "../../../core/image/types.ts";
import type { CatalogueFile } from "../../../server/store/catalogue.ts";
import { doCheck, rawOf } from "../../../server/store/check-jobs.ts";
import type { Checker } from "../../../server/store/checkers.ts";
import type { StoreFiles } from "../../../server/store/files.ts";
import { readIndex } from "../../../server/store/image-files.ts";
import type { ImageStore } from "../../../server/store/image-store.ts";
import { openImageStore } from "../../../server/store/open-image-store.ts";
import { pack } from "../../../server/store/pack-job.ts";
import { SeenTable } from "../../../server/store/seen-chunks.ts";
import { findDead } from "../../../server/store/sweep.ts";
import { type Bus, LabFiles } from "../../lab/files.ts";
import { seeded } from "../../sim/random.ts";
import { mib, sha256, write } from "./write-image.ts";

const chunks = [1, 2, 3].map((value) => new Uint8Array(mib).fill(value));
const always: Bus = { done: async (work) => work() };

/** A folder of images on a disk of its own, and its catalogue. */
class Machine {
  private readonly files: LabFiles;
  /** Images, by all processes. */
  private made = 0;
  private readonly early: () => number;
  private db: DatabaseSync | null = null;

  constructor(seed: number) {
    this.files = new LabFiles(seeded(seed));
    this.early = seeded(seed);
  }

  open(bus: Bus = always): Promise<ImageStore> {
    const catalogue: CatalogueFile = {
      exists: () => this.db !== null,
      isSound: async () => true,
      open: () => {
        this.db ??= new DatabaseSync(":memory:");
        return this.db;
      },
      remove: () => {
        this.db = null;
      },
    };
    const files = this.files.through(bus, true);
    const disk: StoreFiles = {
      ...files,
      // The store is open while it is swept, or after that.
      atMost: (_ms, work) => (this.early() < 0.5 ? work : bus.done(() => {})),
    };
    const checker: Checker = { check: async (job) => doCheck(job), async close() {} };
    const dead = async function* (folder: string, images: readonly Manifest[]) {
      const indexes = async function* () {
        for (const image of images) yield await readIndex(disk, folder, image, checker);
      };
      yield* findDead(catalogue.open(), indexes(), () => disk.pause());
    };
    return openImageStore("store", {
      ...{ disk, catalogue, checker, findDead: dead, openSeen: () => new SeenTable() },
      newImage: () => ({
        id: (++this.made).toString(16).padStart(16, "0"),
        capturedAt: "2026-01-01T00:00:00.000Z",
      }),
    });
  }

  losePower(): void {
    this.files.losePower();
  }
}

/** Lets a process do so many things to its disk; the next never ends, as nothing does for who is killed. */
function killedAfter(steps: number): { readonly bus: Bus; readonly killed: Promise<"killed"> } {
  let left = steps;
  let kill = (_: "killed"): void => {};
  const killed = new Promise<"killed">((resolve) => {
    kill = resolve;
  });
  const bus: Bus = {
    async done(work) {
      if (left-- > 0) return work();
      kill("killed");
      return new Promise(() => {});
    },
  };
  return { bus, killed };
}

/** A process that does what it does to its disk until it is killed. */
function killedWhen(): { readonly bus: Bus; kill(): void } {
  let isThere = true;
  return {
    bus: { done: async (work) => (isThere ? work() : new Promise(() => {})) },
    kill() {
      isThere = false;
    },
  };
}

async function rawChunk(store: ImageStore, id: string, at: number): Promise<Uint8Array> {
  const { entry, stored } = await store.storedChunk(id, at);
  return rawOf(entry, stored);
}

async function assertWhole(store: ImageStore): Promise<void> {
  for (const { id } of store.list())
    for (const [index, chunk] of chunks.entries())
      assert.deepEqual(sha256(await rawChunk(store, id, index)), sha256(chunk));
}

/** At each step, until the work is no longer interrupted. */
async function killAtEachStep(
  work: (store: ImageStore) => Promise<unknown>,
  seeds = 6,
): Promise<number> {
  for (let steps = 0; ; steps++) {
    let wasKilled = false;
    for (let seed = 1; seed <= seeds; seed++) {
      const machine = new Machine(seed);
      await write(await machine.open(), chunks);
      const { bus, killed } = killedAfter(steps);
      const end = await Promise.race([killed, machine.open(bus).then(work)]);
      wasKilled = end === "killed";
      await assertWhole(await machine.open());
      machine.losePower();
      await assertWhole(await machine.open());
    }
    if (!wasKilled) return steps;
  }
}

test("packing anew that is killed at any step leaves every image whole, also when the power goes later", async () => {
  const repack = (store: ImageStore) =>
    store.repack(store.list()[0]?.id ?? "", {
      ...{ level: 1, lanes: 2, signal: new AbortController().signal, onProgress() {} },
      pack: async (job) => pack(job),
      isFree: () => true,
      untilFree: async () => {},
    });
  // It has three times the steps of a deletion.
  const steps = await killAtEachStep(repack, 2);
  assert(steps > 20, `${steps} steps`);
});

test("notes that are changed when it is killed are the old ones or the new ones, and what was written stays", async () => {
  for (let steps = 0; ; steps++) {
    let wasKilled = false;
    for (let seed = 1; seed <= 6; seed++) {
      const machine = new Machine(seed);
      const store = await machine.open();
      const { id } = await write(store, chunks);
      await store.writeNotes(id, "old");
      const { bus, killed } = killedAfter(steps);
      const left = ["old", "newer", "", "newest"];
      const work = machine.open(bus).then(async (again) => {
        for (const notes of left.slice(1)) {
          await again.writeNotes(id, notes);
          left.shift();
        }
      });
      wasKilled = (await Promise.race([killed, work])) === "killed";
      // The power goes with the process, or only once the next one has begun.
      if (seed % 2 === 0) machine.losePower();
      const before = (await machine.open()).notes(id);
      machine.losePower();
      const after = (await machine.open()).notes(id);
      const may = left.slice(0, 2);
      for (const notes of [before, after])
        assert(may.includes(notes), `step ${steps}, seed ${seed}: ${JSON.stringify(notes)}`);
    }
    if (!wasKilled) return assert(steps > 10, `${steps} steps`);
  }
});

test("a capture that begins while what a killed deletion left is swept finds what it counts on, also when the power goes later", async () => {
  const shared = new Uint8Array(mib).fill(9);
  for (let steps = 0; ; steps++) {
    let wasKilled = false;
    for (let seed = 1; seed <= 2; seed++) {
      const machine = new Machine(seed);
      const before = await machine.open();
      const { id } = await write(before, chunks);
      await write(before, [shared], "other");
      const { bus, killed } = killedAfter(steps);
      const deletion = machine.open(bus).then((store) => store.delete(id));
      wasKilled = (await Promise.race([killed, deletion])) === "killed";
      if (seed % 2 === 0) machine.losePower();
      const next = killedWhen();
      const store = await machine.open(next.bus);
      // The same chunks, which one that is given up counts on, too.
      const writer = store.beginImage("again");
      writer.known(Buffer.concat(chunks.map((chunk) => sha256(chunk))));
      const all = [...chunks, shared];
      const image = await write(store, all, "new");
      await writer.abort();
      for (const [at, chunk] of all.entries())
        assert.deepEqual(sha256(await rawChunk(store, image.id, at)), sha256(chunk));
      next.kill();
      machine.losePower();
      const last = await machine.open();
      for (const [at, chunk] of all.entries())
        assert.deepEqual(sha256(await rawChunk(last, image.id, at)), sha256(chunk));
    }
    if (!wasKilled) return assert(steps > 10, `${steps} steps`);
  }
});

test("a deletion that is killed at any step leaves the image whole or takes it, also when the power goes later", async () => {
  const steps = await killAtEachStep((store) => store.delete(store.list()[0]?.id ?? ""));
  assert(steps > 10, `${steps} steps`);
});
