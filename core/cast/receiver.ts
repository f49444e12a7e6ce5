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
import { bitAt, bitmapBytes, setBit } from "../units/bits.ts";
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
} from "../wire/cast.ts";
import { type Assembly, encodeReport, type Settled } from "../wire/cast-report.ts";
import type { CastReceiverStats, ChunkVerdict } from "./ends.ts";
import { Entries } from "./entries.ts";
import { Heard } from "./heard.ts";
import { KeptParts } from "./kept-parts.ts";
import { ForgedCount, SealKeys } from "./seal-keys.ts";
import { SettledWords } from "./settled-words.ts";
import { slabBytesFor } from "./slab.ts";
import { Slots } from "./slots.ts";

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
/** In symbols: a receiver that comes after the first quarter of an entry ignores it, as it would need repairs. */
const lateAfter = (symbolCount: number): number => Math.max(8, symbolCount >> 2);

export class CastReceiverMachine {
  /** The entries completed since the owner last emptied this list. */
  readonly completed: Completed[] = [];
  private readonly tag: number;
  private readonly entries: Entries;
  private readonly places: Uint8Array;
  private readonly slots: Slots;
  private readonly kept: KeptParts;
  private wantCount = 0;
  private readonly header = emptyHeader();
  private readonly members = new Uint16Array(memberLimit);
  private readonly keys: SealKeys;
  private readonly forged = new ForgedCount();
  private readonly heard = new Heard();
  private readonly settled = new SettledWords();
  private ignoredCount = 0;
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
    this.tag = options.tag;
    this.keys = new SealKeys(options.packetKey);
    this.entries = new Entries(storedLengths);
    this.places = new Uint8Array(storedLengths.length);
    const handOverCount = handOverSlots(slotCount, keptBytes);
    this.slots = new Slots({ slab, storedLengths, slotCount, handOverCount });
    this.kept = new KeptParts(keptBytes);
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
    const { header, heard } = this;
    if (!readHeader(bytes, offset, length, header) || header.tag !== this.tag) {
      this.ignoredCount++;
      return;
    }
    const keyNumber = this.keys.numberFor(bytes, offset, length);
    if (keyNumber === null) return this.forged.note(header.generation, heard.latest?.generation);
    // It was late: the sender has gone on to another key.
    if (heard.latest !== null && keyNumber < heard.latest.keyNumber) return;
    if (heard.isNew(header, keyNumber)) this.hear(keyNumber);
    const isNewest = heard.note(header, length);
    this.hasNews = true;
    if (header.kind === packetKind.sync) {
      if (isNewest)
        this.reportEvery = millis(Math.max(5, Math.min(2000, readReportEvery(bytes, offset))));
      return;
    }
    const { entryIndex, symbol } = header;
    if (entryIndex >= this.places.length) {
      this.ignoredCount++;
      return;
    }
    // Without its length, an entry cannot be assembled; it will be announced.
    if (!this.entries.isKnown(entryIndex)) return;
    const at = this.places[entryIndex];
    // The entry is still served to others. If the sender does not know that it is here, the report tells it.
    if (at === place.none || at === place.inHand) return this.settled.say(entryIndex);
    if (header.kind === packetKind.data) this.takeSymbol(bytes, offset, entryIndex, symbol);
    else if (at !== place.wanted) this.takeRepair(bytes, offset, entryIndex, symbol);
  }

  /** The owner is done with a completed entry: its slot is free, and if it was corrupt it is wanted again. */
  settle(entryIndex: number, verdict: ChunkVerdict): void {
    if (this.places[entryIndex] !== place.inHand) return;
    this.slots.end(entryIndex);
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
    if (at === place.assembling) this.slots.end(entryIndex);
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
    this.heard.dropped = total;
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
    const wants = now >= this.fullAt ? this.wants() : null;
    const report = encodeReport(
      {
        ...this.heard.ofLatest,
        number: this.reportNumber,
        freeSlots: this.slots.freeCount,
        slotCount: this.slots.count,
        settled: this.takeSettled(),
        assembling: this.assemblies(),
        wants,
      },
      this.entries.symbolCounts,
    );
    this.reportNumber = (this.reportNumber + 1) >>> 0;
    this.reportedAt = now;
    this.hasNews = !this.settled.areAllSaid;
    if (wants !== null) {
      const every = Math.max(fullReportEvery, wants.length / fullReportBytesPerMs);
      const isOpen = this.wantCount > 0 || this.slots.isUsed;
      this.fullAt = millis(isOpen ? now + every : Number.POSITIVE_INFINITY);
    }
    return report;
  }

  stats(): CastReceiverStats {
    const { heard } = this;
    return {
      packets: heard.packets,
      packetsLost: heard.lost,
      packetsDropped: heard.dropped,
      packetsIgnored: this.ignoredCount,
      packetsForged: this.forged.count,
      bytesReceived: heard.bytes,
      heard: heard.ofLatest.heard,
    };
  }

  get isWanting(): boolean {
    return this.wantCount > 0;
  }

  // --- symbols

  private takeSymbol(bytes: Uint8Array, offset: number, entryIndex: number, symbol: number): void {
    const symbolCount = this.entries.symbolCounts[entryIndex] as number;
    if (symbol >= symbolCount) {
      this.ignoredCount++;
      return;
    }
    const at = offset + headerBytes;
    let slot = this.slots.of(entryIndex);
    if (slot < 0) {
      const isNew = this.places[entryIndex] === place.wanted;
      if (isNew && symbol >= lateAfter(symbolCount)) return;
      if (this.slots.freeCount === 0) return this.keep(entryIndex, symbol, { bytes, at });
      slot = this.beginAssembly(entryIndex, false);
    }
    if (this.slots.take(slot, symbol, bytes, at)) this.complete(entryIndex, slot);
  }

  private takeRepair(bytes: Uint8Array, offset: number, entryIndex: number, count: number): void {
    const { members } = this;
    const symbolCount = this.entries.symbolCounts[entryIndex] as number;
    if (!readMembers(bytes, offset, count, symbolCount, members)) {
      this.ignoredCount++;
      return;
    }
    const at = offset + headerBytes + memberBytes;
    const slot = this.slots.of(entryIndex);
    if (slot < 0) {
      // The symbols of a sum are not looked for among those that are kept: that part is repaired in a slot.
      if (count === 1) this.keep(entryIndex, members[0] as number, { bytes, at });
    } else if (this.slots.takeSum(slot, { members, count }, bytes, at)) {
      this.complete(entryIndex, slot);
    }
  }

  /** Negative: no slot is free. */
  private beginAssembly(entryIndex: number, isWhole: boolean): number {
    const symbolCount = this.entries.symbolCounts[entryIndex] as number;
    const slot = this.slots.begin(entryIndex, symbolCount, isWhole);
    if (slot >= 0) this.places[entryIndex] = place.assembling;
    return slot;
  }

  private complete(entryIndex: number, slot: number): void {
    this.places[entryIndex] = place.inHand;
    this.wantCount--;
    this.sayAnew(entryIndex);
    const storedLength = this.entries.storedLengths[entryIndex] as number;
    const keyNumber = this.heard.latest?.keyNumber ?? 0;
    this.completed.push({ entryIndex, keyNumber, offset: this.slots.offsetOf(slot), storedLength });
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
    const { kept, slots } = this;
    for (;;) {
      const whole = kept.nextWhole;
      const entryIndex = whole ?? kept.nextPart;
      if (entryIndex === null) return;
      const slot = this.beginAssembly(entryIndex, whole !== null);
      if (slot < 0) return;
      kept.take(entryIndex, (symbol, bytes, at) => {
        if (slots.takeKept(slot, symbol, bytes, at)) this.complete(entryIndex, slot);
      });
      this.hasNews = true;
    }
  }

  // --- what is reported

  /** A generation of the sender that is new here: what it sends does not fit the parts of the one before. */
  private hear(keyNumber: number): void {
    this.heard.begin(this.header, keyNumber);
    this.forged.clear(this.header.generation);
    for (const entryIndex of this.kept.clear()) this.places[entryIndex] = place.wanted;
    for (const entryIndex of this.slots.entries()) {
      if (this.places[entryIndex] !== place.assembling) continue;
      this.slots.end(entryIndex);
      this.places[entryIndex] = place.wanted;
    }
    this.fullAt = millis(Number.NEGATIVE_INFINITY);
  }

  private sayAnew(entryIndex: number): void {
    this.settled.sayAnew(entryIndex);
    this.hasNews = true;
  }

  private takeSettled(): Settled[] {
    return (
      this.settled
        .take()
        // An entry in assembly is in the report's other list.
        .filter((entryIndex) => this.places[entryIndex] !== place.assembling)
        .map((entryIndex) => ({ entryIndex, wanted: this.isWanted(entryIndex) }))
    );
  }

  private assemblies(): Assembly[] {
    return this.slots
      .entries()
      .filter((entryIndex) => this.places[entryIndex] === place.assembling)
      .map((entryIndex) => ({
        entryIndex,
        lacking: this.slots.lacking(this.slots.of(entryIndex)),
      }));
  }

  private wants(): Uint8Array {
    const wants = new Uint8Array(bitmapBytes(this.places.length));
    for (let entry = 0; entry < this.places.length; entry++)
      if (this.isWanted(entry)) setBit(wants, entry);
    return wants;
  }

  private isWanted(entryIndex: number): boolean {
    const at = this.places[entryIndex];
    return at !== place.none && at !== place.inHand;
  }
}
