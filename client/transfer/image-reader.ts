/** An image's disk, chunk by chunk from a server; every chunk is checked against the index, and that against the manifest. */

import { RoomcastError } from "../../core/errors.ts";
import { decodeEntry, decodeIndex } from "../../core/image/index-codec.ts";
import { decodeManifest, imageName } from "../../core/image/manifest.ts";
import { rootHashOf } from "../../core/image/merkle.ts";
import { codec, type IndexEntry, indexEntryBytes, type Manifest } from "../../core/image/types.ts";
import { chunkCalls } from "../../core/node/chunk-calls.ts";
import { writeSha256 } from "../../core/node/hash.ts";
import { chunkLengthAt } from "../../core/units/units.ts";
import { checkedChunk } from "../../imaging/restore/chunk-check.ts";
import type { ApiClient } from "../api/client.ts";

export interface ReadImage {
  readonly manifest: Manifest;
  readonly entries: readonly IndexEntry[];
  /** The entries with these indexes in this order, raw; null: zeros. Rejects with `bad-input` that names the chunk. */
  chunks(entryIndexes: readonly number[]): AsyncGenerator<RawChunk>;
}

export interface RawChunk {
  readonly entryIndex: number;
  readonly entry: IndexEntry;
  readonly data: Uint8Array | null;
}

/** A chunk as it is stored now, which need not be as the index has it. */
interface StoredChunk {
  readonly entryIndex: number;
  readonly form: IndexEntry;
  readonly stored: Uint8Array;
}

/** Chunks in one request. */
const batchChunks = 8;
/** Requests on their way while the chunks of another are written. */
const batchesAhead = 2;

/** Rejects with `not-found`, and `bad-input` when manifest and index do not fit together. */
export async function readImage(
  client: ApiClient,
  reference: string,
  signal: AbortSignal,
): Promise<ReadImage> {
  const path = `/images/${encodeURIComponent(reference)}`;
  const get = (what: string): Promise<Buffer> => client.bytes("GET", what, { signal });
  const decoded = decodeManifest((await get(`${path}/manifest`)).toString("utf8"));
  if (!decoded.ok) throw damaged(reference, `its manifest: ${decoded.reason}`);
  const manifest = decoded.value;
  const own = `/images/${manifest.id}`;
  const index = await get(`${own}/index`);
  const read = decodeIndex(index, manifest.diskBytes);
  if (!read.ok) throw damaged(imageName(manifest), `its index: ${read.reason}`);
  if (rootHashOf(index, writeSha256) !== manifest.rootHash) {
    throw damaged(imageName(manifest), "its index does not match the root hash");
  }
  const entries = read.value;

  const fetchRun = async ({ first, count }: Run): Promise<StoredChunk[]> => {
    const wanted = entries.slice(first, first + count);
    if (wanted.every((entry) => entry.codec === codec.zero))
      return wanted.map((form, n) => ({ entryIndex: first + n, form, stored: Buffer.alloc(0) }));
    const answer = await get(`${own}/chunks?first=${first}&count=${count}`);
    let at = 0;
    const chunks = wanted.map((_, n) => {
      const form = decodeEntry(answer, at);
      if (!form.ok) throw damaged(imageName(manifest), "the server sent something else");
      const start = at + indexEntryBytes;
      at = start + form.value.storedLength;
      return { entryIndex: first + n, form: form.value, stored: answer.subarray(start, at) };
    });
    if (at !== answer.length) throw damaged(imageName(manifest), "the server sent something else");
    return chunks;
  };
  const rawChunk = async ({ entryIndex, form, stored }: StoredChunk): Promise<RawChunk> => {
    const entry = entries[entryIndex] as IndexEntry;
    return { entryIndex, entry, data: await rawOf(manifest, entry, { form, stored }) };
  };

  return {
    manifest,
    entries,
    chunks: (entryIndexes) =>
      ahead(runsOf(entryIndexes), async (run) => Promise.all((await fetchRun(run)).map(rawChunk))),
  };
}

/** What `work` makes of each run, in order; the next ones are under way meanwhile. */
async function* ahead<T>(
  all: readonly Run[],
  work: (run: Run) => Promise<readonly T[]>,
): AsyncGenerator<T> {
  const runs = all[Symbol.iterator]();
  const batches: Promise<readonly T[]>[] = [];
  for (;;) {
    while (batches.length <= batchesAhead) {
      const { value, done } = runs.next();
      if (done === true) break;
      const batch = work(value);
      // It may fail before its turn to be waited for.
      batch.catch(() => {});
      batches.push(batch);
    }
    const batch = batches.shift();
    if (batch === undefined) return;
    yield* await batch;
  }
}

interface Run {
  readonly first: number;
  readonly count: number;
}

/** Entries that follow each other, as few requests. */
function runsOf(entryIndexes: readonly number[]): Run[] {
  const runs: { first: number; count: number }[] = [];
  for (const entryIndex of entryIndexes) {
    const last = runs.at(-1);
    if (last !== undefined && last.first + last.count === entryIndex && last.count < batchChunks) {
      last.count++;
    } else runs.push({ first: entryIndex, count: 1 });
  }
  return runs;
}

async function rawOf(
  manifest: Manifest,
  entry: IndexEntry,
  { form, stored }: Pick<StoredChunk, "form" | "stored">,
): Promise<Uint8Array | null> {
  if (entry.codec === codec.zero) return null;
  const length = chunkLengthAt(entry.chunkIndex, manifest.diskBytes);
  const expected = { ...form, sha256: entry.sha256 };
  const raw = await checkedChunk(expected, length, stored, new Uint8Array(length), chunkCalls);
  if (raw === null) {
    throw damaged(imageName(manifest), `chunk ${entry.chunkIndex} does not match its hash`);
  }
  return raw;
}

const damaged = (image: string, why: string): RoomcastError =>
  new RoomcastError(
    "bad-input",
    `image ${image} is damaged: ${why}`,
    "run `roomcast image verify`, and check the disk that holds the data folder",
  );
