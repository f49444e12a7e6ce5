import type { Bytes, Millis } from "./units/units.ts";

/** Time is a parameter of every machine; only edges hold a clock. */
export interface Clock {
  /** Monotonic; its zero means nothing. */
  now(): Millis;
  /** Wall-clock time as ISO 8601 UTC, for people and records only. */
  isoTime(): string;
}

/** A disk, or a file that stands for one. Offsets and lengths in bytes. */
export interface BlockDevice {
  readonly path: string;
  readonly size: Bytes;
  readonly logicalSector: number;
  /**
   * Reads exactly `into.length` bytes at `offset`. Rejects with a RoomcastError on a short read or
   * an I/O error, naming the offset.
   */
  read(offset: number, into: Uint8Array): Promise<void>;
  /** Writes all of `data` at `offset`, past the page cache where the device allows it. */
  write(offset: number, data: Uint8Array): Promise<void>;
  /** Makes what was written durable. */
  flush(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Where a sender takes chunks from, as they are stored (compressed or not), by their place in the image's index. */
export interface ChunkSource {
  /** The stored bytes of the entry; rejects with a RoomcastError that names the chunk when they are damaged. */
  read(entryIndex: number): Promise<Uint8Array>;
  close(): Promise<void>;
}
