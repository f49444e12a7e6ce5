/** Two servers of a campus as their configuration makes them, with PostgreSQL and Swift. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { imageName } from "../../../core/image/manifest.ts";
import { openCampus } from "../../../server/campus/open-campus.ts";
import { S3Objects } from "../../../server/campus/s3.ts";
import { campusOf, readConfig } from "../../../server/host/config.ts";
import { TestPostgres } from "../../postgres.ts";
import { startSwift } from "../../swift.ts";
import { mib, write } from "../store/write-image.ts";

const quiet = { signal: new AbortController().signal, onProgress() {} };

async function eventually(isSo: () => boolean, what: string): Promise<void> {
  for (let left = 300; left > 0; left--) {
    if (isSo()) return;
    await sleep(100);
  }
  throw new Error(`it was not so after 30 s: ${what}`);
}

test("what one server captures another one reads, while the database dies and comes back, and after the storage has lost it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "campus-test-"));
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rmSync(folder, { recursive: true, force: true }));
  const database = cleanup.use(await TestPostgres.start());
  const swift = cleanup.use(await startSwift());
  const { endpoint, region, bucket, accessKeyFile, secretKeyFile, forcePathStyle } = swift.config;
  const key = join(folder, "key");
  writeFileSync(key, randomBytes(32).toString("hex"), { mode: 0o600 });
  const url = database.url(await database.database());
  const open = async (name: string, at = bucket) => {
    const file = join(folder, `${name}.toml`);
    writeFileSync(
      file,
      `[server]\nname = "${name}"\n[state]\nurl = "${url}"\n[store]\nseal = "${key}"\ncache = "10GB"
[store.s3]\nendpoint = "${endpoint}"\nregion = "${region}"\nbucket = "${at}"
accessKeyFile = "${accessKeyFile}"\nsecretKeyFile = "${secretKeyFile}"
forcePathStyle = ${forcePathStyle}\n`,
    );
    const config = campusOf(await readConfig(file));
    assert(config !== null);
    const { images } = await openCampus(join(folder, name), config, () => {});
    return cleanup.use(images);
  };
  await assert.rejects(open("gamma", "nothing-there"), /nothing-there/);
  const [a, b] = [await open("alpha"), await open("beta")];
  const chunks = Array.from({ length: 20 }, () => new Uint8Array(randomBytes(mib)));
  const image = await write(a, chunks);
  await eventually(() => b.campus?.serverOf(image.id) === "alpha", "beta knows the image");

  await database.kill();
  const second = write(a, chunks.slice(5), "lab");
  await eventually(() => a.warnings.some((text) => /waits for its number/.test(text)), "it waits");
  await database.up();
  assert.equal(imageName(await second), "lab@2");
  await eventually(() => b.find("lab")?.version === 2, "beta knows the second version");

  for (const [at, chunk] of chunks.entries())
    assert.deepEqual(Buffer.from(await b.readChunk(image.id, at)), Buffer.from(chunk));
  await eventually(() => b.isHere(image.id), "all of it is at beta");
  assert.deepEqual(await b.verify(image.id, quiet), { ok: true, damaged: [] });
  // It shares all its chunks with the first, which is there.
  const newest = await second;
  b.campus?.fetch(newest.id);
  await eventually(() => b.isHere(newest.id), "the second is at beta too");

  await a.delete(image.id);
  await eventually(() => !b.list().some(({ id }) => id === image.id), "beta does not list it");
  assert.deepEqual(Buffer.from(await b.readChunk(newest.id, 0)), Buffer.from(chunks[5] ?? []));

  // The storage loses all packs: who puts an image there next, puts there again what it has.
  await using objects = await S3Objects.open(swift.config);
  const packs: string[] = [];
  for await (const { name } of objects.list("packs/")) packs.push(name);
  assert(packs.length > 0);
  for (const name of packs) await objects.remove(name);
  const c = await open("gamma");
  const third = await write(b, [...chunks.slice(12), new Uint8Array(randomBytes(mib))], "third");
  await eventually(() => c.campus?.serverOf(third.id) === "beta", "gamma knows the third");
  await eventually(() => b.warnings.some((text) => /had lost packs\//.test(text)), "it is told");
  for (const [at, chunk] of chunks.slice(12).entries())
    assert.deepEqual(Buffer.from(await c.readChunk(third.id, at)), Buffer.from(chunk));
  for (const [at, chunk] of chunks.slice(5).entries())
    assert.deepEqual(Buffer.from(await c.readChunk(newest.id, at)), Buffer.from(chunk));
});
