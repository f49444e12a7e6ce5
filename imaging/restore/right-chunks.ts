/** Whether chunks are right: as they come, by their hash, and as the disk gives them back. */
import { RoomcastError } from "../../core/errors.ts";
import type { ByteSource } from "../../core/image/byte-source.ts";
import { codec } from "../../core/image/types.ts";
import type { RestoreBooks } from "./books.ts";
import { checkedChunk, equalBytes } from "./chunk-check.ts";
import type { DiskFaults } from "./disk-faults.ts";
import type { RestorePorts } from "./restore-plan.ts";

export interface RestoreInHand {
  readonly books: RestoreBooks;
  readonly faults: DiskFaults;
  /** Raw bytes of what goes last, by entry. */
  readonly held: ReadonlyMap<number, Uint8Array>;
  readonly ports: Pick<RestorePorts, "fetch" | "hash" | "inflate">;
}

export class RightChunks {
  private readonly restore: RestoreInHand;

  constructor(restore: RestoreInHand) {
    this.restore = restore;
  }

  /** The raw bytes of a chunk as it is stored, in `buffer`; null: they are not what the index says. */
  checked(entryIndex: number, stored: Uint8Array, buffer: Uint8Array): Promise<Uint8Array | null> {
    const { books, ports } = this.restore;
    const length = books.lengthOf(entryIndex);
    return checkedChunk(books.entry(entryIndex), length, stored, buffer, ports);
  }

  /** As `checked`, of what the server itself gives. Rejects when that is wrong as well. */
  async fetched(entryIndex: number, buffer: Uint8Array): Promise<Uint8Array> {
    const { books, ports } = this.restore;
    const { codec: kind, chunkIndex } = books.entry(entryIndex);
    if (kind === codec.zero) return buffer.subarray(0, books.lengthOf(entryIndex)).fill(0);
    const raw = await this.checked(entryIndex, await ports.fetch(entryIndex), buffer);
    if (raw !== null) return raw;
    throw new RoomcastError(
      "bad-input",
      `chunk ${chunkIndex} of the image does not match its hash, however it is sent`,
      "run `roomcast image verify` on the server; if the image is sound, test this PC's memory",
    );
  }

  /** Reads it back; what is wrong is written once more. Rejects when it stays wrong. */
  async verify(entryIndex: number, buffer: Uint8Array): Promise<void> {
    const { books, faults, held } = this.restore;
    if (await this.readsRight(entryIndex, buffer)) return;
    const offset = books.offsetOf(entryIndex);
    const raw = held.get(entryIndex) ?? (await this.fetched(entryIndex, buffer));
    await faults.write(offset, raw);
    if (await this.readsRight(entryIndex, buffer)) return;
    throw faults.readsWrong(offset);
  }

  /** A sector that cannot be read is as wrong as one that reads otherwise: writing may mend both. */
  async readsRight(entryIndex: number, buffer: Uint8Array): Promise<boolean> {
    const { books, faults, ports } = this.restore;
    const data = buffer.subarray(0, books.lengthOf(entryIndex));
    if (!(await faults.reads(books.offsetOf(entryIndex), data))) return false;
    const hash = await ports.hash(data);
    if (!equalBytes(hash, books.entry(entryIndex).sha256)) return false;
    books.noteReadBack(entryIndex, hash);
    return true;
  }

  /** What is on the disk, and what is held back for its end; `size`: of the image's disk. */
  copy(size: number): ByteSource {
    const { books, faults, held } = this.restore;
    return {
      size,
      async read(offset, length) {
        const data = new Uint8Array(length);
        if (!(await faults.reads(offset, data))) throw faults.readsWrong(offset);
        for (const [entryIndex, raw] of held) {
          const start = books.offsetOf(entryIndex);
          const from = Math.max(offset, start);
          const to = Math.min(offset + length, start + raw.length);
          if (from < to) data.set(raw.subarray(from - start, to - start), from - offset);
        }
        return data;
      },
    };
  }
}
