/**
 * The receiving end of a cast, as a machine: packets in; whole entries and reports out. It holds an
 * entry in a slot from its first symbol until the owner has settled it. With no slot free, what comes of a
 * new entry is kept beside the slots, as far as there is memory for it, and moves to the next slot that is
 * free. The sender hears of it only then: it knows of no more parts than there are slots, and of no free
 * slot while anything is kept. What is not kept either is ignored, and the sender serves the entry again later.
 *
 * An entry is `none` (not wanted, or done), `wanted`, `kept`, `assembling` or `inHand`:
 * wanted → assembling (first symbols, a slot free) → inHand (all there) → none (taken) or wanted
 * (corrupt); wanted → kept (first symbols, no slot free) → assembling or inHand (a slot is free);
 * wanted, kept or assembling → none (forgotten).
 */
import { assert } from "../errors.ts";
import { bitAt, bitmapBytes, clearBit, setBit } from "../units/bits.ts";
import { type Millis, millis } from "../units/units.ts";
import {
  emptyHeader,
  headerBytes,
  memberBytes,
  memberLimit,
  packetKind,
  readHeader,
  readMembers,
  readReportEvery,
  sequenceDistance,
  symbolBytes,
} from "../wire/cast.ts";
import { type Assembly, encodeReport, type Settled, settledLimit } from "../wire/cast-report.ts";
import type { CastReceiverStats, ChunkVerdict } from "./ends.ts";
import { Entries } from "./entries.ts";
import { KeptParts } from "./kept-parts.ts";
import { ForgedCount, SealKeys } from "./seal-keys.ts";
import { slabBytesFor, slotBytesFor } from "./slab.ts";
import { SymbolCopy } from "./symbol-copy.ts";

export interface ReceiverOptions {
  readonly tag: number;
  /** What the sender's packets are sealed with: `sealKeyBytes` bytes. */
  readonly packetKey: Uint8Array;
  /** The stored length of each entry. 0: it is never on the wire; `unknownLength`: it will be announced. */
  readonly storedLengths: Uint32Array;
  /** Bitmap of the wanted entries; an entry without stored bytes is never wanted. */
  readonly wants: Uint8Array;
  readonly slotCount: number;
  /** How much memory may be taken for what is heard while no slot is free; 0 if it is not said. */
  readonly keptBytes?: number;
  /** At least `slabBytesFor(storedLengths, slotCount)` bytes, aligned to 4. */
  readonly slab: Uint8Array;
}

/** An entry whose stored bytes are all in the slab, at `offset`, as they came. */
export interface Completed {
  readonly entryIndex: number;
  /** The number of the key that its packets were sealed with; the first is 0. */
  readonly keyNumber: number;
  readonly offset: number;
  readonly storedLength: number;
}

const place = { none: 0, wanted: 1, assembling: 2, inHand: 3, kept: 4 } as const;

/**
 * Where parts are kept, so many slots are for entries that got whole there, and not told to the sender: else a PC all of
 * whose slots hold parts could give nothing to its disk. Eight chunks last a disk for as long as it takes to hand it more.
 */
const handOverSlots = (slotCount: number, keptBytes: number): number =>
  keptBytes === 0 ? 0 : Math.min(8, slotCount >> 3);

/** The report interval until a sender tells another. */
const firstReportEvery = millis(50);
/** The report interval with nothing new: the report shows that the receiver is alive. */
const idleReportEvery = millis(250);
/** The interval of full reports, which repair what a lost report left wrong. */
const fullReportEvery = millis(3000);
/** Full reports use no more than this: with a bitmap over 24 KB they are rarer. */
const fullReportBytesPerMs = 8;
/** Reports in a row that name a finished entry, since one may get lost. */
const settledRepeats = 3;
/** In symbols: a receiver that comes after the first quarter of an entry ignores it, as it would need repairs. */
const lateAfter = (symbolCount: number): number => Math.max(8, symbolCount >> 2);

export class CastReceiverMachine {
  /** The entries completed since the owner last emptied this list. */
  readonly completed: Completed[] = [];
  private readonly options: ReceiverOptions;
  private readonly entries: Entries;
  private readonly places: Uint8Array;
  private readonly slotOf: Int32Array;
  private readonly slotBytes: number;
  private readonly words: Int32Array;
  /** Of those below `slotCount`, which the sender is told of; and of those from there on. */
  private readonly freeSlots: number[] = [];
  private readonly freeHandOverSlots: number[] = [];
  private readonly slotCount: number;
  private readonly kept: KeptParts;
  /** For each slot: the entry, how many symbols it lacks, and which. */
  private readonly entryIn: Int32Array;
  private readonly lackCount: Uint16Array;
  private readonly lackBytes: number;
  private readonly lack: Uint8Array;
  private wantCount = 0;
  private readonly header = emptyHeader();
  private readonly members = new Uint16Array(memberLimit);
  private readonly copy: SymbolCopy;
  private readonly keptCopy: SymbolCopy;
  private readonly keys: SealKeys;
  private readonly forged = new ForgedCount();
  private heard: {
    keyNumber: number;
    generation: number;
    first: number;
    highest: number;
    packets: number;
    droppedBefore: number;
  } | null = null;
  private dropped = 0;
  /** Totals of the senders heard before this one. */
  private readonly former = { lost: 0 };
  private readonly counts = { packets: 0, ignored: 0, bytes: 0 };
  /** By entry: how many reports have yet to say what became of it. */
  private readonly settledToSay = new Map<number, number>();
  private reportEvery = firstReportEvery;
  private reportNumber = 0;
  private reportedAt: Millis;
  private fullAt: Millis;
  private hasNews = true;

  constructor(options: ReceiverOptions, now: Millis) {
    const { storedLengths, wants, slotCount, slab, keptBytes = 0 } = options;
    assert(slab.length >= slabBytesFor(storedLengths, slotCount), "the slab holds every slot");
    assert(slab.byteOffset % 4 === 0, "the slab is aligned");
    assert(slotCount > 0 && slotCount <= 0xffff, "there are slots, and a report can count them");
    this.options = options;
    this.copy = new SymbolCopy(slab);
    this.keptCopy = new SymbolCopy(slab);
    this.kept = new KeptParts(keptBytes);
    this.slotCount = slotCount - handOverSlots(slotCount, keptBytes);
    this.keys = new SealKeys(options.packetKey);
    this.entries = new Entries(storedLengths);
    this.places = new Uint8Array(storedLengths.length);
    this.slotOf = new Int32Array(storedLengths.length).fill(-1);
    this.slotBytes = slotBytesFor(storedLengths);
    this.words = new Int32Array(slab.buffer, slab.byteOffset, slab.length >> 2);
    this.entryIn = new Int32Array(slotCount).fill(-1);
    this.lackCount = new Uint16Array(slotCount);
    this.lackBytes = bitmapBytes(this.slotBytes / symbolBytes);
    this.lack = new Uint8Array(slotCount * this.lackBytes);
    for (let slot = slotCount - 1; slot >= 0; slot--) this.pushFree(slot);
    for (let entry = 0; entry < storedLengths.length; entry++) {
      if (entry >> 3 >= wants.length || !bitAt(wants, entry) || storedLengths[entry] === 0)
        continue;
      this.places[entry] = place.wanted;
      this.wantCount++;
    }
    this.reportedAt = millis(now - idleReportEvery);
    this.fullAt = now;
  }

  /** Takes a datagram, or a part of a coalesced one. It never throws. */
  packet(bytes: Uint8Array, offset: number, length: number): void {
    const { header } = this;
    if (!readHeader(bytes, offset, length, header) || header.tag !== this.options.tag) {
      this.counts.ignored++;
      return;
    }
    const keyNumber = this.keys.numberFor(bytes, offset, length);
    if (keyNumber === null) return this.forged.note(header.generation, this.heard?.generation);
    // It was late: the sender has gone on to another key.
    if (this.heard !== null && keyNumber < this.heard.keyNumber) return;
    const isNewest = this.count(length, keyNumber);
    if (header.kind === packetKind.sync) {
      if (isNewest)
        this.reportEvery = millis(Math.max(5, Math.min(2000, readReportEvery(bytes, offset))));
      return;
    }
    const { entryIndex, symbol } = header;
    if (entryIndex >= this.places.length) {
      this.counts.ignored++;
      return;
    }
    // Without its length, an entry cannot be assembled; it will be announced.
    if (!this.entries.isKnown(entryIndex)) return;
    const at = this.places[entryIndex];
    // The entry is still served to others. If the sender does not know that it is here, the report tells it.
    if (at === place.none || at === place.inHand) return this.saySettled(entryIndex);
    if (header.kind === packetKind.data) this.takeSymbol(bytes, offset, entryIndex, symbol);
    else if (at !== place.wanted) this.takeRepair(bytes, offset, entryIndex, symbol);
  }

  /** The owner is done with a completed entry: its slot is free, and if it was corrupt it is wanted again. */
  settle(entryIndex: number, verdict: ChunkVerdict): void {
    if (this.places[entryIndex] !== place.inHand) return;
    this.freeSlot(entryIndex);
    if (verdict === "corrupt") {
      this.places[entryIndex] = place.wanted;
      this.wantCount++;
    } else {
      this.places[entryIndex] = place.none;
    }
    this.sayAnew(entryIndex);
    this.fillSlots();
  }

  /** The entry came another way, and is no longer wanted. */
  forget(entryIndex: number): void {
    const at = this.places[entryIndex];
    if (at === place.none || at === place.inHand) return;
    if (at === place.assembling) this.freeSlot(entryIndex);
    if (at === place.kept) this.kept.drop(entryIndex);
    this.places[entryIndex] = place.none;
    this.wantCount--;
    this.sayAnew(entryIndex);
    this.fillSlots();
  }

  /** Announces an entry. One without stored bytes is no longer wanted, which the sender knows. */
  announce(entryIndex: number, storedLength: number): void {
    this.entries.announce(entryIndex, storedLength);
    if (storedLength > 0 || this.places[entryIndex] !== place.wanted) return;
    this.places[entryIndex] = place.none;
    this.wantCount--;
  }

  /**
   * The sender's packets will be sealed with another key; the one before is good for a while yet. Answers
   * the new one's number.
   */
  rekey(packetKey: Uint8Array, now: Millis): number {
    return this.keys.add(packetKey, now);
  }

  /** Makes the next report a full one. */
  refresh(now: Millis): void {
    this.fullAt = now;
    this.hasNews = true;
  }

  /** Takes the socket's count of its drops since it was opened. */
  noteDropped(total: number): void {
    this.dropped = total;
  }

  /** When the next report is due, if nothing arrives until then. */
  get deadline(): Millis {
    return millis(this.reportedAt + (this.hasNews ? this.reportEvery : idleReportEvery));
  }

  /** The report that is due now, or null. */
  report(now: Millis): Uint8Array | null {
    if (now < this.deadline) return null;
    this.keys.expire(now);
    this.forged.settle(now);
    const isFull = now >= this.fullAt;
    const { heard } = this;
    const wants = isFull ? this.wants() : null;
    const settled = this.takeSettled();
    const assembling = this.assemblies();
    const report = encodeReport(
      {
        heard: heard === null ? null : { generation: heard.generation, sequence: heard.highest },
        number: this.reportNumber,
        packets: heard?.packets ?? 0,
        dropped: heard === null ? 0 : this.dropped - heard.droppedBefore,
        freeSlots: this.freeSlots.length,
        slotCount: this.slotCount,
        settled,
        assembling,
        wants,
      },
      this.entries.symbolCounts,
    );
    this.reportNumber = (this.reportNumber + 1) >>> 0;
    this.reportedAt = now;
    this.hasNews = this.settledToSay.size > 0;
    if (wants !== null) {
      const every = Math.max(fullReportEvery, wants.length / fullReportBytesPerMs);
      const isOpen = this.wantCount > 0 || this.entryIn.some((entryIndex) => entryIndex >= 0);
      this.fullAt = millis(isOpen ? now + every : Number.POSITIVE_INFINITY);
    }
    return report;
  }

  stats(): CastReceiverStats {
    const { packets, ignored, bytes } = this.counts;
    const { heard } = this;
    return {
      packets,
      packetsLost: this.former.lost + this.lost(),
      packetsDropped: this.dropped,
      packetsIgnored: ignored,
      packetsForged: this.forged.count,
      bytesReceived: bytes,
      heard: heard === null ? null : { generation: heard.generation, sequence: heard.highest },
    };
  }

  get isWanting(): boolean {
    return this.wantCount > 0;
  }

  // --- symbols

  private takeSymbol(bytes: Uint8Array, offset: number, entryIndex: number, symbol: number): void {
    const symbolCount = this.entries.symbolCounts[entryIndex] as number;
    if (symbol >= symbolCount) {
      this.counts.ignored++;
      return;
    }
    let slot = this.slotOf[entryIndex] as number;
    if (slot < 0) {
      const isNew = this.places[entryIndex] === place.wanted;
      if (isNew && symbol >= lateAfter(symbolCount)) return;
      if (this.freeSlots.length === 0)
        return this.keep(entryIndex, symbol, { bytes, at: offset + headerBytes });
      slot = this.beginAssembly(entryIndex, this.freeSlots.pop() as number);
    }
    if (!this.isLacking(slot, symbol)) return;
    this.place(slot, symbol, bytes, offset + headerBytes);
    this.noteSymbol(slot, symbol);
  }

  private takeRepair(bytes: Uint8Array, offset: number, entryIndex: number, count: number): void {
    const { members, words } = this;
    const symbolCount = this.entries.symbolCounts[entryIndex] as number;
    if (!readMembers(bytes, offset, count, symbolCount, members)) {
      this.counts.ignored++;
      return;
    }
    const slot = this.slotOf[entryIndex] as number;
    if (slot < 0) {
      // The symbols of a sum are not looked for among those that are kept: that part is repaired in a slot.
      const from = { bytes, at: offset + headerBytes + memberBytes };
      if (count === 1) this.keep(entryIndex, members[0] as number, from);
      return;
    }
    let lacking = -1;
    for (let index = 0; index < count; index++) {
      if (!this.isLacking(slot, members[index] as number)) continue;
      if (lacking >= 0) return;
      lacking = members[index] as number;
    }
    if (lacking < 0) return;
    this.place(slot, lacking, bytes, offset + headerBytes + memberBytes);
    const target = (slot * this.slotBytes + lacking * symbolBytes) >> 2;
    for (let index = 0; index < count; index++) {
      const member = members[index] as number;
      if (member !== lacking) xorWords(words, target, this.wordOf(slot, member));
    }
    this.noteSymbol(slot, lacking);
  }

  private wordOf(slot: number, symbol: number): number {
    return (slot * this.slotBytes + symbol * symbolBytes) >> 2;
  }

  private place(slot: number, symbol: number, bytes: Uint8Array, from: number): void {
    this.copy.toSlab(bytes, from, slot * this.slotBytes + symbol * symbolBytes);
  }

  private noteSymbol(slot: number, symbol: number): void {
    clearBit(this.lack, slot * this.lackBytes * 8 + symbol);
    const lackCount = (this.lackCount[slot] as number) - 1;
    this.lackCount[slot] = lackCount;
    if (lackCount > 0) return;
    const entryIndex = this.entryIn[slot] as number;
    this.places[entryIndex] = place.inHand;
    this.wantCount--;
    this.sayAnew(entryIndex);
    const storedLength = this.entries.storedLengths[entryIndex] as number;
    const keyNumber = this.heard?.keyNumber ?? 0;
    this.completed.push({ entryIndex, keyNumber, offset: slot * this.slotBytes, storedLength });
  }

  private isLacking(slot: number, symbol: number): boolean {
    return bitAt(this.lack, slot * this.lackBytes * 8 + symbol);
  }

  // --- what has no slot

  private keep(
    entryIndex: number,
    symbol: number,
    from: { readonly bytes: Uint8Array; readonly at: number },
  ): void {
    const symbolCount = this.entries.symbolCounts[entryIndex] as number;
    if (!this.kept.add(entryIndex, symbol, symbolCount, from)) return;
    this.places[entryIndex] = place.kept;
    if (this.kept.nextWhole !== null) this.fillSlots();
  }

  /** Slots are free: what is kept moves there, entries that are whole before the others. */
  private fillSlots(): void {
    const { kept, freeSlots, freeHandOverSlots } = this;
    while (kept.count > 0) {
      const whole = kept.nextWhole;
      const slot = (whole === null ? undefined : freeHandOverSlots.pop()) ?? freeSlots.pop();
      if (slot === undefined) return;
      const entryIndex = (whole ?? kept.nextPart) as number;
      this.beginAssembly(entryIndex, slot);
      kept.take(entryIndex, (symbol, bytes, at) => {
        this.keptCopy.toSlab(bytes, at, slot * this.slotBytes + symbol * symbolBytes);
        this.noteSymbol(slot, symbol);
      });
      this.hasNews = true;
    }
  }

  // --- slots

  private beginAssembly(entryIndex: number, slot: number): number {
    const symbolCount = this.entries.symbolCounts[entryIndex] as number;
    this.places[entryIndex] = place.assembling;
    this.slotOf[entryIndex] = slot;
    this.entryIn[slot] = entryIndex;
    this.lackCount[slot] = symbolCount;
    const start = slot * this.lackBytes;
    this.lack.fill(0, start, start + this.lackBytes);
    this.lack.fill(255, start, start + (symbolCount >> 3));
    if ((symbolCount & 7) !== 0)
      this.lack[start + (symbolCount >> 3)] = (1 << (symbolCount & 7)) - 1;
    return slot;
  }

  private freeSlot(entryIndex: number): void {
    const slot = this.slotOf[entryIndex] as number;
    this.slotOf[entryIndex] = -1;
    this.entryIn[slot] = -1;
    this.pushFree(slot);
  }

  private pushFree(slot: number): void {
    (slot < this.slotCount ? this.freeSlots : this.freeHandOverSlots).push(slot);
  }

  // --- what is reported

  /** Counts a packet of our sender, and notices another generation of it. Answers whether none was newer. */
  private count(length: number, keyNumber: number): boolean {
    const { generation, sequence } = this.header;
    this.counts.packets++;
    this.counts.bytes += length;
    this.hasNews = true;
    if (this.heard?.keyNumber !== keyNumber || this.heard.generation !== generation)
      this.hear(keyNumber);
    const heard = this.heard as NonNullable<typeof this.heard>;
    heard.packets++;
    const step = sequenceDistance(sequence, heard.highest);
    if (step > 0) heard.highest = sequence;
    return step >= 0;
  }

  /** A generation of the sender that is new here: what it sends does not fit the parts of the one before. */
  private hear(keyNumber: number): void {
    const { generation, sequence } = this.header;
    this.former.lost += this.lost();
    const droppedBefore = this.dropped;
    const numbers = { first: sequence, highest: sequence, packets: 0 };
    this.heard = { keyNumber, generation, ...numbers, droppedBefore };
    this.forged.clear(generation);
    for (const entryIndex of this.kept.clear()) this.places[entryIndex] = place.wanted;
    for (const entryIndex of this.entryIn) {
      if (entryIndex < 0 || this.places[entryIndex] !== place.assembling) continue;
      this.freeSlot(entryIndex);
      this.places[entryIndex] = place.wanted;
    }
    this.fullAt = millis(Number.NEGATIVE_INFINITY);
  }

  private lost(): number {
    if (this.heard === null) return 0;
    const { first, highest, packets, droppedBefore } = this.heard;
    const sent = sequenceDistance(highest, first) + 1;
    return Math.max(0, sent - packets - (this.dropped - droppedBefore));
  }

  private sayAnew(entryIndex: number): void {
    this.settledToSay.set(entryIndex, settledRepeats);
    this.hasNews = true;
  }

  private saySettled(entryIndex: number): void {
    if (!this.settledToSay.has(entryIndex)) this.settledToSay.set(entryIndex, 1);
  }

  private takeSettled(): Settled[] {
    const settled: Settled[] = [];
    for (const [entryIndex, times] of this.settledToSay) {
      if (settled.length === settledLimit) break;
      const at = this.places[entryIndex];
      // An entry in assembly is in the report's other list.
      if (at !== place.assembling)
        settled.push({ entryIndex, wanted: at === place.wanted || at === place.kept });
      if (times > 1) this.settledToSay.set(entryIndex, times - 1);
      else this.settledToSay.delete(entryIndex);
    }
    return settled;
  }

  private assemblies(): Assembly[] {
    const assemblies: Assembly[] = [];
    for (let slot = 0; slot < this.slotCount; slot++) {
      const entryIndex = this.entryIn[slot] as number;
      if (entryIndex < 0 || this.places[entryIndex] !== place.assembling) continue;
      const lacking = new Uint16Array(this.lackCount[slot] as number);
      const symbolCount = this.entries.symbolCounts[entryIndex] as number;
      for (let symbol = 0, found = 0; symbol < symbolCount; symbol++) {
        if (this.isLacking(slot, symbol)) lacking[found++] = symbol;
      }
      assemblies.push({ entryIndex, lacking });
    }
    return assemblies;
  }

  private wants(): Uint8Array {
    const wants = new Uint8Array(bitmapBytes(this.places.length));
    for (let entry = 0; entry < this.places.length; entry++) {
      const at = this.places[entry];
      if (at !== place.none && at !== place.inHand) setBit(wants, entry);
    }
    return wants;
  }
}

function xorWords(words: Int32Array, target: number, source: number): void {
  for (let word = 0; word < symbolBytes >> 2; word++) {
    words[target + word] = (words[target + word] as number) ^ (words[source + word] as number);
  }
}
