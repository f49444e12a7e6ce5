/** A sweep goes in steps, beside writers, and ends when it is told to; checks leave the server's thread alone. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { zstdCompressSync } from "node:zlib";
import { crc32c } from "../../../core/image/crc32c.ts";
import { encodeIndex } from "../../../core/image/index-codec.ts";
import { codec, type IndexEntry } from "../../../core/image/types.ts";
import { Catalogue, type CatalogueFile, openCatalogue } from "../../../server/store/catalogue.ts";
import { doCheck } from "../../../server/store/check-jobs.ts";
import { Checkers } from "../../../server/store/checkers.ts";
import { Chunks, type SweepGuards } from "../../../server/store/chunks.ts";
import { nodeFiles } from "../../../server/store/files.ts";
import { type ChunkPlace, Packs } from "../../../server/store/packs.ts";
import { findDead, type SweepStep } from "../../../server/store/sweep.ts";
import { entryOf, mib, sha256 } from "./write-image.ts";

const fileOf = (db: DatabaseSync): CatalogueFile => ({
  ...{ exists: () => false, open: () => db, isSound: async () => true, remove() {} },
});
const entry = (number: number): IndexEntry => ({
  ...{ chunkIndex: number, codec: codec.raw, storedLength: 1, crc32c: 0 },
  sha256: sha256(Buffer.from(`${number}`)),
});

test("what no image needs is found in small steps, whatever there is of it", async () => {
  const db = new DatabaseSync(":memory:");
  const catalogue = await openCatalogue(
    fileOf(db),
    { numbers: async () => [] } as unknown as Packs,
    never,
  );
  const places = Array.from(
    { length: 10_000 },
    (_, number): ChunkPlace => ({ pack: 1 + (number % 4), offset: number, entry: entry(number) }),
  );
  catalogue.add(places);
  // Those of packs 1 and 2, by two images that share most of them.
  const live = (last: number) => places.filter(({ pack, offset }) => pack <= 2 && offset < last);
  const indexOf = (of: readonly ChunkPlace[]) => encodeIndex(of.map((place) => place.entry));
  let pauses = 0;
  const steps: SweepStep[] = [];
  const indexes = async function* () {
    yield indexOf(live(10_000));
    yield indexOf(live(9000));
  };
  for await (const step of findDead(db, indexes(), async () => void pauses++)) steps.push(step);
  const [first, ...others] = steps;
  assert.deepEqual(first, { type: "live-packs", packs: [1, 2] });
  const dead = others.flatMap((step) => (step.type === "dead" ? step.places : []));
  assert.deepEqual(dead.map(({ offset }) => offset).sort(byNumber), offsetsOfDead(places));
  for (const step of others) assert(step.type === "dead" && step.places.length <= 1024);
  assert(pauses >= 2 * 5 + 2 * 9, `${pauses} pauses`);
  assert.throws(() => db.prepare("SELECT 1 FROM temp.live"), /no such table/);
});

const byNumber = (one: number, other: number): number => one - other;
const offsetsOfDead = (places: readonly ChunkPlace[]): number[] =>
  places.filter(({ pack }) => pack > 2).map(({ offset }) => offset);

async function withChunks(
  work: (chunks: Chunks, packs: Packs, db: DatabaseSync) => Promise<void>,
  pause: () => Promise<void> = nodeFiles.pause,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "roomcast-sweep-"));
  const packs = await Packs.open(folder, nodeFiles);
  const db = new DatabaseSync(":memory:");
  const catalogue = await openCatalogue(fileOf(db), packs, never);
  assert(catalogue instanceof Catalogue);
  const space = () => nodeFiles.space(folder);
  const chunks = new Chunks({ packs, catalogue, space, pause });
  try {
    await work(chunks, packs, db);
  } finally {
    await chunks.close();
    await rm(folder, { recursive: true });
  }
}

const any = (): boolean => true;
const never = new AbortController().signal;
const guards: SweepGuards = {
  ...{ isHeld: () => false, isBusy: () => false, signal: never },
  inTurn: (work) => work(),
  freed() {},
};
const chunk = (text: string) => ({ data: Buffer.from(text), entry: entryOf(0, Buffer.from(text)) });

async function* said(...steps: (SweepStep | (() => void))[]): AsyncGenerator<SweepStep> {
  for (const step of steps) {
    if (typeof step === "function") step();
    else yield step;
  }
}

test("a chunk that a writer has found before its turn to go is kept", () =>
  withChunks(async (chunks) => {
    const [wanted, dead] = [chunk("wanted"), chunk("dead")];
    for (const { entry, data } of [wanted, dead]) await chunks.store(entry, data);
    await chunks.flush(any);
    const places = [wanted, dead].map(({ entry }) => chunks.placeOf(entry.sha256) as ChunkPlace);
    let isHeld = false;
    const steps = said(
      { type: "live-packs", packs: [1] },
      () => {
        isHeld = chunks.find(wanted.entry.sha256) !== undefined;
      },
      { type: "dead", places },
    );
    const key = Buffer.from(wanted.entry.sha256).toString("latin1");
    await chunks.sweep(steps, { ...guards, isHeld: (each) => isHeld && each === key });
    assert.deepEqual(Buffer.from(await chunks.read(places[0] as ChunkPlace)), wanted.data);
    assert.equal(chunks.find(dead.entry.sha256), undefined);
  }));

test("nobody finds, and nothing is put into, a pack that is about to go whole", () =>
  withChunks(async (chunks, packs) => {
    const [old, fresh] = [chunk("old"), chunk("fresh")];
    await chunks.store(old.entry, old.data);
    await chunks.flush(any);
    const place = chunks.placeOf(old.entry.sha256) as ChunkPlace;
    let found: unknown = null;
    let stored: Promise<void> | null = null;
    const steps = said(
      { type: "live-packs", packs: [] },
      () => {
        found = chunks.find(old.entry.sha256);
        stored = chunks.store(fresh.entry, fresh.data);
      },
      { type: "dead", places: [place] },
    );
    await chunks.sweep(steps, guards);
    await stored;
    assert.equal(found, undefined);
    assert.deepEqual(await packs.numbers(), [2]);
    await chunks.flush(any);
    const put = chunks.placeOf(fresh.entry.sha256) as ChunkPlace;
    assert.deepEqual(Buffer.from(await chunks.read(put)), fresh.data);
  }));

for (const isCommittedFirst of [true, false])
  test(`a chunk that is stored anew while its pack is about to go stays, committed ${isCommittedFirst ? "before" : "after"} its old place goes`, () =>
    withChunks(async (chunks, packs) => {
      const old = chunk("old");
      await chunks.store(old.entry, old.data);
      await chunks.flush(any);
      const place = chunks.placeOf(old.entry.sha256) as ChunkPlace;
      let isHeld = false;
      async function* steps(): AsyncGenerator<SweepStep> {
        yield { type: "live-packs", packs: [] };
        isHeld = true;
        await chunks.store(old.entry, old.data);
        if (isCommittedFirst) await chunks.flush(any);
        yield { type: "dead", places: [place] };
      }
      await chunks.sweep(steps(), { ...guards, isHeld: () => isHeld });
      await chunks.flush(any);
      const now = chunks.placeOf(old.entry.sha256) as ChunkPlace;
      assert.deepEqual(await packs.numbers(), [now.pack]);
      assert.deepEqual(Buffer.from(await chunks.read(now)), old.data);
    }));

test("while somebody writes, a pack of this process does not go whole, and what is dead in it does", () =>
  withChunks(async (chunks, packs) => {
    const [dead, fresh] = [chunk("dead"), chunk("fresh")];
    await chunks.store(dead.entry, dead.data);
    await chunks.flush(any);
    const place = chunks.placeOf(dead.entry.sha256) as ChunkPlace;
    await chunks.store(fresh.entry, fresh.data);
    let freed = 0;
    const isWhole = await chunks.sweep(
      said({ type: "live-packs", packs: [] }, { type: "dead", places: [place] }),
      {
        ...guards,
        isBusy: () => true,
        freed(bytes) {
          freed += bytes;
        },
      },
    );
    assert.deepEqual([isWhole, freed], [true, 56 + dead.data.length]);
    assert.deepEqual(await packs.numbers(), [1]);
    await chunks.flush(any);
    const put = chunks.placeOf(fresh.entry.sha256) as ChunkPlace;
    assert.deepEqual(Buffer.from(await chunks.read(put)), fresh.data);
  }));

test("a chunk that is packed anew amid a sweep keeps its new pack, whatever was known of that before", () =>
  withChunks(async (chunks) => {
    const moved = chunk("moved");
    await chunks.store(moved.entry, moved.data);
    await chunks.flush(any);
    const old = chunks.placeOf(moved.entry.sha256) as ChunkPlace;
    const batch = { level: 3, same: [], smaller: [{ ...moved, stored: moved.data, old }] };
    async function* steps(): AsyncGenerator<SweepStep> {
      await chunks.replace(batch, () => true);
      // As if both packs had been looked at before.
      yield { type: "live-packs", packs: [] };
      yield { type: "dead", places: [old] };
    }
    chunks.beginSweep();
    assert.equal(await chunks.sweep(steps(), guards), false);
    const now = chunks.placeOf(moved.entry.sha256) as ChunkPlace;
    assert.notDeepEqual(now, old);
    assert.deepEqual(Buffer.from(await chunks.read(now)), moved.data);
  }));

test("a flush of many chunks goes in steps, and takes those that it has had the disk keep", async () => {
  const all = Array.from({ length: 600 }, (_, at) => chunk(`${at}`));
  const late = chunk("late");
  const known: number[] = [];
  let whileAway = async (): Promise<void> => {};
  await withChunks(
    async (chunks, _packs, db) => {
      for (const { entry, data } of all) await chunks.store(entry, data);
      const count = (): number => Number(db.prepare("SELECT count(*) AS n FROM chunk").get()?.n);
      whileAway = async () => {
        known.push(count());
        for (const { entry } of all) assert(chunks.find(entry.sha256) !== undefined);
        await chunks.store(late.entry, late.data);
      };
      await chunks.flush(any);
      assert.deepEqual(known, [256, 512, 600]);
      assert.equal(chunks.placeOf(late.entry.sha256), undefined);
      assert(chunks.find(late.entry.sha256) !== undefined);
      await chunks.flush(any);
      assert(chunks.placeOf(late.entry.sha256) !== undefined);
    },
    () => whileAway(),
  );
});

test("a damaged place that a flush replaced is told by the one that comes to its end", async () => {
  const mended = chunk("mended");
  let isFull = false;
  await withChunks(
    async (chunks) => {
      await chunks.store(mended.entry, mended.data);
      await chunks.flush(any);
      const old = chunks.placeOf(mended.entry.sha256) as ChunkPlace;
      chunks.markDamaged([mended.entry.sha256]);
      await chunks.store(mended.entry, mended.data);
      isFull = true;
      await assert.rejects(chunks.flush(any), /no space/);
      isFull = false;
      assert.deepEqual(await chunks.flush(any), [old]);
      assert.notDeepEqual(chunks.placeOf(mended.entry.sha256), old);
    },
    async () => {
      if (isFull) throw new Error("no space");
    },
  );
});

test("a sweep that is stopped leaves the rest to the next one", () =>
  withChunks(async (chunks) => {
    const all = ["a", "b", "c"].map(chunk);
    for (const { entry, data } of all) await chunks.store(entry, data);
    await chunks.flush(any);
    const steps = all.map(({ entry }): SweepStep => {
      const place = chunks.placeOf(entry.sha256) as ChunkPlace;
      return { type: "dead", places: [place] };
    });
    const stop = new AbortController();
    const [first, second, third] = steps as [SweepStep, SweepStep, SweepStep];
    const stopped = said(first, () => stop.abort(), second, third);
    assert.equal(await chunks.sweep(stopped, { ...guards, signal: stop.signal }), false);
    const left = all.filter(({ entry }) => chunks.placeOf(entry.sha256) !== undefined);
    assert.equal(left.length, 2);
  }));

test("chunks are checked without the server's thread, and each gets its own answer", async () => {
  const checkers = new Checkers();
  const jobs = Array.from({ length: 40 }, (_, number) => {
    const raw = Buffer.concat([randomBytes(mib / 2), Buffer.alloc(mib / 2)]);
    const stored = zstdCompressSync(raw);
    const isRight = number % 4 !== 0;
    const of = isRight ? raw : randomBytes(10);
    return {
      ...{ type: "chunk" as const, stored, length: mib, isRight },
      entry: {
        ...{ chunkIndex: number, codec: codec.zstd, storedLength: stored.length },
        ...{ crc32c: crc32c(stored), sha256: sha256(of) },
      },
    };
  });
  // The threads are there before it is measured.
  await Promise.all(jobs.slice(0, 4).map((job) => checkers.check(job)));
  const startedAt = process.threadCpuUsage();
  for (const job of jobs) doCheck(job);
  const here = process.threadCpuUsage(startedAt).user;
  const before = process.threadCpuUsage();
  const results = await Promise.all(jobs.map((job) => checkers.check(job)));
  const busy = process.threadCpuUsage(before).user;
  assert.deepEqual(
    results.map(({ fault }) => fault === null),
    jobs.map(({ isRight }) => isRight),
  );
  assert(busy < 0.75 * here, `this thread was busy for ${busy} µs, and alone it takes ${here} µs`);
  const waiting = checkers.check(jobs[1] as (typeof jobs)[0]);
  const refused = assert.rejects(waiting, { code: "cancelled" });
  await checkers.close();
  await refused;
});
