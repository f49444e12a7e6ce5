/** A server that stood alone moves its images into a campus of PostgreSQL and Swift. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { imageName } from "../../../core/image/manifest.ts";
import type { Manifest } from "../../../core/image/types.ts";
import { openCampus } from "../../../server/campus/open-campus.ts";
import { packObjectName } from "../../../server/campus/pack-object.ts";
import { PgRegistry } from "../../../server/campus/registry.ts";
import { S3Objects } from "../../../server/campus/s3.ts";
import { type CampusSettings, openEnds } from "../../../server/migrate/ends.ts";
import { Island } from "../../../server/migrate/island.ts";
import { type MigrateOptions, migrateIn } from "../../../server/migrate/migrate.ts";
import { moveIn } from "../../../server/migrate/move-in.ts";
import type { ImageStore } from "../../../server/store/image-store.ts";
import { openImageStore } from "../../../server/store/open-image-store.ts";
import { TestPostgres } from "../../postgres.ts";
import { seeded } from "../../sim/random.ts";
import { type Swift, startSwift } from "../../swift.ts";
import { draftOf, entryOf, mib, write } from "../store/write-image.ts";

const killsWanted = Number(process.env.KILLS || 1);
const random = seeded(Number(process.env.SEED || 1));

const folder = mkdtempSync(join(tmpdir(), "migrate-test-"));
let postgres: TestPostgres;
let swift: Swift;
before(async () => {
  postgres = await TestPostgres.start();
  swift = await startSwift();
});
after(async () => {
  await postgres?.[Symbol.asyncDispose]();
  await swift?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

let count = 0;

interface Place extends AsyncDisposable {
  readonly dataFolder: string;
  readonly store: ImageStore;
}

/** The data folder of a server that runs. */
async function island(): Promise<Place> {
  const dataFolder = join(folder, `island-${++count}`);
  const store = await openImageStore(join(dataFolder, "store"));
  return { dataFolder, store, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() };
}

const chunksOf = (howMany: number): Uint8Array[] =>
  Array.from({ length: howMany }, () => new Uint8Array(randomBytes(mib)));

async function campus(more: Partial<CampusSettings> = {}): Promise<CampusSettings> {
  const url = postgres.url(await postgres.database());
  return { server: "island", database: { url }, storage: swift.config, seal: null, ...more };
}

function keyFile(): string {
  const path = join(folder, `key-${++count}`);
  writeFileSync(path, randomBytes(32).toString("hex"), { mode: 0o600 });
  return path;
}

const migrate = (
  dataFolder: string,
  settings: CampusSettings,
  more: Partial<MigrateOptions> = {},
) =>
  migrateIn({
    ...{ dataFolder, settings, isDry: false, isFull: false },
    signal: new AbortController().signal,
    progress() {},
    note() {},
    begin() {},
    planned() {},
    ...more,
  });

/** As another server of the campus reads it. */
async function readElsewhere(
  settings: CampusSettings,
  images: readonly (readonly [Manifest, readonly Uint8Array[]])[],
): Promise<void> {
  const { database, storage, seal } = settings;
  const config = { server: "elsewhere", database, storage, seal, cacheBytes: null };
  const { images: store } = await openCampus(join(folder, `else-${++count}`), config, () => {});
  await using _ = store;
  for (let left = 100; store.list().length < images.length; left--) {
    assert(left > 0, "it does not hear of the images");
    await sleep(100);
  }
  for (const [image, chunks] of images)
    for (const [at, chunk] of chunks.entries())
      assert.deepEqual(
        Buffer.compare(await store.readChunk(image.id, at), chunk),
        0,
        `${imageName(image)}: ${at}`,
      );
}

/** What lies in a folder, and when it was changed. */
function stateOf(path: string): unknown {
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .filter((name) => !/-(wal|shm)$/.test(name))
    .sort()
    .map((name) => {
      const found = statSync(join(path, name));
      return found.isDirectory() ? [name] : [name, found.size, found.mtimeMs];
    });
}

async function objectNames(settings: CampusSettings): Promise<string[]> {
  await using objects = await S3Objects.open(settings.storage);
  const names: string[] = [];
  for await (const { name } of objects.list("")) names.push(name);
  return names;
}

test("a dry run says what would be done, and leaves database, storage and folder as they are", async () => {
  await using place = await island();
  const first = chunksOf(3);
  await write(place.store, first, "lab");
  await write(place.store, [...first.slice(1), ...chunksOf(1)], "lab");
  const settings = await campus();
  const before = [stateOf(place.dataFolder), await objectNames(settings)];
  const report = await migrate(place.dataFolder, settings, { isDry: true });
  assert.deepEqual([report.images, report.there, report.clashes], [["lab@1", "lab@2"], [], []]);
  assert.deepEqual([report.chunks, report.bytes, report.checked], [4, 4 * mib, null]);
  assert(report.rate > 0 && report.seconds > 0);
  assert.deepEqual([stateOf(place.dataFolder), await objectNames(settings)], before);
  const name = new URL(settings.database.url).pathname.slice(1);
  await using admin = postgres.admin(name);
  const [row] = await admin.sql<[{ count: string }]>`
    SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`;
  assert.equal(row.count, "0");
});

test(`all images come whole into a sealed campus, though the move is killed (KILLS=${killsWanted})`, async (t) => {
  await using place = await island();
  const first = chunksOf(70);
  const second = [...first.slice(0, 20), ...chunksOf(30)];
  const images = [
    [await write(place.store, first, "lab"), first],
    [await write(place.store, second, "lab"), second],
    [await write(place.store, second.slice(5), "office"), second.slice(5)],
  ] as const;
  const settings = await campus({ seal: keyFile() });
  const before = stateOf(place.dataFolder);
  const planned: number[] = [];
  const run = async (killAt: number | null): Promise<string> => {
    const words = JSON.stringify({ dataFolder: place.dataFolder, settings });
    const script = join(import.meta.dirname, "migrate-child.ts");
    const child = spawn(process.execPath, [script, words], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => {
      text += part;
      const done = Number(/\{"done":(\d+)\}\n$/.exec(text)?.[1] ?? -1);
      if (killAt !== null && done >= killAt) child.kill("SIGKILL");
    });
    const [code] = await once(child, "close");
    planned.push(Number(/\{"planned":(\d+)\}/.exec(text)?.[1]));
    if (killAt === null) assert.equal(code, 0, text);
    return text;
  };
  // Each at another part of what is left; the first one behind the first pack.
  for (let kill = 0; kill < killsWanted; kill++) {
    const left = planned.at(-1) ?? 100 * mib;
    const part = kill === 0 ? 0.8 : random();
    await run(Math.max(1, Math.floor(part * left)));
  }
  const end = await run(null);
  const { checked } = JSON.parse(end.trim().split("\n").at(-1) ?? "");
  assert.deepEqual(checked, { images: 3, chunksRead: 70 + 50 + 45 });
  t.diagnostic(`MiB that were left each time: ${planned.map((bytes) => bytes / mib).join(", ")}`);
  assert(planned.every((bytes, at) => at === 0 || bytes <= (planned[at - 1] ?? 0)));
  assert((planned[1] ?? 0) < (planned[0] ?? 0), "what was put before a kill is there");
  assert.deepEqual(stateOf(place.dataFolder), before);
  await readElsewhere(settings, images);
  // Done again, there is nothing to do but to check.
  const again = await migrate(place.dataFolder, settings);
  assert.deepEqual([again.images, again.there.length, again.bytes], [[], 3, 0]);
  assert.deepEqual(again.checked, { images: 3, chunksRead: 3 * 32 });
});

test("an image whose name and version the campus has already stays, and is named", async () => {
  const settings = await campus();
  await using there = await island();
  await write(there.store, chunksOf(1), "Lab");
  await migrate(there.dataFolder, settings);
  await using place = await island();
  const office = chunksOf(2);
  const [chunk] = chunksOf(1) as [Uint8Array];
  const clash = await write(place.store, [chunk], "lab");
  const fitted = place.store.beginFitted(clash, "240GB");
  await fitted.put(entryOf(0, chunk), chunk);
  const index = await place.store.index(clash.id);
  await fitted.commit(draftOf(index, clash.chunkCount), index);
  const image = await write(place.store, office, "office");
  const report = await migrate(place.dataFolder, settings);
  assert.deepEqual(report.clashes, ["lab@1", "lab@1-fit-240GB"]);
  assert.deepEqual(report.images, ["office@1"]);
  assert.equal(report.checked?.images, 1);
  const registry = await PgRegistry.open({
    ...{ settings: settings.database, server: "x", warn() {} },
  });
  const names = (await registry.images()).map(({ manifest }) => imageName(manifest));
  await registry[Symbol.asyncDispose]();
  assert.deepEqual(names, ["Lab@1", "office@1"]);
  assert.equal(place.store.find("office")?.id, image.id);
});

test("what is wrong with database, storage or key is said before anything is moved", async () => {
  const sealed = await campus({ seal: keyFile() });
  await using place = await island();
  await write(place.store, chunksOf(1), "lab");
  await migrate(place.dataFolder, sealed);
  const names = await objectNames(sealed);
  await using other = await island();
  await write(other.store, chunksOf(1), "other");
  const rejects = (more: Partial<CampusSettings>, error: object): Promise<void> =>
    assert.rejects(migrate(other.dataFolder, { ...sealed, ...more }), error);
  await rejects(
    { seal: null },
    { code: "bad-input", message: /is sealed, and this server has no key/ },
  );
  await rejects({ seal: keyFile() }, { code: "bad-input", message: /sealed with another key/ });
  await rejects({ storage: { ...sealed.storage, bucket: "elsewhere" } }, { code: "failed" });
  const url = "postgres://roomcast@127.0.0.1:1/roomcast";
  await rejects({ database: { url } }, { code: "away", message: /database is not reached/ });
  const { url: mine } = sealed.database;
  const stranger = mine.replace("roomcast@", "stranger@");
  await using admin = postgres.admin(new URL(mine).pathname.slice(1));
  await admin.sql.unsafe("CREATE ROLE stranger LOGIN");
  const look = migrate(
    other.dataFolder,
    { ...sealed, database: { url: stranger } },
    { isDry: true },
  );
  await assert.rejects(look, { code: "refused", message: /may not write into its tables/ });
  const secret = join(folder, "wrong.secret");
  writeFileSync(secret, "not-the-secret-key\n", { mode: 0o600 });
  await rejects(
    { storage: { ...sealed.storage, secretKeyFile: secret } },
    { code: "failed", message: /refuses these keys/ },
  );
  assert.deepEqual(await objectNames(sealed), names);
});

test("what the storage lacks, or has otherwise, is found by the check", async () => {
  const settings = await campus();
  await using place = await island();
  const image = await write(place.store, chunksOf(40), "lab");
  await migrate(place.dataFolder, settings);
  await using objects = await S3Objects.open(settings.storage);
  const registry = await PgRegistry.open({
    ...{ settings: settings.database, server: "x", warn() {} },
  });
  const index = await place.store.index(image.id);
  const [chunk] = await registry.placesOf(index.subarray(16, 48));
  await registry[Symbol.asyncDispose]();
  const name = packObjectName(chunk?.pack ?? "");
  const bytes = new Uint8Array(await objects.get(name));
  const bad = new Uint8Array(bytes);
  // Of the first chunk.
  bad[5000] = (bad[5000] ?? 0) ^ 1;
  await objects.put(name, bad);
  await assert.rejects(migrate(place.dataFolder, settings, { isFull: true }), {
    ...{ code: "bad-input", message: /stored bytes do not match their CRC/ },
  });
  await objects.remove(name);
  await assert.rejects(migrate(place.dataFolder, settings), {
    ...{ code: "bad-input", message: new RegExp(`${name} is lost, with 40 chunks of lab@1`) },
  });
});

test("an image that the server deletes meanwhile is passed over", async () => {
  const settings = await campus();
  await using place = await island();
  const kept = chunksOf(2);
  const gone = await write(place.store, chunksOf(3), "gone");
  const image = await write(place.store, kept, "kept");
  const notes: string[] = [];
  const signal = new AbortController().signal;
  await using read = await Island.open(place.dataFolder);
  await using ends = await openEnds(settings, { isDry: false, warn() {} });
  await place.store.delete(gone.id);
  const moved = await moveIn(read, { lacking: read.images, bytes: 5 * mib }, ends, {
    ...{ signal, note: (text) => void notes.push(text) },
    progress() {},
  });
  assert.deepEqual(
    moved.map(({ id }) => id),
    [image.id],
  );
  assert.deepEqual(notes, ["gone@1 was deleted on this server meanwhile"]);
  await readElsewhere(settings, [[image, kept]]);
});
