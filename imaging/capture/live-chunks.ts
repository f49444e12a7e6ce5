/**
 * The chunks of a disk that is cast while it is read: each is read, hashed and compressed once, in the
 * disk's order, and held until the cast takes it. What is asked for again, or was not taken in time,
 * is read again: the disk is not changing, so its stored form is the same, always at the lowest level.
 */
import { assert, RoomcastError } from "../../core/errors.ts";
import type { KeptChunk } from "../../core/image/plan.ts";
import type { IndexEntry } from "../../core/image/types.ts";
import type { BlockDevice } from "../../core/ports.ts";
import { chunkBytes } from "../../core/units/units.ts";
import { BusyTime, timedReads } from "../disk/busy-time.ts";
import { alignedBuffer } from "../disk/disk.ts";
import { chunksInLanes } from "./capture.ts";
import { hashChunk, readChunk, storedForm } from "./chunk.ts";
import { lowestLevel } from "./pack-level.ts";

/** Chunks that are released together if nobody wants what is held. */
const releasedAtOnce = 16;
/** Milliseconds between two looks for room, if nothing else wakes it. */
const lookEveryMs = 100;
/** Milliseconds after which chunks that nobody takes or wants are released. */
const idleAfterMs = 500;

export interface LiveChunksOptions {
  readonly disk: BlockDevice;
  readonly chunks: readonly KeptChunk[];
  /** Chunks in memory at once; 0: none is held, and reading waits for nobody. */
  readonly holdLimit: number;
  readonly signal: AbortSignal;
  /** There are more `entries`: to be published. */
  known(): void;
  /** Whether a receiver wants an entry that has been announced to it. */
  isAwaited(): boolean;
}

export class LiveChunks {
  /** As far as they are known. */
  readonly entries: IndexEntry[] = [];
  private readonly options: LiveChunksOptions;
  private readonly busy = new BusyTime();
  private readonly held = new Map<number, Uint8Array>();
  private reading = 0;
  private hasFailed = false;
  private turns: Promise<void> = Promise.resolve();
  private takenAt = performance.now();
  private wake: () => void = () => {};

  constructor(options: LiveChunksOptions) {
    this.options = options;
  }

  /** Milliseconds in which the disk had to read something for the first time: only of that is it counted how much there is. */
  get busyMs(): number {
    return this.busy.ms;
  }

  /** Reads the whole disk; resolves when all entries are known. Rejects with a RoomcastError, or the signal's reason. */
  async run(): Promise<void> {
    const { chunks, signal, known } = this.options;
    const disk = timedReads(this.options.disk, this.busy);
    const done = new Map<number, IndexEntry>();
    await chunksInLanes(chunks, signal, async (chunk, at, buffer) => {
      await this.room();
      const { entry, stored } = await readChunk(disk, chunk, buffer)
        .then(hashChunk)
        .then((hashed) => storedForm(chunk.chunkIndex, hashed, lowestLevel))
        .catch((error: unknown) => {
          this.hasFailed = true;
          throw error;
        });
      this.reading--;
      if (stored.length > 0 && this.options.holdLimit > 0) this.held.set(at, stored);
      done.set(at, entry);
      const before = this.entries.length;
      for (;;) {
        const next = done.get(this.entries.length);
        if (next === undefined) break;
        done.delete(this.entries.length);
        this.entries.push(next);
      }
      if (this.entries.length > before) known();
    });
  }

  /** The stored bytes of a known entry, in a buffer of their own. */
  async read(entryIndex: number): Promise<Uint8Array<ArrayBuffer>> {
    const held = this.held.get(entryIndex);
    if (held === undefined) return new Uint8Array(await this.again(entryIndex));
    this.takenAt = performance.now();
    // The cast goes by the order of the disk: what lies before was not wanted.
    for (const earlier of [...this.held.keys()])
      if (earlier <= entryIndex) this.held.delete(earlier);
    this.wake();
    return new Uint8Array(held);
  }

  /** Waits until one more can be held; in the order of the calls, so that the earliest never waits for later ones. */
  private room(): Promise<void> {
    if (this.options.holdLimit === 0) return Promise.resolve();
    const turn = this.turns.then(async () => {
      while (this.held.size + this.reading >= this.options.holdLimit) await this.release();
      this.reading++;
    });
    this.turns = turn.catch(() => {});
    return turn;
  }

  private async release(): Promise<void> {
    const { signal, isAwaited } = this.options;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, lookEveryMs);
    this.wake = resolve;
    await promise;
    clearTimeout(timer);
    signal.throwIfAborted();
    // Nothing after a chunk that could not be read is cast: there will be no room.
    if (this.hasFailed) throw new RoomcastError("failed", "the disk could not be read", "");
    if (performance.now() - this.takenAt < idleAfterMs || isAwaited()) return;
    for (const entryIndex of [...this.held.keys()].slice(0, releasedAtOnce))
      this.held.delete(entryIndex);
  }

  private async again(entryIndex: number): Promise<Uint8Array> {
    const { disk, chunks } = this.options;
    const chunk = chunks[entryIndex];
    const entry = this.entries[entryIndex];
    assert(chunk !== undefined && entry !== undefined, "only what is known is asked for");
    const data = await readChunk(disk, chunk, alignedBuffer(chunkBytes));
    const found = await storedForm(chunk.chunkIndex, await hashChunk(data), lowestLevel);
    if (found.entry.crc32c === entry.crc32c && found.stored.length === entry.storedLength)
      return found.stored;
    throw new RoomcastError(
      "failed",
      `the disk has changed while it was cast, or does not read the same twice (chunk ${chunk.chunkIndex})`,
      "check this disk's health; nothing may write to it meanwhile",
    );
  }
}
