/** The format as docs/image-format.md has it: stores of every version there was, and what lies or is cut. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { zstdDecompressSync } from "node:zlib";
import fc from "fast-check";
import { RoomcastError } from "../../../core/errors.ts";
import { decodeIndex } from "../../../core/image/index-codec.ts";
import { codec, type Manifest } from "../../../core/image/types.ts";
import type { ImageStore } from "../../../server/store/image-store.ts";
import { openImageStore } from "../../../server/store/open-image-store.ts";
import { drawn } from "../../property.ts";
import { readStore } from "./independent-reader.ts";
import { mib } from "./write-image.ts";

const fixtures = join(import.meta.dirname, "../../fixtures");
const quiet = { signal: new AbortController().signal, onProgress() {} };
const sha256 = (data: Uint8Array) => createHash("sha256").update(data).digest();

/** The fixtures' disks, as they were made. */
const line = (name: string) => Buffer.alloc(mib, `line of chunk ${name}\n`);
const noise = Buffer.concat(
  Array.from({ length: 22 }, (_, n) => sha256(Buffer.from(`noise ${n}`))),
).subarray(0, 700);
const disk = (second: Buffer): Buffer =>
  Buffer.concat([line("a"), second, Buffer.alloc(mib), line("b"), Buffer.alloc(mib), noise]);
const disks = new Map([
  ["lab@1", disk(Buffer.alloc(mib))],
  ["lab@2", disk(line("c"))],
]);

async function readBack(store: ImageStore, image: Manifest): Promise<Buffer> {
  const decoded = decodeIndex(await store.index(image.id), image.diskBytes);
  assert(decoded.ok);
  const out = Buffer.alloc(image.diskBytes);
  for (const [entryIndex, entry] of decoded.value.entries()) {
    const stored = await store.readChunk(image.id, entryIndex);
    if (entry.codec === codec.zero) continue;
    out.set(
      entry.codec === codec.raw ? stored : zstdDecompressSync(stored),
      entry.chunkIndex * mib,
    );
  }
  return out;
}

async function inCopyOf(fixture: string, work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "store-format-"));
  try {
    cpSync(join(fixtures, fixture), folder, { recursive: true });
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

for (const fixture of ["store-v1", "store-v2"]) {
  test(`${fixture} is read as it was written, by us and by a reader made from the document`, () =>
    inCopyOf(fixture, async (folder) => {
      const read = readStore(folder);
      assert.deepEqual([...read.keys()].sort(), [...disks.keys()]);
      await using store = await openImageStore(folder);
      assert.deepEqual(store.problems, []);
      for (const [name, expected] of disks) {
        assert(read.get(name)?.equals(expected), `${name}, by the independent reader`);
        const image = store.find(name);
        assert(image !== undefined);
        assert((await readBack(store, image)).equals(expected), name);
        assert.equal(image.partitions[0]?.label, "Büro");
      }
      assert.deepEqual(await store.verify(null, quiet), { ok: true, damaged: [] });
    }));
}

test("the document's test vectors are those of the fixture", () => {
  const text = readFileSync(join(import.meta.dirname, "../../../docs/image-format.md"), "utf8");
  const folder = join(fixtures, "store-v2");
  const lab1 = globSync("images/*.json", { cwd: folder })
    .map((path) => JSON.parse(readFileSync(join(folder, path), "utf8")))
    .find(({ version }) => version === 1);
  const index = readFileSync(join(folder, "images", `${lab1.id}.index`));
  const record = readFileSync(join(folder, "packs/00000001.pack")).subarray(0, 56 + 120);
  const inText = text.replaceAll(/\s/g, "");
  for (const vector of [
    ...[0, 1, 2, 3].map((n) => index.toString("hex", n * 48, n * 48 + 48)),
    record.toString("hex"),
    lab1.rootHash,
    lab1.selfHash,
  ]) {
    assert(inText.includes(vector), `the document lacks ${vector}`);
  }
});

test("anything flipped or cut is found and named, or changes nothing; the rest stays whole", () =>
  inCopyOf("store-v2", async (template) => {
    const files = globSync("{images/*,packs/*,versions.json}", { cwd: template }).sort();
    const folder = `${template}-damaged`;
    const damage = fc.record({
      file: fc.constantFrom(...files),
      at: fc.double({ min: 0, max: 0.999_999, noNaN: true }),
      bit: fc.option(fc.nat(7)),
    });
    try {
      await fc.assert(
        fc.asyncProperty(damage, async ({ file, at, bit }) => {
          rmSync(folder, { recursive: true, force: true });
          cpSync(template, folder, { recursive: true });
          const path = join(folder, file);
          const offset = Math.floor(at * statSync(path).size);
          if (bit === null) truncateSync(path, offset);
          else {
            const data = readFileSync(path);
            data[offset] = (data[offset] as number) ^ (1 << bit);
            writeFileSync(path, data);
          }
          await using store = await openImageStore(folder);
          const report = await store.verify(null, quiet);
          const told = [
            ...store.problems,
            ...report.damaged.flatMap(({ images }) => images),
          ].join();
          for (const [name, expected] of disks) {
            const image = store.find(name);
            const isNamed = told.includes(name) || store.problems.length > 0;
            if (image === undefined) assert(isNamed, `${name} is gone, and nothing says so`);
            else {
              const read = await readBack(store, image).catch((error: unknown) => {
                assert(error instanceof RoomcastError, String(error));
                return null;
              });
              if (read === null) assert(isNamed, `${name} cannot be read, and nothing says so`);
              else assert(read.equals(expected), `${name} is read wrong`);
            }
          }
          assert(existsSync(path) || !file.endsWith(".json"), `${file} was thrown away`);
        }),
        { numRuns: drawn(15) },
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }));
