/** Packs the chunks of an image anew, at a higher level, where that makes them smaller. It may end at any step, and goes on where it was. */
import { assert, RoomcastError } from "../../core/errors.ts";
import { decodeEntry } from "../../core/image/index-codec.ts";
import { codec, type IndexEntry, indexEntryBytes } from "../../core/image/types.ts";
import { inLanes } from "../../core/lanes.ts";
import { hashKey } from "../../core/node/hash.ts";
import type { PackJob, PackResult, StoredChunk } from "./pack-job.ts";
import { type ChunkPlace, isSamePlace } from "./packs.ts";

/** Bytes that take their places at once: so much is written twice where it was interrupted. */
const batchBytes = 16 * 1024 * 1024;
/** Chunks that would not be smaller, and are noted at once: at level 19 two minutes of a core. */
const sameAtOnce = 256;
/** Entries that are looked up before other work has its turn: a few milliseconds. */
const entriesAtOnce = 256;

/** A chunk that was packed anew, and where it is in its form of before. */
export interface Repacked extends StoredChunk {
  readonly old: ChunkPlace;
}

/** What one batch of work found: chunks that are smaller now, and others that would not be. */
export interface RepackedBatch {
  readonly level: number;
  readonly smaller: readonly Repacked[];
  readonly same: readonly Uint8Array[];
}

/** How somebody wants an image packed anew. */
export interface RepackOrder {
  /** Of zstd, 1 to 19. */
  readonly level: number;
  /** How many cores it may use; null: as many as is usual. */
  readonly threads: number | null;
}

export interface RepackOptions {
  /** Of zstd, 1 to 19. */
  readonly level: number;
  readonly lanes: number;
  readonly signal: AbortSignal;
  pack(job: PackJob): Promise<PackResult>;
  /** Nobody holds the forms of an image's chunks: no session has PCs at work. */
  isFree(): boolean;
  /** Resolves when it is so, or `signal` aborts. */
  untilFree(): Promise<void>;
  /** Chunks done, of all. */
  onProgress(done: number, total: number): void;
}

export interface RepackReport {
  /** Of the image, each chunk once. */
  readonly storedBytes: number;
  /** Chunks that are damaged, which were left as they are. */
  readonly damaged: number;
}

export interface RepackPorts {
  readonly index: Uint8Array;
  /** Null: it is not in the store, or known to be damaged. */
  placeOf(hash: Uint8Array): ChunkPlace | null;
  /** At which level it was packed anew last; 0: never. */
  levelOf(hash: Uint8Array): number;
  read(place: ChunkPlace): Promise<Uint8Array>;
  /** All or none, durable when it resolves; false: `isFree` was not true any more. */
  replace(batch: RepackedBatch, isFree: () => boolean): Promise<boolean>;
  markDamaged(hash: Uint8Array): void;
  pause(): Promise<void>;
}

/** Rejects with `cancelled` when the signal aborts, `no-space`. */
export async function repackImage(
  ports: RepackPorts,
  options: RepackOptions,
): Promise<RepackReport> {
  const { level, lanes, signal } = options;
  const chunks = await chunksOf(ports);
  let batch = newBatch();
  let taking: Promise<void> = Promise.resolve();
  let done = 0;
  let damaged = 0;

  /** One after the other; a lane that brings the next one waits, so that no more than two are in memory. */
  const take = (full: Batch): Promise<void> => {
    taking = taking.then(() => replace({ level, ...full }, ports, options));
    return taking;
  };
  try {
    await inLanes(chunks, lanes, async ({ sha256 }) => {
      if (ports.levelOf(sha256) < level) {
        await untilFree(options);
        const found = await packed(sha256, ports, options);
        if (found === "damaged") damaged++;
        else if (found === null) batch.same.push(sha256);
        else {
          batch.smaller.push(found);
          batch.bytes += found.stored.length;
        }
        if (batch.bytes >= batchBytes || batch.same.length >= sameAtOnce) {
          const full = batch;
          batch = newBatch();
          await take(full);
        }
      }
      options.onProgress(++done, chunks.length);
    });
  } finally {
    // Also when it is stopped: it goes on after that.
    await take(batch);
  }
  if (signal.aborted) throw stopped();
  return { storedBytes: await bytesOf(chunks, ports), damaged };
}

interface Batch {
  readonly smaller: Repacked[];
  readonly same: Uint8Array[];
  bytes: number;
}

const newBatch = (): Batch => ({ smaller: [], same: [], bytes: 0 });

/** Once it is stopped it does not wait for a session to end: the batch is then packed again next time. */
async function replace(
  batch: RepackedBatch,
  ports: RepackPorts,
  { isFree, untilFree: wait, signal }: RepackOptions,
): Promise<void> {
  do {
    while (!isFree()) {
      if (signal.aborted) return;
      await wait();
    }
  } while (!(await ports.replace(batch, isFree)));
}

async function untilFree({ isFree, untilFree: wait, signal }: RepackOptions): Promise<void> {
  while (!isFree() && !signal.aborted) await wait();
  if (signal.aborted) throw stopped();
}

/** Null: it would not be smaller. */
async function packed(
  hash: Uint8Array,
  ports: RepackPorts,
  { level, pack }: RepackOptions,
): Promise<Repacked | "damaged" | null> {
  const old = ports.placeOf(hash);
  if (old === null) return "damaged";
  const stored = await ports.read(old).catch(() => null);
  const result = stored === null ? null : await pack({ entry: old.entry, stored, level });
  if (result === null || result.fault !== null) {
    // Unless it is somewhere else meanwhile, or gone with its images.
    if (isSamePlace(ports.placeOf(hash), old)) ports.markDamaged(hash);
    return "damaged";
  }
  return result.packed === null ? null : { ...result.packed, old };
}

/** The entries whose chunks are in the store, each chunk once. */
async function chunksOf({ index, pause }: RepackPorts): Promise<IndexEntry[]> {
  const found = new Map<string, IndexEntry>();
  for (let at = 0; at < index.length; at += indexEntryBytes) {
    const decoded = decodeEntry(index, at);
    assert(decoded.ok, "an index that was read was looked into");
    if (decoded.value.codec !== codec.zero) found.set(hashKey(decoded.value.sha256), decoded.value);
    if (at % (entriesAtOnce * indexEntryBytes) === 0) await pause();
  }
  return [...found.values()];
}

async function bytesOf(
  chunks: readonly IndexEntry[],
  { placeOf, pause }: RepackPorts,
): Promise<number> {
  let bytes = 0;
  for (const [at, { sha256, storedLength }] of chunks.entries()) {
    bytes += placeOf(sha256)?.entry.storedLength ?? storedLength;
    if (at % entriesAtOnce === 0) await pause();
  }
  return bytes;
}

const stopped = (): RoomcastError =>
  new RoomcastError("cancelled", "the packing was stopped", "start it again: it goes on there");
