/** The slots of a receiver: which entry each holds, which of its symbols lack, and how symbols get there. */
import { bitAt, bitmapBytes, clearBit } from "../units/bits.ts";
import { symbolBytes } from "../wire/cast.ts";
import { slotBytesFor } from "./slab.ts";
import { SymbolCopy } from "./symbol-copy.ts";

const none = -1;

export interface SlotsOptions {
  readonly slab: Uint8Array;
  readonly storedLengths: Uint32Array;
  /** All of them; the last `handOverCount` are for entries that got whole elsewhere. */
  readonly slotCount: number;
  readonly handOverCount: number;
}

export class Slots {
  /** How many are for entries from their first symbol on. */
  readonly count: number;
  private readonly slotOf: Int32Array;
  private readonly entryIn: Int32Array;
  private readonly slotBytes: number;
  private readonly words: Int32Array;
  private readonly free: number[] = [];
  private readonly freeForWhole: number[] = [];
  /** For each slot: how many symbols its entry has and lacks, and which it lacks. */
  private readonly symbolCounts: Uint16Array;
  private readonly lackCount: Uint16Array;
  private readonly lackBytes: number;
  private readonly lack: Uint8Array;
  private readonly copy: SymbolCopy;
  private readonly copyKept: SymbolCopy;

  constructor({ slab, storedLengths, slotCount, handOverCount }: SlotsOptions) {
    this.count = slotCount - handOverCount;
    this.slotOf = new Int32Array(storedLengths.length).fill(none);
    this.entryIn = new Int32Array(slotCount).fill(none);
    this.slotBytes = slotBytesFor(storedLengths);
    this.words = new Int32Array(slab.buffer, slab.byteOffset, slab.length >> 2);
    this.symbolCounts = new Uint16Array(slotCount);
    this.lackCount = new Uint16Array(slotCount);
    this.lackBytes = bitmapBytes(this.slotBytes / symbolBytes);
    this.lack = new Uint8Array(slotCount * this.lackBytes);
    this.copy = new SymbolCopy(slab);
    this.copyKept = new SymbolCopy(slab);
    for (let slot = slotCount - 1; slot >= 0; slot--) this.give(slot);
  }

  /** How many are free for an entry from its first symbol on. */
  get freeCount(): number {
    return this.free.length;
  }

  /** Whether any holds an entry. */
  get isUsed(): boolean {
    return this.entryIn.some((entryIndex) => entryIndex !== none);
  }

  /** Of an entry; negative: it has none. */
  of(entryIndex: number): number {
    return this.slotOf[entryIndex] as number;
  }

  /** Gives an entry a slot. Negative: none is free. */
  begin(entryIndex: number, symbolCount: number, isWhole: boolean): number {
    const slot = (isWhole ? this.freeForWhole.pop() : undefined) ?? this.free.pop() ?? none;
    if (slot === none) return none;
    this.slotOf[entryIndex] = slot;
    this.entryIn[slot] = entryIndex;
    this.symbolCounts[slot] = symbolCount;
    this.lackCount[slot] = symbolCount;
    const start = slot * this.lackBytes;
    this.lack.fill(0, start, start + this.lackBytes);
    this.lack.fill(255, start, start + (symbolCount >> 3));
    if ((symbolCount & 7) !== 0)
      this.lack[start + (symbolCount >> 3)] = (1 << (symbolCount & 7)) - 1;
    return slot;
  }

  end(entryIndex: number): void {
    const slot = this.of(entryIndex);
    this.slotOf[entryIndex] = none;
    this.entryIn[slot] = none;
    this.give(slot);
  }

  /** The entries that have one. */
  entries(): number[] {
    return [...this.entryIn].filter((entryIndex) => entryIndex !== none);
  }

  /** Where the entry's stored bytes begin in the slab. */
  offsetOf(slot: number): number {
    return slot * this.slotBytes;
  }

  /** Takes a symbol from a packet. Answers whether the entry is whole with it. */
  take(slot: number, symbol: number, bytes: Uint8Array, at: number): boolean {
    if (!this.isLacking(slot, symbol)) return false;
    this.copy.toSlab(bytes, at, this.placeOf(slot, symbol));
    return this.note(slot, symbol);
  }

  /** The same from where it was kept. */
  takeKept(slot: number, symbol: number, bytes: Uint8Array, at: number): boolean {
    this.copyKept.toSlab(bytes, at, this.placeOf(slot, symbol));
    return this.note(slot, symbol);
  }

  /** Takes what lacks out of the XOR of the first `count` of `members`, if only one of them does. */
  takeSum(
    slot: number,
    { members, count }: { readonly members: Uint16Array; readonly count: number },
    bytes: Uint8Array,
    at: number,
  ): boolean {
    let lacking = none;
    for (let index = 0; index < count; index++) {
      if (!this.isLacking(slot, members[index] as number)) continue;
      if (lacking !== none) return false;
      lacking = members[index] as number;
    }
    if (lacking === none) return false;
    this.copy.toSlab(bytes, at, this.placeOf(slot, lacking));
    const target = this.placeOf(slot, lacking) >> 2;
    for (let index = 0; index < count; index++) {
      const member = members[index] as number;
      if (member !== lacking) xorWords(this.words, target, this.placeOf(slot, member) >> 2);
    }
    return this.note(slot, lacking);
  }

  /** The symbols that the slot's entry lacks, ascending. */
  lacking(slot: number): Uint16Array {
    const lacking = new Uint16Array(this.lackCount[slot] as number);
    const symbolCount = this.symbolCounts[slot] as number;
    for (let symbol = 0, found = 0; symbol < symbolCount; symbol++)
      if (this.isLacking(slot, symbol)) lacking[found++] = symbol;
    return lacking;
  }

  private note(slot: number, symbol: number): boolean {
    clearBit(this.lack, slot * this.lackBytes * 8 + symbol);
    const lackCount = (this.lackCount[slot] as number) - 1;
    this.lackCount[slot] = lackCount;
    return lackCount === 0;
  }

  private isLacking(slot: number, symbol: number): boolean {
    return bitAt(this.lack, slot * this.lackBytes * 8 + symbol);
  }

  private placeOf(slot: number, symbol: number): number {
    return slot * this.slotBytes + symbol * symbolBytes;
  }

  private give(slot: number): void {
    (slot < this.count ? this.free : this.freeForWhole).push(slot);
  }
}

function xorWords(words: Int32Array, target: number, source: number): void {
  for (let word = 0; word < symbolBytes >> 2; word++) {
    words[target + word] = (words[target + word] as number) ^ (words[source + word] as number);
  }
}
