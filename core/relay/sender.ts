/**
 * The sending end of a cast, as a machine. Receivers want entries; the sender serves the union. An
 * entry that is being sent is a flight: first all its symbols, then, in rounds, coded repairs of what
 * its receivers say they lack, until each has it or is gone. A round begins when every receiver has
 * reported past the last packet of the flight, so nothing is repaired that is still on its way.
 */

import type { CastSenderStats, ReceiverId } from "../cast/handles.ts";
import { type Millis, millis } from "../units/units.ts";
import {
  castHeaderBytes,
  codedPacketBytes,
  codedSetBytes,
  dataPacketBytes,
  decodeReport,
  packetKind,
  putCastHeader,
  putCodedSet,
  symbolBytes,
  symbolCountOf,
} from "../wire/relay.ts";
import { allBits, bitAt, clearBit, setBit, xorInto } from "./bits.ts";
import { repairSets } from "./coding.ts";
import { RateControl, TokenBucket } from "./rate.ts";

export interface SenderOptions {
  readonly tag: number;
  readonly generation: number;
  /** Stored length of each index entry; 0 for those that are never on the wire. */
  readonly storedLengths: Uint32Array;
  readonly linkBps: number | null;
  readonly rateLimitBps: number | null;
}

/** Flights at once: with their bytes this bounds the sender's memory at some 96 MiB. */
const flightLimit = 96;
/** Entries asked of the store ahead of their turn. */
const readAhead = 12;
/** After a flight's last packet, a round waits this long for receivers that have not reported past it. */
const reportLimit = millis(400);
/** Held up by a few receivers for this long of late, the others go on without them. */
const holdUpLimit = millis(1500);
const holdUpWindow = millis(4000);
/** While flights wait for reports, the highest sequence is told this often. */
const syncEvery = millis(20);
/** Slots taken for granted of a receiver that has not reported yet. */
const slotsAtFirst = 8;
/** Fewer packets say too little about loss: the next look counts them in. */
const lossSample = 300;
/** A receiver that loses so much more than the others would slow all of them down. */
const badLinkLoss = 0.2;

interface Receiver {
  readonly id: ReceiverId;
  readonly wants: Uint8Array;
  wantCount: number;
  /** `catch-up` is served when the main lane wants nothing more. */
  lane: "main" | "catch-up";
  slots: number;
  started: number;
  taken: number;
  takenBase: number | null;
  highest: number;
  received: number;
  lost: number;
  /** Between the last two looks of the rate control. */
  lookReceived: number;
  lookLost: number;
  lossRatio: number;
  /** It alone, or with a few, has kept the next entry from starting since the last look. */
  hasHeldUp: boolean;
  /** For how long of late. */
  heldUpFor: Millis;
}

interface Flight {
  readonly entryIndex: number;
  readonly bytes: Uint8Array;
  readonly symbolCount: number;
  /** Next symbol of the first pass; `symbolCount` when all are sent. */
  nextSymbol: number;
  lastSequence: number;
  sentAt: Millis;
  /** What each receiver lacks, by its newest report that covers `lastSequence`; null: not told yet. */
  readonly lacks: Map<ReceiverId, Uint8Array | null>;
  repairs: number[][];
}

export class CastSenderMachine {
  private readonly options: SenderOptions;
  private readonly receivers = new Map<ReceiverId, Receiver>();
  private readonly flights = new Map<number, Flight>();
  private readonly wantedBy: Uint16Array;
  private readonly supplied = new Map<number, Uint8Array>();
  private readonly asked = new Set<number>();
  private readonly rate: RateControl;
  private readonly bucket: TokenBucket;
  private current: Flight | undefined;
  /** Flights with repairs to send, the oldest round first. */
  private readonly inRepair: Flight[] = [];
  /** All entries were looked at and none is left to read, until somebody wants another. */
  private isAllRead = false;
  private cursor = 0;
  private sequence = 0;
  private openCount = 0;
  private syncAt: Millis;
  private laneLookAt: Millis;
  private wasBusy = false;
  private readonly counts = {
    bytesSent: 0,
    parityBytes: 0,
    repairBytes: 0,
    passes: 1,
    framesIgnored: 0,
  };

  constructor(options: SenderOptions, now: Millis) {
    this.options = options;
    this.wantedBy = new Uint16Array(options.storedLengths.length);
    this.rate = new RateControl({ linkBps: options.linkBps, limitBps: options.rateLimitBps }, now);
    this.bucket = new TokenBucket(now);
    this.syncAt = now;
    this.laneLookAt = now;
  }

  join(id: ReceiverId, wants: Uint8Array): void {
    this.leave(id);
    const count = this.options.storedLengths.length;
    const own = new Uint8Array((count + 7) >> 3);
    own.set(wants.subarray(0, own.length));
    let wantCount = 0;
    for (let entry = 0; entry < count; entry++) {
      if (!bitAt(own, entry)) continue;
      if (this.options.storedLengths[entry] === 0) {
        clearBit(own, entry);
        continue;
      }
      wantCount++;
      this.wanted(entry);
    }
    const receiver: Receiver = {
      id,
      wants: own,
      wantCount,
      lane: "main",
      slots: slotsAtFirst,
      started: 0,
      taken: 0,
      takenBase: null,
      highest: 0,
      received: 0,
      lost: 0,
      lookReceived: 0,
      lookLost: 0,
      lossRatio: 0,
      hasHeldUp: false,
      heldUpFor: millis(0),
    };
    this.receivers.set(id, receiver);
    for (const flight of this.flights.values()) {
      if (!bitAt(own, flight.entryIndex) || !hasCredit(receiver)) continue;
      flight.lacks.set(id, null);
      receiver.started++;
    }
  }

  leave(id: ReceiverId): void {
    const receiver = this.receivers.get(id);
    if (receiver === undefined) return;
    this.receivers.delete(id);
    for (let entry = 0; entry < this.wantedBy.length; entry++) {
      if (bitAt(receiver.wants, entry)) this.unwanted(entry);
    }
    for (const flight of this.flights.values()) this.drop(flight, id);
    this.promoteIfIdle();
  }

  /** A report of a receiver. One that is malformed, or of a stranger, is counted and ignored. */
  report(id: ReceiverId, payload: Uint8Array): void {
    const receiver = this.receivers.get(id);
    const decoded = decodeReport(payload);
    if (receiver === undefined || !decoded.ok) {
      this.counts.framesIgnored++;
      return;
    }
    const report = decoded.value;
    receiver.slots = Math.max(1, report.slots);
    receiver.takenBase ??= report.taken;
    receiver.taken = report.taken - receiver.takenBase;
    // Put aside, it may have taken entries that were not begun for it.
    receiver.started = Math.max(receiver.started, receiver.taken);
    for (const entryIndex of report.done) this.finished(receiver, entryIndex);
    for (const entryIndex of report.again) this.wantedAgain(receiver, entryIndex);
    if (report.generation !== this.options.generation || report.highest > this.sequence) return;
    receiver.received = report.received;
    receiver.lost = report.lost;
    receiver.highest = Math.max(receiver.highest, report.highest);
    const parts = new Map(report.parts.map(({ entryIndex, missing }) => [entryIndex, missing]));
    for (const flight of this.flights.values()) {
      if (!flight.lacks.has(id) || flight.nextSymbol < flight.symbolCount) continue;
      if (report.highest < flight.lastSequence || flight.repairs.length > 0) continue;
      flight.lacks.set(id, parts.get(flight.entryIndex) ?? allBits(flight.symbolCount));
    }
  }

  /** The stored bytes of an entry that `takeReads` asked for. */
  supply(entryIndex: number, bytes: Uint8Array): void {
    if (this.asked.delete(entryIndex)) this.supplied.set(entryIndex, bytes);
  }

  /** Entries to be read now, in the order in which they will be sent. */
  takeReads(): number[] {
    const reads: number[] = [];
    if (this.isAllRead) return reads;
    let entry = this.cursor;
    for (let looked = 0; looked < this.wantedBy.length; looked++) {
      if (this.asked.size + this.supplied.size >= readAhead) return reads;
      if (entry >= this.wantedBy.length) entry = 0;
      if (this.isToBeSent(entry) && !this.asked.has(entry) && !this.supplied.has(entry)) {
        this.asked.add(entry);
        reads.push(entry);
      }
      entry++;
    }
    this.isAllRead = true;
    return reads;
  }

  /** Work that time alone brings: the rate, the lanes, the rounds. Call it about every millisecond. */
  tick(now: Millis): void {
    this.bucket.fill(now, this.rate.rateBps);
    this.rate.look(now, () => this.worstLoss(), this.wasBusy);
    if (now >= this.laneLookAt) this.lookAtLanes(now);
    for (const flight of this.flights.values()) this.beginRound(flight, now);
  }

  /**
   * Writes the next packet into `into` at `at` and answers its length; 0 when there is nothing to send
   * now. Packets of one length in a row can leave as one super-packet.
   */
  nextPacket(into: Uint8Array, at: number, now: Millis): number {
    if (this.bucket.isEmpty) {
      this.wasBusy = true;
      return 0;
    }
    const length =
      this.repairPacket(into, at, now) ||
      this.dataPacket(into, at, now) ||
      this.syncPacket(into, at, now);
    this.bucket.take(length);
    this.counts.bytesSent += length;
    if (length === 0) this.wasBusy = false;
    return length;
  }

  get isIdle(): boolean {
    return this.openCount === 0;
  }

  /** Memory that entries take now: what is on its way and what was read ahead. */
  get heldBytes(): number {
    let sum = 0;
    for (const { bytes } of this.flights.values()) sum += bytes.length;
    for (const bytes of this.supplied.values()) sum += bytes.length;
    return sum;
  }

  stats(): CastSenderStats {
    return { ...this.counts, rateBps: this.rate.rateBps, entriesOpen: this.openCount };
  }

  // --- flights

  private isToBeSent(entry: number): boolean {
    return (
      (this.wantedBy[entry] as number) > 0 && !this.flights.has(entry) && this.mainWants(entry)
    );
  }

  private mainWants(entry: number): boolean {
    for (const receiver of this.receivers.values()) {
      if (receiver.lane === "main" && bitAt(receiver.wants, entry)) return true;
    }
    return false;
  }

  private repairPacket(into: Uint8Array, at: number, now: Millis): number {
    for (;;) {
      const flight = this.inRepair[0];
      if (flight === undefined) return 0;
      const set = flight.repairs.pop();
      if (set === undefined || this.flights.get(flight.entryIndex) !== flight) {
        this.inRepair.shift();
        continue;
      }
      flight.sentAt = now;
      if (flight.repairs.length === 0)
        for (const id of flight.lacks.keys()) flight.lacks.set(id, null);
      const [only] = set;
      const length =
        set.length === 1
          ? this.putData(into, at, flight, only as number)
          : this.putCoded(into, at, flight, set);
      this.counts.repairBytes += length;
      if (set.length > 1) this.counts.parityBytes += length;
      return length;
    }
  }

  private dataPacket(into: Uint8Array, at: number, now: Millis): number {
    const flight = this.flightInFirstPass() ?? this.startFlight(now);
    if (flight === undefined) return 0;
    flight.sentAt = now;
    return this.putData(into, at, flight, flight.nextSymbol++);
  }

  private flightInFirstPass(): Flight | undefined {
    const { current } = this;
    if (current === undefined || current.nextSymbol >= current.symbolCount) return undefined;
    return this.flights.get(current.entryIndex) === current ? current : undefined;
  }

  private startFlight(now: Millis): Flight | undefined {
    if (this.flights.size >= flightLimit) {
      const [oldest] = this.flights.values();
      for (const id of oldest?.lacks.keys() ?? []) this.holdUp(id);
      return undefined;
    }
    const entry = this.nextEntry();
    if (entry === undefined) return undefined;
    const wanting: Receiver[] = [];
    const heldUpBy: Receiver[] = [];
    for (const receiver of this.receivers.values()) {
      if (receiver.lane !== "main" || !bitAt(receiver.wants, entry)) continue;
      wanting.push(receiver);
      if (!hasCredit(receiver)) heldUpBy.push(receiver);
    }
    if (heldUpBy.length > 0) {
      for (const { id } of heldUpBy) this.holdUp(id);
      return undefined;
    }
    const bytes = this.supplied.get(entry) as Uint8Array;
    this.supplied.delete(entry);
    if (entry < this.cursor) this.counts.passes++;
    this.cursor = entry + 1;
    const flight: Flight = {
      entryIndex: entry,
      bytes,
      symbolCount: symbolCountOf(this.options.storedLengths[entry] as number),
      nextSymbol: 0,
      lastSequence: 0,
      sentAt: now,
      lacks: new Map(wanting.map(({ id }) => [id, null])),
      repairs: [],
    };
    for (const receiver of wanting) receiver.started++;
    this.flights.set(entry, flight);
    this.current = flight;
    return flight;
  }

  private holdUp(id: ReceiverId): void {
    const receiver = this.receivers.get(id);
    if (receiver !== undefined) receiver.hasHeldUp = true;
  }

  /** The next entry in the order of the index whose bytes are there; after the last, the first again. */
  private nextEntry(): number | undefined {
    let best: number | undefined;
    let first: number | undefined;
    for (const entry of this.supplied.keys()) {
      if (!this.isToBeSent(entry)) {
        if (!this.flights.has(entry) && !this.mainWants(entry)) this.supplied.delete(entry);
        continue;
      }
      if (entry >= this.cursor && (best === undefined || entry < best)) best = entry;
      if (first === undefined || entry < first) first = entry;
    }
    // Not around again while what comes before it is being read.
    if (best === undefined && [...this.asked].some((entry) => entry >= this.cursor))
      return undefined;
    return best ?? first;
  }

  private beginRound(flight: Flight, now: Millis): void {
    if (flight.nextSymbol < flight.symbolCount || flight.repairs.length > 0) return;
    const missing: Uint8Array[] = [];
    for (const lacks of flight.lacks.values()) if (lacks !== null) missing.push(lacks);
    const isWaiting = missing.length < flight.lacks.size && now - flight.sentAt < reportLimit;
    if (isWaiting || missing.length === 0) return;
    flight.repairs = repairSets(missing, flight.symbolCount);
    if (flight.repairs.length > 0) {
      this.inRepair.push(flight);
      return;
    }
    // A receiver that holds all symbols but has not said `done` yet is asked again.
    for (const id of flight.lacks.keys()) flight.lacks.set(id, null);
  }

  private finished(receiver: Receiver, entryIndex: number): void {
    if (!bitAt(receiver.wants, entryIndex)) return;
    clearBit(receiver.wants, entryIndex);
    receiver.wantCount--;
    this.unwanted(entryIndex);
    const flight = this.flights.get(entryIndex);
    if (flight !== undefined) this.drop(flight, receiver.id);
  }

  private wantedAgain(receiver: Receiver, entryIndex: number): void {
    if (entryIndex >= this.wantedBy.length || bitAt(receiver.wants, entryIndex)) return;
    setBit(receiver.wants, entryIndex);
    receiver.wantCount++;
    this.wanted(entryIndex);
  }

  private drop(flight: Flight, id: ReceiverId): void {
    if (!flight.lacks.delete(id) || flight.lacks.size > 0) return;
    this.flights.delete(flight.entryIndex);
    this.supplied.delete(flight.entryIndex);
  }

  private wanted(entry: number): void {
    const count = this.wantedBy[entry] as number;
    if (count === 0) this.openCount++;
    this.wantedBy[entry] = count + 1;
    this.isAllRead = false;
  }

  private unwanted(entry: number): void {
    const count = (this.wantedBy[entry] as number) - 1;
    this.wantedBy[entry] = count;
    if (count === 0) this.openCount--;
  }

  // --- packets

  private putData(into: Uint8Array, at: number, flight: Flight, symbol: number): number {
    this.putHeader(into, at, packetKind.data, symbol, flight);
    const start = symbol * symbolBytes;
    const part = flight.bytes.subarray(start, start + symbolBytes);
    into.set(part, at + castHeaderBytes);
    into.fill(0, at + castHeaderBytes + part.length, at + dataPacketBytes);
    return dataPacketBytes;
  }

  private putCoded(into: Uint8Array, at: number, flight: Flight, set: readonly number[]): number {
    this.putHeader(into, at, packetKind.coded, set.length, flight);
    putCodedSet(into, at + castHeaderBytes, set);
    const body = at + castHeaderBytes + codedSetBytes;
    into.fill(0, body, body + symbolBytes);
    for (const symbol of set) {
      const start = symbol * symbolBytes;
      const length = Math.min(symbolBytes, flight.bytes.length - start);
      xorInto(into, body, flight.bytes, start, length);
    }
    return codedPacketBytes;
  }

  private putHeader(
    into: Uint8Array,
    at: number,
    kind: number,
    symbol: number,
    flight: Flight,
  ): void {
    const { tag, generation } = this.options;
    this.sequence++;
    flight.lastSequence = this.sequence;
    putCastHeader(into, at, kind, generation, symbol, tag, flight.entryIndex, this.sequence);
  }

  private syncPacket(into: Uint8Array, at: number, now: Millis): number {
    if (now < this.syncAt || this.receivers.size === 0) return 0;
    this.syncAt = millis(now + syncEvery);
    const { tag, generation } = this.options;
    this.sequence++;
    putCastHeader(into, at, packetKind.sync, generation, 0, tag, 0, this.sequence);
    return castHeaderBytes;
  }

  // --- the room

  /** The worst loss of the main lane since the last look; null when nobody received anything. */
  private worstLoss(): number | null {
    let worst: number | null = null;
    for (const receiver of this.receivers.values()) {
      const received = receiver.received - receiver.lookReceived;
      const lost = Math.max(0, receiver.lost - receiver.lookLost);
      if (received + lost < lossSample) continue;
      receiver.lookReceived = receiver.received;
      receiver.lookLost = receiver.lost;
      const ratio = lost / (received + lost);
      receiver.lossRatio = receiver.lossRatio * 0.7 + ratio * 0.3;
      if (receiver.lane === "main") worst = Math.max(worst ?? 0, ratio);
    }
    return worst;
  }

  private lookAtLanes(now: Millis): void {
    this.laneLookAt = millis(now + holdUpWindow / 8);
    const main = [...this.receivers.values()].filter(
      ({ lane, wantCount }) => lane === "main" && wantCount > 0,
    );
    const losses = main.map(({ lossRatio }) => lossRatio).sort((a, b) => a - b);
    const medianLoss = losses[(losses.length - 1) >> 1] ?? 0;
    const step = holdUpWindow / 8;
    for (const receiver of main) {
      const { hasHeldUp, heldUpFor } = receiver;
      receiver.heldUpFor = millis(hasHeldUp ? heldUpFor + step : Math.max(0, heldUpFor - step / 2));
      receiver.hasHeldUp = false;
    }
    for (const receiver of main) {
      const isBadLink = receiver.lossRatio > badLinkLoss && medianLoss < badLinkLoss / 4;
      if (receiver.heldUpFor < holdUpLimit && !isBadLink) continue;
      // Whoever is as slow as the room is no laggard; one PC alone never is.
      const others = main.filter((each) => each !== receiver && each.heldUpFor < holdUpLimit);
      if (others.length * 2 >= main.length) this.demote(receiver);
    }
    this.promoteIfIdle();
  }

  private demote(receiver: Receiver): void {
    receiver.lane = "catch-up";
    receiver.heldUpFor = millis(0);
    receiver.lossRatio = 0;
    for (const flight of this.flights.values()) this.drop(flight, receiver.id);
  }

  /** The main lane wants nothing more: those that were put aside are the main lane now. */
  private promoteIfIdle(): void {
    const waiting = [...this.receivers.values()].filter(({ wantCount }) => wantCount > 0);
    if (waiting.length === 0 || waiting.some(({ lane }) => lane === "main")) return;
    for (const receiver of waiting) {
      receiver.lane = "main";
      receiver.started = receiver.taken;
      this.isAllRead = false;
    }
  }
}

const hasCredit = ({ started, taken, slots }: Receiver): boolean => started - taken < slots;
