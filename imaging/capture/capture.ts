/** Reads a disk into an image: maps it, then reads, hashes, compresses and sends what is in use. */

import { RoomcastError } from "../../core/errors.ts";
import { encodeEntry } from "../../core/image/index-codec.ts";
import { rootHashOf } from "../../core/image/merkle.ts";
import type { KeptChunk } from "../../core/image/plan.ts";
import { type IndexEntry, indexEntryBytes } from "../../core/image/types.ts";
import { inLanes } from "../../core/lanes.ts";
import { writeSha256 } from "../../core/node/hash.ts";
import type { BlockDevice } from "../../core/ports.ts";
import { chunkBytes } from "../../core/units/units.ts";
import { alignedBuffer } from "../disk/disk.ts";
import { laneCount } from "../disk/lanes.ts";
import { readChunk } from "./chunk.ts";
import { ChunkSender } from "./chunk-sender.ts";
import { type DiskMap, draftOf, type MapOptions, mapDisk, plannedBytes } from "./disk-map.ts";
import type { CaptureUplink, Committed } from "./uplink.ts";

export interface CaptureOptions extends MapOptions, SendOptions {}

export interface SendOptions {
  readonly disk: BlockDevice;
  /** The PC and its disk in words, and the version of roomcast. */
  readonly source: string;
  readonly uplink: CaptureUplink;
  /** Its reason is what `captureDisk` rejects with. */
  readonly signal: AbortSignal;
  /** Raw bytes done, of those to be read. */
  progress(bytesDone: number, bytesTotal: number): void;
}

/** Resolves when the server has committed the image. Rejects with a RoomcastError. */
export async function captureDisk(options: CaptureOptions): Promise<Committed> {
  return captureMapped(await mapDisk(options), options);
}

/** As `captureDisk`, of a disk that is mapped already. It is read once, from its beginning to its end. */
export async function captureMapped(map: DiskMap, options: SendOptions): Promise<Committed> {
  const { disk, signal, uplink, source } = options;
  const { chunks } = map.plan;
  const bytesTotal = plannedBytes(map.plan, disk.size);
  // As bytes: objects of a disk of 2 TB would take more memory than the PC may have.
  const index = new Uint8Array(chunks.length * indexEntryBytes);
  const note = (at: number, entry: IndexEntry): void =>
    index.set(encodeEntry(entry), at * indexEntryBytes);
  let bytesDone = 0;
  options.progress(0, bytesTotal);

  const sender = new ChunkSender(uplink, laneCount);
  await chunksInLanes(chunks, signal, async (chunk, at, buffer) => {
    const data = await readChunk(disk, chunk, buffer);
    note(at, await sender.send(chunk.chunkIndex, data));
    bytesDone += data.length;
    options.progress(bytesDone, bytesTotal);
  });
  await sender.emptied();
  signal.throwIfAborted();

  await uplink.index(index);
  return uplink.commit({
    ...draftOf(disk, map, source),
    rootHash: rootHashOf(index, writeSha256),
  });
}

/**
 * As `inLanes`, of the chunks of a disk: a lane has a buffer of its own. Rejects with a RoomcastError or
 * as the signal says.
 */
export async function chunksInLanes(
  chunks: readonly KeptChunk[],
  signal: AbortSignal,
  work: (chunk: KeptChunk, at: number, buffer: Uint8Array) => Promise<void>,
): Promise<void> {
  const lanes = Math.min(laneCount, chunks.length);
  const buffers = Array.from({ length: lanes }, () => alignedBuffer(chunkBytes));
  await inLanes(chunks.entries(), lanes, async ([at, chunk], lane) => {
    signal.throwIfAborted();
    await work(chunk, at, buffers[lane] as Uint8Array);
  }).catch((error: unknown) => {
    throw asRoomcastError(error);
  });
}

const asRoomcastError = (error: unknown): unknown =>
  error instanceof Error && !(error instanceof RoomcastError)
    ? new RoomcastError("failed", error.message, "try again", { cause: error })
    : error;
