/** Which chunks of an image a disk holds, and what a PC counts of its part. No I/O. */
import { codec, type IndexEntry } from "../../core/image/types.ts";
import { bitmapBytes, setBit } from "../../core/units/bits.ts";
import { chunkBytes, chunkLengthAt } from "../../core/units/units.ts";
import type { Counters, HeardCounters } from "../../core/wire/work.ts";

export type Verify = "written" | "read-back";

/**
 * Where an entry is on its way: not announced yet (of a live cast), on the network, in memory, held
 * back for the end, on the disk, right.
 */
export const place = { unknown: 0, wanted: 1, inHand: 2, held: 3, written: 4, done: 5 } as const;
type Place = (typeof place)[keyof typeof place];

export class RestoreBooks {
  readonly entries: IndexEntry[];
  private readonly diskBytes: number;
  private readonly verify: Verify;
  private readonly places: Uint8Array;
  /** SHA-256 of each entry as it was read back. */
  private readonly readBack: Uint8Array;
  private readonly totals = {
    bytesWanted: 0,
    bytesReceived: 0,
    bytesWritten: 0,
    bytesVerified: 0,
    chunksKept: 0,
    chunksWritten: 0,
  };
  /** Entries that have to be received or zeroed yet. */
  toCome: number;
  /** Entries that are not right on the disk yet. */
  toDo: number;

  /** `diskBytes`: of the image's disk. `isLive`: of the entries only `chunkIndex` is known yet. */
  constructor(entries: readonly IndexEntry[], diskBytes: number, verify: Verify, isLive: boolean) {
    this.entries = [...entries];
    this.diskBytes = diskBytes;
    this.verify = verify;
    const { length } = entries;
    this.places = new Uint8Array(length).fill(isLive ? place.unknown : place.wanted);
    this.readBack = new Uint8Array(length * 32);
    this.toCome = length;
    this.toDo = length;
    for (let index = 0; index < length; index++) this.totals.bytesWanted += this.lengthOf(index);
  }

  get counters(): Omit<Counters, keyof HeardCounters | "writeBps"> {
    return { ...this.totals };
  }

  /** Raw bytes that came, were written, or were there. */
  get bytesHere(): number {
    const { bytesWanted, bytesReceived, bytesWritten, chunksKept } = this.totals;
    return Math.min(bytesWanted, Math.max(bytesReceived, bytesWritten) + chunksKept * chunkBytes);
  }

  /** Bit `i & 7` of byte `i >> 3`: entry `i` has to come over the network. */
  wants(): Uint8Array {
    const bitmap = new Uint8Array(bitmapBytes(this.entries.length));
    for (let index = 0; index < this.entries.length; index++) {
      if (this.isWanted(index)) setBit(bitmap, index);
    }
    return bitmap;
  }

  /** Whether it has to come over the network: it may yet turn out to be damaged while it is in hand. */
  isWanted(entryIndex: number): boolean {
    if (this.entry(entryIndex).codec === codec.zero) return false;
    return (this.places[entryIndex] as number) <= place.inHand;
  }

  /** The entry is known now. */
  announce(entryIndex: number, entry: IndexEntry): void {
    this.entries[entryIndex] = entry;
    this.move(entryIndex, place.wanted);
  }

  /** The index with the hashes as they were read back. */
  asReadBack(): IndexEntry[] {
    return this.entries.map((entry, index) => ({
      ...entry,
      sha256: this.readBack.subarray(index * 32, index * 32 + 32),
    }));
  }

  entry(entryIndex: number): IndexEntry {
    return this.entries[entryIndex] as IndexEntry;
  }

  /** Of the raw chunk. */
  lengthOf(entryIndex: number): number {
    return chunkLengthAt(this.entry(entryIndex).chunkIndex, this.diskBytes);
  }

  offsetOf(entryIndex: number): number {
    return this.entry(entryIndex).chunkIndex * chunkBytes;
  }

  isAt(entryIndex: number, where: Place): boolean {
    return this.places[entryIndex] === where;
  }

  move(entryIndex: number, to: Place): void {
    this.places[entryIndex] = to;
  }

  /** The disk gave back what the index says. */
  noteReadBack(entryIndex: number, hash: Uint8Array): void {
    this.readBack.set(hash, entryIndex * 32);
  }

  noteReceived(entryIndex: number): void {
    this.totals.bytesReceived += this.lengthOf(entryIndex);
  }

  noteHeld(entryIndex: number): void {
    this.move(entryIndex, place.held);
    this.toCome--;
  }

  /** On the disk since before the restore; `held`: it will be written again anyway, unless all is right. */
  noteKept(entryIndex: number, held: boolean): void {
    this.totals.chunksKept++;
    if (held) return this.noteHeld(entryIndex);
    this.toCome--;
    this.noteRight(entryIndex);
  }

  /** Chunks that were there, and are to be written again. */
  noteNotKept(chunkCount: number): void {
    this.totals.chunksKept -= chunkCount;
  }

  noteWritten(entryIndex: number): void {
    if (!this.isAt(entryIndex, place.held)) this.toCome--;
    this.totals.bytesWritten += this.lengthOf(entryIndex);
    this.totals.chunksWritten++;
    this.move(entryIndex, place.written);
    if (this.verify === "read-back") return;
    this.noteReadBack(entryIndex, this.entry(entryIndex).sha256);
    this.move(entryIndex, place.done);
    this.toDo--;
  }

  /** Read from the disk, and right. */
  noteRight(entryIndex: number): void {
    this.totals.bytesVerified += this.lengthOf(entryIndex);
    this.move(entryIndex, place.done);
    this.toDo--;
  }
}
