/** Writes and seals a sender's packets, and remembers when each was sent. */
import type { Millis } from "../units/units.ts";
import {
  dataPacketBytes,
  emptyHeader,
  headerBytes,
  memberBytes,
  packetKind,
  repairPacketBytes,
  symbolBytes,
  syncPacketBytes,
  writeHeader,
  writeMembers,
  writeReportEvery,
} from "../wire/cast.ts";
import { PacketSeal } from "./seal.ts";
import type { Supply } from "./supply.ts";
import { SymbolCopy } from "./symbol-copy.ts";
import { SendTimes } from "./wait.ts";

/** Where a packet is written, and when it is sent. */
export interface Place {
  readonly into: Uint8Array;
  readonly at: number;
  readonly now: Millis;
}

export interface PacketOptions {
  readonly tag: number;
  /** A random number that tells this sender's packets from those of one before it. */
  readonly generation: number;
  /** What its packets are sealed with: `sealKeyBytes` bytes. */
  readonly packetKey: Uint8Array;
}

export class PacketWriter {
  /** The sequence of the last packet of this generation; the first is 1. */
  sequence = 0;
  readonly sendTimes = new SendTimes();
  private readonly header = emptyHeader();
  private seal: PacketSeal;
  private readonly supply: Supply;
  private readonly copy: SymbolCopy;
  private readonly sum = new Int32Array(symbolBytes >> 2);
  private readonly sumBytes = new Uint8Array(this.sum.buffer);

  constructor(supply: Supply, options: PacketOptions) {
    this.supply = supply;
    this.copy = new SymbolCopy(supply.slab);
    this.header.tag = options.tag;
    this.header.generation = options.generation;
    this.seal = new PacketSeal(options.packetKey);
  }

  get generation(): number {
    return this.header.generation;
  }

  /** The next generation: its packets are numbered anew and sealed with another key. */
  rekey(packetKey: Uint8Array): void {
    this.sequence = 0;
    this.header.generation = (this.header.generation + 1) & 0xffff;
    this.seal = new PacketSeal(packetKey);
  }

  /** Writes a symbol of the entry in the slot. */
  data(entryIndex: number, slot: number, symbol: number, place: Place): void {
    this.writeHeader(packetKind.data, entryIndex, symbol, place);
    const from = slot * this.supply.slotBytes + symbol * symbolBytes;
    this.copy.toPackets(from, place.into, place.at + headerBytes);
    this.seal.write(place.into, place.at, dataPacketBytes);
  }

  /** Writes the XOR of several symbols of the entry in the slot. */
  repair(entryIndex: number, slot: number, set: readonly number[], place: Place): void {
    this.writeHeader(packetKind.repair, entryIndex, set.length, place);
    writeMembers(place.into, place.at, set);
    this.writeSum(slot, set, place.into, place.at + headerBytes + memberBytes);
    this.seal.write(place.into, place.at, repairPacketBytes);
  }

  sync(reportEveryMs: number, place: Place): void {
    this.writeHeader(packetKind.sync, 0, 0, place);
    writeReportEvery(place.into, place.at, Math.round(reportEveryMs));
    this.seal.write(place.into, place.at, syncPacketBytes);
  }

  private writeHeader(
    kind: number,
    entryIndex: number,
    symbol: number,
    { into, at, now }: Place,
  ): void {
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
    const { words, slotBytes } = this.supply;
    const base = slot * slotBytes;
    const first = base + (set[0] as number) * symbolBytes;
    if (set.length === 1) return this.copy.toPackets(first, into, at);
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
