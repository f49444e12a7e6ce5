/** Sends the chunks of a disk that is read, some at once: what the server has is neither packed nor sent. */
import { availableParallelism } from "node:os";
import { codec, type IndexEntry } from "../../core/image/types.ts";
import { systemClock } from "../../core/node/clock.ts";
import { hashChunk, storedForm } from "./chunk.ts";
import { Outbox } from "./outbox.ts";
import { PackLevel } from "./pack-level.ts";
import type { CaptureUplink } from "./uplink.ts";

export class ChunkSender {
  private readonly outbox: Outbox;
  private readonly packing: PackLevel;

  /** `lanes`: chunks that are under way at once, at most. */
  constructor(uplink: CaptureUplink, lanes: number) {
    this.outbox = new Outbox(uplink);
    this.packing = new PackLevel(availableParallelism(), lanes, systemClock.now);
  }

  /** Answers the chunk's index entry when there is room for another. Rejects as the uplink does. */
  async send(chunkIndex: number, data: Uint8Array): Promise<IndexEntry> {
    const { outbox, packing } = this;
    const hashed = await packing.during(() => hashChunk(data));
    const { isZero, sha256 } = hashed;
    if (!isZero && (await outbox.isKnown(sha256))) {
      // The server's index names its own form of a chunk that it has.
      return { chunkIndex, codec: codec.raw, storedLength: data.length, crc32c: 0, sha256 };
    }
    const stored = await packing.during(() => storedForm(chunkIndex, hashed, packing.level));
    packing.packed();
    if (!isZero) await outbox.send(stored);
    return stored.entry;
  }

  /** Resolves when the server has everything. Rejects as the uplink does. */
  emptied(): Promise<void> {
    return this.outbox.emptied();
  }
}
