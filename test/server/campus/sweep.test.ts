import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { RoomcastError } from "../../../core/errors.ts";
import { lockKey } from "../../../server/campus/database-schema.ts";
import type { Registry } from "../../../server/campus/ports.ts";
import { type PackAnew, sweepCampus } from "../../../server/campus/sweep.ts";
import { hashesOf, joined, manifestOf, packOf } from "./campus-images.ts";
import { MemoryCampus } from "./memory-registry.ts";
import { PostgresCampus } from "./postgres-campus.ts";
import { until, writerWith } from "./registry-contract.ts";
import { sweepContract } from "./sweep-contract.ts";
import {
  hourMs,
  noneAnew,
  onlyParts,
  Storm,
  type StormCampus,
  type StormReport,
  stormTimes,
} from "./sweep-storm.ts";

let campus: PostgresCampus;
before(async () => {
  campus = await PostgresCampus.start(stormTimes);
});
after(() => campus[Symbol.asyncDispose]());

async function inMemory(): Promise<StormCampus & AsyncDisposable> {
  const clock = { now: 1e12 };
  const memory = new MemoryCampus({ now: () => clock.now, times: stormTimes });
  const servers = ["one", "other"].map((server) => ({
    registry: memory.registry(server),
    tables: memory.sweepTables(),
  }));
  const pass = async (hours: number): Promise<void> => {
    clock.now += hours * hourMs;
  };
  return { servers, pass, [Symbol.asyncDispose]: async () => {} };
}

async function inPostgres(): Promise<StormCampus & AsyncDisposable> {
  const { registries, admin } = await campus.fresh();
  return {
    servers: registries.map((registry) => ({ registry, tables: registry.sweepTables() })),
    // All that was is longer ago.
    pass: async (hours) => {
      await admin.unsafe(`
        UPDATE chunk SET since = since - interval '${hours} hours';
        UPDATE pack SET since = since - interval '${hours} hours';
        UPDATE sweep_lease SET until = until - interval '${hours} hours';
        UPDATE writer SET
          began = began - interval '${hours} hours', heard = heard - interval '${hours} hours'`);
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

sweepContract("in memory", inMemory);
sweepContract("PostgreSQL", inPostgres);

async function storms(
  open: () => Promise<StormCampus & AsyncDisposable>,
  seeds: readonly number[],
  steps: number,
): Promise<StormReport> {
  const sum: Record<keyof StormReport, number> = {
    ...{ commits: 0, removals: 0, packsSwept: 0, packsEmptied: 0, conflicts: 0, dropped: 0 },
  };
  for (const seed of seeds) {
    await using opened = await open();
    const storm = new Storm(opened, seed);
    const report = await storm.run(steps).catch((cause: unknown) => {
      throw new Error(`the storm of seed ${seed}`, { cause });
    });
    for (const name of Object.keys(sum) as (keyof StormReport)[]) sum[name] += report[name];
  }
  return sum;
}

const memorySeeds = Array.from({ length: 16 }, (_, at) => at + 1);

test("in memory: whatever servers do at once, no committed image ever lacks a chunk", async () => {
  const { commits, removals, packsSwept, packsEmptied, conflicts, dropped } = await storms(
    inMemory,
    memorySeeds,
    600,
  );
  assert(
    commits > 100 && removals > 100 && packsSwept > 10,
    `${commits} ${removals} ${packsSwept}`,
  );
  assert(packsEmptied > 4, `${packsEmptied}`);
  assert(conflicts > 0 && dropped > 0, `${conflicts} ${dropped}`);
});

test("PostgreSQL: whatever servers do at once, no committed image ever lacks a chunk", async () => {
  const { commits, packsSwept } = await storms(inPostgres, [5], 600);
  assert(commits > 10 && packsSwept > 0, `${commits} ${packsSwept}`);
});

test("a sweep leaves what writers are busy with, and tells so", async () => {
  const { servers, pass } = await inPostgres();
  const [server] = servers;
  assert(server !== undefined);
  await (await writerWith(server.registry, 1)).end();
  await pass(25);
  const lease = await server.tables.takeLease();
  await campus.admin.begin(async (tx) => {
    await tx`SELECT pg_advisory_xact_lock_shared(${lockKey.gate})`;
    assert.equal(await lease?.mark(0), null);
    assert.equal(await lease?.condemn(1), null);
    // Nobody waits behind it.
    await (await writerWith(server.registry, 2)).end();
  });
  await lease?.end();
  const done = await sweepCampus({
    tables: server.tables,
    objects: { remove: async () => {} },
    objectName: (name) => name,
    packAnew: noneAnew,
  });
  assert.equal(done?.candidates, 1);
  assert.notEqual((await server.registry.placesOf(hashesOf(1)))[0], null);
});

test("a database that has lost where chunks are lets no sweep remove anything", async () => {
  const { servers, pass } = await inPostgres();
  const [server] = servers;
  assert(server !== undefined);
  const writer = await writerWith(server.registry, 1, 2);
  await writer.commit(manifestOf(1, "win11", 1), hashesOf(1, 2));
  // As after a restore that could not fill the table; what is put into the storage from then on is there.
  await campus.admin`DELETE FROM chunk`;
  await writer.addPack(packOf(hashesOf(3)));
  await writer.end();
  await pass(25);
  const removed: string[] = [];
  const swept = sweepCampus({
    tables: server.tables,
    objects: { remove: async (name) => void removed.push(name) },
    objectName: (name) => name,
    packAnew: noneAnew,
  });
  await assert.rejects(swept, { code: "failed", message: /not the places of its chunks/ });
  assert.deepEqual(removed, []);
});

test("a commit waits for the sweep's step, and sees what it did", async () => {
  const { servers } = await inPostgres();
  const [server] = servers;
  assert(server !== undefined);
  const writer = await writerWith(server.registry, 1);
  let answer: unknown = null;
  let commit = Promise.resolve();
  await campus.admin.begin(async (tx) => {
    await tx`SELECT pg_advisory_xact_lock(${lockKey.gate})`;
    commit = writer.commit(manifestOf(1, "win11", 1), hashesOf(1)).catch((error: unknown) => {
      answer = error;
    });
    await until(async () => {
      const [row] = await tx<{ count: string }[]>`
        SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`;
      return row?.count === "1";
    });
    assert.equal(answer, null);
    await tx`UPDATE chunk SET state = 'deleting'`;
  });
  await commit;
  assert(answer instanceof RoomcastError && answer.code === "conflict", String(answer));
  assert.deepEqual(await server.registry.images(), []);
});

test("PostgreSQL: servers that write, delete and sweep at the same moment lose nothing", async () => {
  const { registries } = await campus.fresh();
  const storage = new Set<string>();
  const kept = new Map<string, Uint8Array>();
  let imageCount = 0;
  const write = async (at: number): Promise<void> => {
    const registry = registries[at % 2] as Registry;
    for (let round = 0; round < 16; round++) {
      const number = ++imageCount;
      const hashes = hashesOf(...[0, 1, 2, 3].map((n) => (n * at + round * 5 + n) % 20));
      const writer = await registry.beginWriter();
      const places = await writer.hold(hashes);
      if (places.includes(null)) {
        const pack = packOf(hashes, `${number}`);
        storage.add(pack.name);
        await writer.addPack(pack);
      }
      const manifest = manifestOf(number, "lab", number);
      await writer.commit(manifest, hashes);
      await writer.end();
      if (round % 8 === 0) kept.set(manifest.id, hashes);
      else await registry.removeImage(manifest.id);
    }
  };
  // Without a day in between: what no image names goes as soon as the writers of that moment have ended.
  await using sweeper = await campus.server("sweeper", { ...stormTimes, graceMs: 0 });
  const parts = new Set(Array.from({ length: 20 }, (_, at) => hashesOf(at)[0] as number));
  const tables = onlyParts(sweeper.sweepTables(), parts);
  const objects = { remove: async (name: string) => void storage.delete(name) };
  const packAnew: PackAnew = async (packs) => {
    const read = packs.flatMap(({ places }) => places.map(({ entry }) => entry.sha256));
    const pack = packOf(joined(read), "anew");
    storage.add(pack.name);
    return { pack, from: packs.map(({ name }) => name) };
  };
  const options = { tables, objects, packAnew, objectName: (name: string) => name };
  let sweptPacks = 0;
  let isOver = false;
  const writing = Promise.all([1, 2, 3, 4].map(write)).finally(() => {
    isOver = true;
  });
  while (!isOver) sweptPacks += (await sweepCampus(options))?.packs ?? 0;
  await writing;
  // At the latest now, when nobody writes: candidates, and then their packs.
  for (let times = 0; times < 2; times++) sweptPacks += (await sweepCampus(options))?.packs ?? 0;
  for (const [id, hashes] of kept) {
    const places = await sweeper.placesOf(hashes);
    for (const place of places) assert(place !== null && storage.has(place.pack), id);
  }
  assert.equal(kept.size, 8);
  assert(sweptPacks > 0, "nothing was swept");
});
