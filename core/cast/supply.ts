/** Reads entries ahead of their turn, and holds the memory of all entries at work. */
import { assert } from "../errors.ts";
import { symbolBytes } from "../wire/cast.ts";
import type { Entries } from "./entries.ts";
import { slabBytesFor, slotBytesFor } from "./slab.ts";

/** Entries at work at once, read ahead or in flight: at 1 MiB each, this is the sender's memory. */
export const supplyLimit = 112;
/** Entries that are read ahead of their turn: 10 ms at 10 Gbit/s. */
const readAhead = 12;
/**
 * Before the first entry's turn, so many: reading and encrypting a dozen takes a busy server longer than the room takes
 * to gather, and the reports that it waits for are heard by the same thread.
 */
const readFirst = 2;
/** Further slots, kept for entries of which receivers have parts. */
const readResumed = 4;

interface Waiting {
  readonly entryIndex: number;
  readonly slot: number;
  isHere: boolean;
}

export class Supply {
  readonly slab: Uint8Array;
  readonly words: Int32Array;
  readonly slotBytes: number;
  private readonly freeSlots: number[] = [];
  /** In the order of their turns. */
  private readonly ahead = new Map<number, Waiting>();
  private readonly resumed = new Map<number, Waiting>();
  private readonly reads: number[] = [];
  private hasBegun = false;

  /** `makeSlab`: makes memory of so many zeros, aligned to 4. */
  constructor({ storedLengths }: Entries, makeSlab: (byteCount: number) => Uint8Array) {
    this.slotBytes = slotBytesFor(storedLengths);
    const slotCount = Math.min(supplyLimit, storedLengths.length + readResumed);
    this.slab = makeSlab(slabBytesFor(storedLengths, slotCount));
    this.words = new Int32Array(this.slab.buffer);
    for (let slot = slotCount - 1; slot >= 0; slot--) this.freeSlots.push(slot);
  }

  /** The entries to read that were asked for since the last call. */
  takeReads(): number[] {
    return this.reads.splice(0);
  }

  /** What is read ahead is no longer as it has to be sent: it is asked for once more. */
  readAgain(): void {
    for (const waiting of [...this.ahead.values(), ...this.resumed.values()]) {
      if (!waiting.isHere) continue;
      waiting.isHere = false;
      this.reads.push(waiting.entryIndex);
    }
  }

  /** How many entries are read, or being read. */
  get count(): number {
    return this.ahead.size + this.resumed.size;
  }

  has(entryIndex: number): boolean {
    return this.ahead.has(entryIndex) || this.resumed.has(entryIndex);
  }

  get hasRoomAhead(): boolean {
    const most = this.hasBegun ? readAhead : readFirst;
    return this.ahead.size < most && this.freeSlots.length > readResumed;
  }

  get hasRoomResumed(): boolean {
    return this.resumed.size < readResumed && this.freeSlots.length > 0;
  }

  ask(entryIndex: number, kind: "ahead" | "resumed"): void {
    const slot = this.freeSlots.pop();
    assert(slot !== undefined, "there is room for the entry");
    this[kind].set(entryIndex, { entryIndex, slot, isHere: false });
    this.reads.push(entryIndex);
  }

  /** Has the stored bytes of an entry that was asked for written to its slot, if it is still wanted. */
  take(entryIndex: number, storedLength: number, write: (into: Uint8Array) => void): void {
    const waiting = this.ahead.get(entryIndex) ?? this.resumed.get(entryIndex);
    if (waiting === undefined || waiting.isHere) return;
    const start = waiting.slot * this.slotBytes;
    const end = start + storedLength;
    write(this.slab.subarray(start, end));
    const padding = (symbolBytes - (storedLength % symbolBytes)) % symbolBytes;
    this.slab.fill(0, end, end + padding);
    waiting.isHere = true;
  }

  /** The entries whose bytes have come: those to be resumed, then the next in order. */
  *ready(): Generator<number> {
    for (const { entryIndex, isHere } of this.resumed.values()) if (isHere) yield entryIndex;
    for (const { entryIndex, isHere } of this.ahead.values()) {
      // The order is the disk's: an entry that is still being read holds up those after it.
      if (!isHere) return;
      yield entryIndex;
    }
  }

  isResumed(entryIndex: number): boolean {
    return this.resumed.has(entryIndex);
  }

  /** The entry's turn has come: its slot belongs to the caller until `free`. */
  claim(entryIndex: number): number {
    const waiting = this.resumed.get(entryIndex) ?? this.ahead.get(entryIndex);
    assert(waiting?.isHere === true, "its bytes are here");
    this.hasBegun = true;
    this.resumed.delete(entryIndex);
    this.ahead.delete(entryIndex);
    return waiting.slot;
  }

  /** Nobody wants the entry any more. If it is still being read, it keeps its slot until its bytes come. */
  drop(entryIndex: number): void {
    const waiting = this.resumed.get(entryIndex) ?? this.ahead.get(entryIndex);
    if (waiting?.isHere === true) this.free(this.claim(entryIndex));
  }

  free(slot: number): void {
    this.freeSlots.push(slot);
  }
}
