/** A raw disk that comes as a stream, and whose size shows at its end. Every byte is kept; zeros take no space. */

import { encodeIndex } from "../../core/image/index-codec.ts";
import { rootHashOf } from "../../core/image/merkle.ts";
import type { IndexEntry } from "../../core/image/types.ts";
import { inLanes } from "../../core/lanes.ts";
import { writeSha256 } from "../../core/node/hash.ts";
import { chunkBytes, wholeSectors } from "../../core/units/units.ts";
import { ChunkSender } from "../../imaging/capture/chunk-sender.ts";
import type { CaptureUplink, Committed } from "../../imaging/capture/uplink.ts";
import { type ByteReader, damagedSource } from "./byte-reader.ts";
import { logicalSectorOf } from "./disk-head.ts";
import { requireWhole, StreamedTable } from "./streamed-table.ts";

/** Chunks under way at once. */
const laneCount = 16;

export interface StreamOptions {
  readonly reader: ByteReader;
  readonly source: string;
  /** Also of a disk that is shorter than its partition table says. */
  readonly raw: boolean;
  readonly uplink: CaptureUplink;
  readonly signal: AbortSignal;
}

/** Rejects with `bad-input` when the stream, or the disk in it, is cut. */
export async function captureStream(options: StreamOptions): Promise<Committed> {
  const { reader, source, uplink, signal } = options;
  const sender = new ChunkSender(uplink, laneCount);
  const entries: IndexEntry[] = [];
  let streamBytes = 0;
  let diskBytes = 0;
  const table = new StreamedTable();
  /** The chunks in order, each with its number. */
  async function* chunks(): AsyncGenerator<[chunkIndex: number, data: Uint8Array]> {
    for (let chunkIndex = 0; ; chunkIndex++) {
      signal.throwIfAborted();
      const data = await reader.takeUpTo(chunkBytes);
      if (data.length === 0) return;
      await table.saw(streamBytes, data);
      streamBytes += data.length;
      diskBytes = wholeSectors(streamBytes, logicalSectorOf(table.head));
      const padding = new Uint8Array(diskBytes - streamBytes);
      yield [chunkIndex, padding.length === 0 ? data : Buffer.concat([data, padding])];
    }
  }
  await inLanes(chunks(), laneCount, async ([chunkIndex, data]) => {
    entries[chunkIndex] = await sender.send(chunkIndex, data);
  });
  signal.throwIfAborted();
  await sender.emptied();
  if (streamBytes === 0 || (!options.raw && streamBytes % 512 !== 0)) {
    throw damagedSource(source, `${streamBytes} bytes are no whole number of sectors`);
  }

  const found = await table.finish(diskBytes);
  if (!options.raw) requireWhole(found, table.head, streamBytes, source);
  const { partitions } = found;
  const index = encodeIndex(entries);
  await uplink.index(index);
  return uplink.commit({
    format: "roomcast-image",
    formatVersion: 1,
    source: source.slice(0, 1024),
    diskBytes,
    logicalSector: found.logicalSector,
    chunkBytes,
    chunkCount: entries.length,
    usedBytes: diskBytes,
    partitionTable: found.kind,
    partitions: partitions.map((each) => ({
      ...each,
      fs: null,
      label: null,
      uuid: null,
      usedBytes: each.size,
      mode: "raw",
    })),
    rootHash: rootHashOf(index, writeSha256),
    warnings: found.warnings,
  });
}
