/**
 * How long a store takes to open, and what a sweep of it costs: `node test/bench/store.ts [IMAGES] [CHUNKS]`. The
 * images are indexes and a catalogue alone, whose chunks are nowhere: opening reads none.
 */
import { hash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { encodeManifestFile } from "../../core/image/manifest.ts";
import { indexEntryBytes } from "../../core/image/types.ts";
import { hexSha256 } from "../../core/node/hash.ts";
import { catalogueIn, openCatalogue } from "../../server/store/catalogue.ts";
import { nodeFiles } from "../../server/store/files.ts";
import { openImageStore } from "../../server/store/open-image-store.ts";
import { Packs } from "../../server/store/packs.ts";
import { findDeadBeside } from "../../server/store/sweep-beside.ts";
import { draftOf, mib, write } from "../server/store/write-image.ts";

const never = new AbortController().signal;
const [images = 300, chunks = 100_000] = process.argv.slice(2).map(Number);
const folder = await mkdtemp(join(tmpdir(), "roomcast-store-"));
const directory = join(folder, "store");
const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;
const memory = (): string => `${Math.round(process.memoryUsage.rss() / 1e6)} MB`;

try {
  await mkdir(join(directory, "images"), { recursive: true });
  const packs = await Packs.open(join(directory, "packs"), nodeFiles);
  const catalogue = await openCatalogue(catalogueIn(directory), packs, never);
  catalogue.isSwept = true;
  catalogue.close();
  const db = new DatabaseSync(join(directory, "catalogue.db"));
  // The rows of all images come in the order of random hashes: what is written is better kept in memory.
  db.exec("PRAGMA cache_size = -8000000; PRAGMA synchronous = OFF");
  const insert = db.prepare("INSERT OR IGNORE INTO chunk VALUES (?, ?, 0, 1, 1, 0)");
  for (let image = 1; image <= images; image++) {
    const index = randomBytes(chunks * indexEntryBytes);
    db.exec("BEGIN");
    for (let chunk = 0; chunk < chunks; chunk++) {
      const at = chunk * indexEntryBytes;
      index.writeUInt32LE(chunk, at);
      index.writeUInt32LE(1, at + 4);
      index.writeUInt32LE(1, at + 8);
      index.writeUInt32LE(0, at + 12);
      insert.run(index.subarray(at + 16, at + indexEntryBytes), image);
    }
    db.exec("COMMIT");
    const id = hash("sha256", `${image}`).slice(0, 16);
    const manifest = {
      ...draftOf(index, chunks),
      ...{ formatVersion: 2 as const, id, name: `image${image}`, version: 1 },
      ...{ capturedAt: "2026-01-01T00:00:00.000Z", storedBytes: chunks },
    };
    await writeFile(join(directory, "images", `${id}.index`), index);
    await writeFile(
      join(directory, "images", `${id}.json`),
      encodeManifestFile(manifest, hexSha256),
    );
  }
  db.close();
  const openedAt = performance.now();
  const store = await openImageStore(directory);
  console.log(`${images} images of ${chunks} chunks: opened in ${seconds(openedAt)}, ${memory()}`);
  const sweptAt = performance.now();
  const setup = { catalogue: join(directory, "catalogue.db"), folder: join(directory, "images") };
  let steps = 0;
  for await (const _ of findDeadBeside({ ...setup, images: store.list() }, never)) steps++;
  console.log(`a sweep that finds nothing: ${seconds(sweptAt)}, ${steps} step, ${memory()}`);
  for (const problem of store.problems) console.log(problem);
  await store[Symbol.asyncDispose]();

  // As a process leaves it that is killed amid its work.
  const left = new DatabaseSync(join(directory, "catalogue.db"));
  left.exec("DELETE FROM swept; DELETE FROM closed");
  left.close();
  const checkedAt = performance.now();
  const isSound = await catalogueIn(directory).isSound(never);
  console.log(`a check of its catalogue: ${seconds(checkedAt)}, ${isSound ? "sound" : "broken"}`);
  const reopenedAt = performance.now();
  const again = await openImageStore(directory);
  console.log(`opened after a kill in ${seconds(reopenedAt)}, the check is in that`);
  const committedAt = performance.now();
  await write(again, [randomBytes(mib)], "meanwhile");
  const isBeside = again.warnings.length > 0;
  console.log(
    `an image of a chunk ${isBeside ? "beside" : "after"} the sweep: ${seconds(committedAt)}`,
  );
  const closedAt = performance.now();
  await again[Symbol.asyncDispose]();
  console.log(`closed ${isBeside ? "amid" : "after"} the sweep in ${seconds(closedAt)}`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
