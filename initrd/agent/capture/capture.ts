/** Reads a disk into an image: maps it, then reads, hashes, compresses and sends what is in use. */

import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { constants, zstdCompress } from "node:zlib";
import { RoomcastError } from "../../../core/errors.ts";
import { crc32c } from "../../../core/image/crc32c.ts";
import { encodeIndex } from "../../../core/image/index-codec.ts";
import { rootHashOf } from "../../../core/image/merkle.ts";
import { readPartitionTable, type TablePartition } from "../../../core/image/partition-table.ts";
import {
  type CapturePlan,
  type KeptChunk,
  planCapture,
  type UsedPartition,
} from "../../../core/image/plan.ts";
import {
  codec,
  type IndexEntry,
  type ManifestDraft,
  type PartitionRecord,
} from "../../../core/image/types.ts";
import { alignedBuffer } from "../../../core/node/disk.ts";
import type { BlockDevice } from "../../../core/ports.ts";
import { chunkBytes, chunkLengthAt } from "../../../core/units/units.ts";
import { systemCodec } from "../restore/codec.ts";
import type { CaptureUplink, Committed, StoredChunk } from "./uplink.ts";
import { findUse } from "./used-blocks.ts";

export interface CaptureOptions {
  /** Open for reading; its path names it to the tools. */
  readonly disk: BlockDevice;
  /** The PC and its disk in words, and the version of roomcast. */
  readonly source: string;
  /** Takes every block, used or not. */
  readonly raw: boolean;
  readonly uplink: CaptureUplink;
  /** Its reason is what `captureDisk` rejects with. */
  readonly signal: AbortSignal;
  /** Raw bytes done, of those to be read. */
  progress(bytesDone: number, bytesTotal: number): void;
  log(text: string): void;
}

/** Chunks hashed and compressed at once: libuv has four threads, and some wait for the disk. */
const laneCount = 6;
/** Chunks in a batch: one question of what is known, and uploads of at most `uploadBytes`. */
const batchChunks = 16;
const uploadBytes = 8 * 1024 * 1024;
/** zstd that saves less is not worth inflating. */
const worthwhile = 0.97;

const compress = promisify(zstdCompress);
const hash = (data: Uint8Array): Uint8Array =>
  new Uint8Array(createHash("sha256").update(data).digest());

/** What of a disk goes into an image, before anything of it is read. */
export interface DiskMap {
  readonly plan: CapturePlan;
  readonly table: Awaited<ReturnType<typeof readPartitionTable>>;
  readonly partitions: readonly PartitionRecord[];
  readonly warnings: readonly string[];
}

/** Finds out what is in use. Rejects with a RoomcastError, or with the signal's reason. */
export async function mapDisk(
  options: Pick<CaptureOptions, "disk" | "raw" | "signal" | "log">,
): Promise<DiskMap> {
  const { disk, signal, log } = options;
  const table = await readPartitionTable({
    diskBytes: disk.size,
    logicalSector: disk.logicalSector,
    async read(offset, length) {
      const into = alignedBuffer(length);
      await disk.read(offset, into);
      return into;
    },
  });
  const warnings = [...table.warnings];
  const volumes: readonly TablePartition[] =
    table.kind === "none"
      ? [{ index: 0, type: "none", start: 0, size: disk.size }]
      : table.partitions;
  const records: PartitionRecord[] = [];
  const uses: UsedPartition[] = [];
  for (const volume of volumes) {
    signal.throwIfAborted();
    const { record, used, warning } = await findUse(disk.path, volume, options);
    const { index, type, start, size } = volume;
    const usedBytes = used?.reduce((sum, { length }) => sum + length, 0) ?? size;
    records.push({ index, type, start, size, usedBytes, ...record });
    uses.push({ start, size, used });
    if (warning !== null) {
      warnings.push(warning);
      log(warning);
    }
  }
  const plan = planCapture(disk.size, options.raw ? [] : uses);
  return { plan, table, partitions: records, warnings };
}

/** All of the manifest's draft but the root hash, which is known when everything has been read. */
export const draftOf = (
  disk: BlockDevice,
  map: DiskMap,
  source: string,
): Omit<ManifestDraft, "rootHash"> => ({
  format: "roomcast-image",
  formatVersion: 1,
  source: source.slice(0, 1024),
  diskBytes: disk.size,
  logicalSector: disk.logicalSector,
  chunkBytes,
  chunkCount: map.plan.chunks.length,
  usedBytes: map.plan.usedBytes,
  partitionTable: map.table.kind,
  partitions: map.partitions,
  warnings: map.warnings,
});

/** A chunk as it was read: raw bytes with zeros for what nothing uses. */
export interface ReadChunk {
  readonly data: Uint8Array;
  readonly isZero: boolean;
  readonly sha256: Uint8Array;
}

/** Reads a chunk into `into`, which has room for it. */
export async function readChunk(
  disk: BlockDevice,
  { chunkIndex, zeroed }: KeptChunk,
  into: Uint8Array,
): Promise<ReadChunk> {
  const data = into.subarray(0, chunkLengthAt(chunkIndex, disk.size));
  await disk.read(chunkIndex * chunkBytes, data);
  for (const { start, length } of zeroed) data.fill(0, start, start + length);
  return { data, isZero: isZero(data), sha256: await systemCodec.hash(data) };
}

/** The chunk as it is stored. The same bytes always give the same form. The result shares no memory with `data`. */
export async function storedForm(chunkIndex: number, read: ReadChunk): Promise<StoredChunk> {
  const { data, isZero, sha256 } = read;
  if (isZero) {
    const entry = { chunkIndex, codec: codec.zero, storedLength: 0, crc32c: 0, sha256 };
    return { entry, stored: new Uint8Array() };
  }
  const small = await compressed(data);
  const stored = small ?? data.slice();
  const kind = small === null ? codec.raw : codec.zstd;
  return {
    entry: { chunkIndex, codec: kind, storedLength: stored.length, crc32c: crc32c(stored), sha256 },
    stored,
  };
}

/** Resolves when the server has committed the image. Rejects with a RoomcastError. */
export async function captureDisk(options: CaptureOptions): Promise<Committed> {
  const { disk, signal, uplink } = options;
  const map = await mapDisk(options);
  const { plan } = map;
  const bytesTotal = plannedBytes(plan, disk.size);
  const entries: IndexEntry[] = [];
  let bytesDone = 0;
  options.progress(0, bytesTotal);

  const buffers = Array.from({ length: batchChunks }, () => alignedBuffer(chunkBytes));
  let sending: Promise<void> = Promise.resolve();
  for (let from = 0; from < plan.chunks.length; from += batchChunks) {
    const batch = plan.chunks.slice(from, from + batchChunks);
    const found = await inLanes(batch, signal, (chunk, at) =>
      readChunk(disk, chunk, buffers[at] as Uint8Array),
    );
    const asked = [...found.keys()].filter((at) => !found[at]?.isZero);
    const answer =
      asked.length === 0
        ? []
        : await uplink.known(asked.map((at) => found[at]?.sha256 as Uint8Array));
    const isKnown = new Set(asked.filter((_, at) => answer[at]));
    const done = await inLanes(batch, signal, async ({ chunkIndex }, at): Promise<StoredChunk> => {
      const read = found[at] as ReadChunk;
      if (!isKnown.has(at)) return storedForm(chunkIndex, read);
      // The server keeps its own form of a chunk that it has.
      const { data: stored, sha256 } = read;
      const storedLength = stored.length;
      return {
        entry: { chunkIndex, codec: codec.raw, storedLength, crc32c: crc32c(stored), sha256 },
        stored,
      };
    });
    for (const { entry } of done) entries.push(entry);
    const toSend = done.filter(({ entry }, at) => entry.codec !== codec.zero && !isKnown.has(at));
    await sending;
    // The next batch is read while this one is on its way.
    sending = upload(uplink, toSend);
    sending.catch(() => {});
    bytesDone += found.reduce((sum, { data }) => sum + data.length, 0);
    options.progress(bytesDone, bytesTotal);
  }
  await sending;
  signal.throwIfAborted();

  const index = encodeIndex(entries);
  const draft: ManifestDraft = {
    ...draftOf(disk, map, options.source),
    rootHash: rootHashOf(index, hash),
  };
  await uplink.index(index);
  return uplink.commit(draft);
}

/** Raw bytes that the plan has to be read. */
export const plannedBytes = ({ chunks }: CapturePlan, diskBytes: number): number =>
  chunks.reduce((sum, { chunkIndex }) => sum + chunkLengthAt(chunkIndex, diskBytes), 0);

async function upload(uplink: CaptureUplink, chunks: readonly StoredChunk[]): Promise<void> {
  let part: StoredChunk[] = [];
  let total = 0;
  for (const chunk of chunks) {
    if (part.length > 0 && total + chunk.stored.length > uploadBytes) {
      await uplink.chunks(part);
      part = [];
      total = 0;
    }
    part.push(chunk);
    total += chunk.stored.length;
  }
  if (part.length > 0) await uplink.chunks(part);
}

/** null when it is not worth it. */
async function compressed(data: Uint8Array): Promise<Uint8Array | null> {
  const params = { [constants.ZSTD_c_compressionLevel]: 1 };
  const small = await compress(data, { params, chunkSize: chunkBytes });
  return small.length < data.length * worthwhile ? small : null;
}

/** The results in order; stops beginning more when one fails, and waits for those under way. */
export async function inLanes<T, R>(
  items: readonly T[],
  signal: AbortSignal,
  work: (item: T, at: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  let failed = false;
  const lane = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const at = next++;
      try {
        signal.throwIfAborted();
        results[at] = await work(items[at] as T, at);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: laneCount }, lane));
  for (const ended of lanes) if (ended.status === "rejected") throw asRoomcastError(ended.reason);
  return results;
}

const asRoomcastError = (error: unknown): unknown =>
  error instanceof Error && !(error instanceof RoomcastError)
    ? new RoomcastError("failed", error.message, "try again", { cause: error })
    : error;

function isZero(data: Uint8Array): boolean {
  const words = new BigUint64Array(data.buffer, data.byteOffset, data.length >> 3);
  for (let at = 0; at < words.length; at++) if (words[at] !== 0n) return false;
  for (let at = words.length << 3; at < data.length; at++) if (data[at] !== 0) return false;
  return true;
}
