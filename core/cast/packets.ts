/** Writes a sender's packets, and remembers when each was sent. */
import type { Millis } from "../units/units.ts";
import {
  emptyHeader,
  headerBytes,
  memberBytes,
  packetKind,
  symbolBytes,
  writeHeader,
  writeMembers,
  writeReportEvery,
} from "../wire/cast.ts";
import type { Supply } from "./supply.ts";
import { SendTimes } from "./wait.ts";

/** Where a packet is written, and when it is sent. */
export interface Place {
  readonly into: Uint8Array;
  readonly at: number;
  readonly now: Millis;
}

export class PacketWriter {
  /** The sequence of the last packet; the first is 1. */
  sequence = 0;
  readonly sendTimes = new SendTimes();
  private readonly header = emptyHeader();
  private readonly supply: Supply;
  private readonly sum = new Int32Array(symbolBytes >> 2);
  private readonly sumBytes = new Uint8Array(this.sum.buffer);

  constructor(supply: Supply, { tag, generation }: { tag: number; generation: number }) {
    this.supply = supply;
    this.header.tag = tag;
    this.header.generation = generation;
  }

  /** Writes a symbol of the entry in the slot. */
  data(entryIndex: number, slot: number, symbol: number, place: Place): void {
    this.begin(packetKind.data, entryIndex, symbol, place);
    const { slab, slotBytes } = this.supply;
    const from = slot * slotBytes + symbol * symbolBytes;
    place.into.set(slab.subarray(from, from + symbolBytes), place.at + headerBytes);
  }

  /** Writes the XOR of several symbols of the entry in the slot. */
  repair(entryIndex: number, slot: number, set: readonly number[], place: Place): void {
    this.begin(packetKind.repair, entryIndex, set.length, place);
    writeMembers(place.into, place.at, set);
    this.writeSum(slot, set, place.into, place.at + headerBytes + memberBytes);
  }

  sync(reportEveryMs: number, place: Place): void {
    this.begin(packetKind.sync, 0, 0, place);
    writeReportEvery(place.into, place.at, Math.round(reportEveryMs));
  }

  private begin(kind: number, entryIndex: number, symbol: number, { into, at, now }: Place): void {
    this.sequence++;
    this.sendTimes.note(this.sequence, now);
    const { header } = this;
    header.kind = kind;
    header.entryIndex = entryIndex;
    header.symbol = symbol;
    header.sequence = this.sequence >>> 0;
    writeHeader(into, at, header);
  }

  private writeSum(slot: number, set: readonly number[], into: Uint8Array, at: number): void {
    const { slab, words, slotBytes } = this.supply;
    const base = slot * slotBytes;
    const first = base + (set[0] as number) * symbolBytes;
    if (set.length === 1) return into.set(slab.subarray(first, first + symbolBytes), at);
    const { sum } = this;
    sum.set(words.subarray(first >> 2, (first + symbolBytes) >> 2));
    for (let place = 1; place < set.length; place++) {
      const from = (base + (set[place] as number) * symbolBytes) >> 2;
      for (let word = 0; word < sum.length; word++)
        sum[word] = (sum[word] as number) ^ (words[from + word] as number);
    }
    into.set(this.sumBytes, at);
  }
}
