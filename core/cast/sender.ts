/**
 * The sending end of a cast, as a machine. Receivers want entries; the sender serves the union, in the
 * order of the index, again and again until nobody wants anything. Nobody waits for a head-count: who
 * comes late gets what is sent from then on, and the rest the next time around. Repairs go first.
 *
 * Call `tick` before `fill`, and both again at `deadline` or after an event. Every packet carries the
 * next sequence number; a report says up to which it speaks.
 */
import { type Millis, millis } from "../units/units.ts";
import {
  dataPacketBytes,
  emptyHeader,
  headerBytes,
  memberBytes,
  packetKind,
  repairPacketBytes,
  sequenceDistance,
  symbolBytes,
  syncPacketBytes,
  wireOverheadBytes,
  writeHeader,
  writeMembers,
  writeReportEvery,
} from "../wire/cast.ts";
import { type CastReport, decodeReport } from "../wire/cast-report.ts";
import { bitAt } from "./bits.ts";
import { planRepairs } from "./coding.ts";
import { Entries } from "./entries.ts";
import type { Flight } from "./flight.ts";
import type { CastSenderStats, ReceiverId } from "./handles.ts";
import { HoldUps, Lanes } from "./lanes.ts";
import {
  creditOf,
  inHandCount,
  isDeaf,
  type Member,
  measure,
  silentAfter,
  standingOf,
} from "./member.ts";
import { Pacer } from "./pacer.ts";
import { RateControl } from "./rate.ts";
import { bpsOf, causeOfLoss, type LaggardCause } from "./reason.ts";
import { Room } from "./room.ts";
import { noteInStretch, roomLoss, stretchLimit } from "./stretch.ts";
import { Supply } from "./supply.ts";
import { SendTimes } from "./wait.ts";

export interface SenderOptions {
  readonly tag: number;
  /** Random: tells this sender from one before it. */
  readonly generation: number;
  /** Of each index entry; 0: never on the wire; `unknownLength`: it will be announced. */
  readonly storedLengths: Uint32Array;
  readonly linkBps: number | null;
  readonly rateLimitBps: number | null;
}

/** Who has not reported for so long, or for four times the interval, is not waited for. */
const lateAfter = millis(400);
/**
 * A cast that begins waits, but not longer than this, until those that have joined hear it and nobody
 * has joined for a moment: then nobody lacks its first entries.
 */
const gatherFor = millis(800);
const gatherQuiet = millis(150);
/** Reports every 10 ms and a millisecond more for each receiver, or 50 packets. */
const reportEveryLeast = 10;
const reportEveryMost = 100;
const packetsPerReport = 50;
/** A round begins without those that have not answered after so many report intervals and the way. */
const roundIntervals = 2.5;
const roundGrace = millis(150);
/** While data flows, the report interval is still said so often. */
const syncEvery = millis(200);
const housekeepingEvery = millis(20);
/** Of an entry: who lacks more, and four times what the middle one does, gets it another time. */
const heavyFraction = 0.25;
const heavyFactor = 4;

export class CastSenderMachine {
  private readonly options: SenderOptions;
  private readonly room: Room;
  private readonly supply: Supply;
  private readonly lanes: Lanes;
  private readonly holdUps: HoldUps;
  private readonly rate: RateControl;
  private readonly pacer: Pacer;
  private readonly entries: Entries;
  private readonly flights = new Map<number, Flight>();
  /** Flights with repairs to send, oldest round first. */
  private readonly repairing: Flight[] = [];
  private sending: Flight | null = null;
  private readonly header = emptyHeader();
  /** Of the last packet; the first is 1. */
  private sequence = 0;
  private readonly sendTimes = new SendTimes();
  private cursor = 0;
  private isNewLap = false;
  /** Until the first entry has begun: when the first and the last receiver joined. */
  private gathering: { since: Millis; joinedAt: Millis } | null = null;
  private hasBegun = false;
  /** `room.version` when nothing more was found to be read. */
  private plannedVersion = -1;
  private sentAt: Millis;
  private syncedAt: Millis;
  private housekeepAt: Millis;
  private stretch: { sequence: number; since: Millis; wireBytes: number; busyFor: number };
  private filledAt: Millis;
  /** The rate is all that holds the sender back. */
  private isHeldByRate = false;
  private readonly counts = { wire: 0, sent: 0, parity: 0, repair: 0, passes: 1, ignored: 0 };
  private statsAt: { now: Millis; wire: number };

  constructor(options: SenderOptions, now: Millis) {
    const { storedLengths, linkBps, rateLimitBps, tag, generation } = options;
    this.options = options;
    this.entries = new Entries(storedLengths);
    this.room = new Room(this.entries);
    this.supply = new Supply(this.entries);
    this.lanes = new Lanes(this.room);
    this.holdUps = new HoldUps(now);
    this.rate = new RateControl({ linkBps, limitBps: rateLimitBps }, now);
    this.pacer = new Pacer(now);
    this.header.tag = tag;
    this.header.generation = generation;
    this.sentAt = now;
    this.syncedAt = millis(now - syncEvery);
    this.housekeepAt = now;
    this.filledAt = now;
    this.stretch = { sequence: 0, since: now, wireBytes: 0, busyFor: 0 };
    this.statsAt = { now, wire: 0 };
  }

  // --- events

  /** A receiver is there; again: its wants are replaced, and what it reported before is forgotten. */
  join(id: ReceiverId, wants: Uint8Array, now: Millis): void {
    const member = this.room.members.get(id) ?? this.room.add(id, now);
    this.gathering = { since: this.gathering?.since ?? now, joinedAt: now };
    member.reportNumber = null;
    member.reportedAt = now;
    member.assembling = new Map();
    this.replaceWants(member, wants);
  }

  leave(id: ReceiverId, now: Millis): void {
    const member = this.room.members.get(id);
    if (member === undefined) return;
    this.room.remove(member);
    this.dropFromFlights(member);
    this.afterLaneChange(this.lanes.settle(now));
  }

  /** A report; one that is malformed, of a stranger or older than the last is ignored. */
  report(id: ReceiverId, payload: Uint8Array, now: Millis): void {
    const member = this.room.members.get(id);
    const decoded = decodeReport(payload, this.entries.symbolCounts);
    if (member === undefined || !decoded.ok) {
      this.counts.ignored++;
      return;
    }
    const report = decoded.value;
    if (member.reportNumber !== null && sequenceDistance(report.number, member.reportNumber) <= 0)
      return;
    this.takeState(member, report, now);
    const isHearing = member.sequence >= 0 && !isDeaf(member, now);
    this.setServed(member, isHearing && member.lane === "main");
    if (member.isServed) noteInStretch(member, this.stretch.sequence);
    this.afterLaneChange(this.lanes.settle(now));
    for (const flight of [...this.flights.values()]) {
      const { state } = flight;
      if (state.name !== "waiting" || member.sequence < state.sequence) continue;
      if (state.waitingFor.delete(member) && state.waitingFor.size === 0) this.beginRound(flight);
    }
    this.resumeParts(member);
  }

  /** An entry that was unknown is known, and can be asked for; 0: it is never on the wire. */
  announce(entryIndex: number, storedLength: number): void {
    this.entries.announce(entryIndex, storedLength);
    this.room.noteKnown(entryIndex);
  }

  /** Entries whose stored bytes are to be given to `supplyEntry`. */
  takeReads(): number[] {
    this.plan();
    return this.supply.takeReads();
  }

  /** The stored bytes of an entry that `takeReads` named; they are copied. False: not as long as the index says. */
  supplyEntry(entryIndex: number, stored: Uint8Array): boolean {
    if (stored.length !== this.entries.storedLengths[entryIndex]) return false;
    this.supply.take(entryIndex, stored);
    return true;
  }

  // --- time and packets

  tick(now: Millis): void {
    this.pacer.fill(now, this.rate.rateBps, this.isHeldByRate);
    if (this.isHeldByRate) this.stretch.busyFor += now - this.filledAt;
    this.filledAt = now;
    if (now < this.housekeepAt) return;
    this.housekeepAt = millis(now + housekeepingEvery);
    for (const member of this.room.members.values()) this.noticeSilence(member, now);
    this.afterLaneChange(this.lanes.settle(now));
    this.judgeRate(now);
    for (const flight of [...this.flights.values()]) this.endOverdueWait(flight, now);
  }

  /**
   * Writes packets of one length, at most `limit`, one after the other into `into`, and answers how
   * many: zero when nothing may be sent now. Their length is `packetBytes`.
   */
  fill(into: Uint8Array, limit: number, now: Millis): number {
    let count = 0;
    let packetBytes = 0;
    while (count < limit && this.pacer.isOpen) {
      const kind = this.nextKind(now);
      if (kind === null) break;
      const length = lengthOf[kind];
      if (count > 0 && length !== packetBytes) break;
      packetBytes = length;
      this.write(kind, into, count * packetBytes, now);
      this.pacer.take(packetBytes + wireOverheadBytes);
      count++;
    }
    if (count > 0) {
      this.packetBytes = packetBytes;
      this.counts.sent += count * packetBytes;
      this.counts.wire += count * (packetBytes + wireOverheadBytes);
    }
    this.isHeldByRate = !this.pacer.isOpen;
    return count;
  }

  /** Length of the packets that `fill` wrote last. */
  packetBytes = 0;

  /** When to call `tick` and `fill` again if nothing happens. */
  get deadline(): Millis {
    if (!this.pacer.isOpen) return this.pacer.deadline;
    if (this.room.members.size === 0) return millis(this.housekeepAt + 1000);
    return millis(Math.min(this.housekeepAt, this.syncAt));
  }

  stats(now: Millis): CastSenderStats {
    const { wire, sent, parity, repair, passes, ignored } = this.counts;
    const elapsed = now - this.statsAt.now;
    const rateBps = elapsed > 0 ? ((wire - this.statsAt.wire) * 8000) / elapsed : 0;
    this.statsAt = { now, wire };
    return {
      rateBps,
      bytesSent: sent,
      parityBytes: parity,
      repairBytes: repair,
      passes,
      entriesOpen: this.room.openCount,
      framesIgnored: ignored,
      receivers: [...this.room.members.values()].map((member) => standingOf(member, now)),
    };
  }

  /** Entries in flight, read, or being read, for whoever watches the memory. */
  get entriesHeld(): number {
    return this.flights.size + this.supply.count;
  }

  /** What the rate control allows, in bits a second. */
  get allowedBps(): number {
    return this.rate.rateBps;
  }

  // --- members

  private takeState(member: Member, report: CastReport, now: Millis): void {
    const { heard } = report;
    member.reportNumber = report.number;
    member.reportedAt = now;
    member.freeSlots = report.freeSlots;
    member.slotCount = report.slotCount;
    const isOurs = heard !== null && heard.generation === this.options.generation;
    const ahead = isOurs ? sequenceDistance(heard.sequence, this.sequence >>> 0) : 1;
    const sequence = ahead > 0 ? -1 : this.sequence + ahead;
    // Counted anew: by a receiver that was started anew, or one that had heard another sender.
    if (sequence < member.sequence) member.stretchStart = null;
    if (sequence !== member.sequence) {
      member.heardAt = now;
      const sentAt = this.sendTimes.at(sequence, this.sequence);
      if (sentAt !== null) member.wait.note(now - sentAt, now);
    }
    member.sequence = sequence;
    member.packets = report.packets;
    member.begun = member.begun.filter((first) => first > sequence);
    member.assembling = new Map(
      report.assembling.map(({ entryIndex, lacking }) => [entryIndex, lacking]),
    );
    if (report.wants !== null) this.replaceWants(member, report.wants);
    for (const { entryIndex, wanted } of report.settled) {
      if (wanted) this.room.want(member, entryIndex);
      else if (bitAt(member.wants, entryIndex)) this.finish(member, entryIndex);
    }
    for (const { entryIndex } of report.assembling) this.room.want(member, entryIndex);
    measure(member, report.dropped, now);
  }

  private replaceWants(member: Member, wants: Uint8Array): void {
    this.room.setWants(member, wants);
    for (const flight of [...this.flights.values()]) {
      if (!bitAt(member.wants, flight.entryIndex)) this.dropMember(flight, member);
    }
  }

  private finish(member: Member, entryIndex: number): void {
    this.room.finish(member, entryIndex);
    const flight = this.flights.get(entryIndex);
    if (flight !== undefined) this.dropMember(flight, member);
  }

  private setServed(member: Member, isServed: boolean): void {
    if (member.isServed === isServed) return;
    this.room.setServed(member, isServed);
    member.stretchStart = null;
    if (!isServed) this.dropFromFlights(member);
  }

  private noticeSilence(member: Member, now: Millis): void {
    const isSilent = now - member.reportedAt > silentAfter || now - member.heardAt > silentAfter;
    if (isSilent) this.setServed(member, false);
  }

  private isLate(member: Member, now: Millis): boolean {
    return now - member.reportedAt > Math.max(lateAfter, 4 * this.reportEvery);
  }

  /** The lanes have changed: whoever left the main lane is in no flight, and the room's rate is another. */
  private afterLaneChange(change: { demoted: readonly Member[]; isNewRoom: boolean } | null): void {
    if (change === null) return;
    for (const member of change.demoted) this.dropFromFlights(member);
    if (change.isNewRoom) this.rate.search(this.heardBps());
    this.beginStretch(this.filledAt);
  }

  /** What has come lately to the one in the main lane that got least, in bits a second; null: not known. */
  private heardBps(): number | null {
    let least = Number.POSITIVE_INFINITY;
    for (const { lane, wantCount, measure } of this.room.members.values()) {
      const packetsPerMs = measure.figures?.packetsPerMs ?? 0;
      if (lane === "main" && wantCount > 0 && packetsPerMs > 0)
        least = Math.min(least, packetsPerMs);
    }
    return Number.isFinite(least) ? bpsOf(least) : null;
  }

  // --- flights

  /** Chooses entries to be read ahead: in order from the cursor, around the end if need be. */
  private plan(): void {
    if (this.plannedVersion === this.room.version) return;
    const { version, servableCount } = this.room;
    const entryCount = this.entries.count;
    let looked = 0;
    while (this.supply.hasRoomAhead) {
      // All there is to serve is in hand: a live cast asks after each entry that is captured.
      if (this.countAtWork() >= servableCount) return;
      if (looked > entryCount) {
        this.plannedVersion = version;
        return;
      }
      if (this.cursor >= entryCount) {
        this.cursor = 0;
        this.isNewLap = true;
      }
      const entry = this.cursor++;
      looked++;
      if (this.room.demandFor(entry) === 0 || !this.entries.isKnown(entry)) continue;
      if (this.flights.has(entry) || this.supply.has(entry)) continue;
      this.supply.ask(entry, "ahead");
      if (this.isNewLap) this.counts.passes++;
      this.isNewLap = false;
    }
  }

  /** Entries that someone is served, and that are in flight, read, or being read. */
  private countAtWork(): number {
    let count = this.supply.count;
    for (const entry of this.flights.keys()) if (this.room.demandFor(entry) > 0) count++;
    return count;
  }

  /**
   * Parts that a receiver holds and nobody serves: it gets them completed when it has no slots left
   * for anything else, or when nobody else wants the entry whole; those of which it lacks much, when
   * nobody else could be served meanwhile, or when it has slots for nothing but parts.
   */
  private resumeParts(member: Member): void {
    if (!member.isServed) return;
    const isFull = creditOf(member) <= 0;
    for (const [entry, { length }] of member.assembling) {
      if (!this.supply.hasRoomResumed) return;
      if (this.flights.has(entry) || this.supply.has(entry)) continue;
      const isHeavy = length > (this.entries.symbolCounts[entry] as number) * heavyFraction;
      const isLeft = isHeavy
        ? !this.awaitsParts(member) && this.isAnotherOpen(member)
        : !isFull && !this.isForHolders(entry);
      if (isLeft) continue;
      this.supply.ask(entry, "resumed");
    }
  }

  /** Another that is served has room for something that it wants. */
  private isAnotherOpen(member: Member): boolean {
    for (const other of this.room.members.values())
      if (other !== member && other.isServed && other.wantCount > 0 && creditOf(other) > 0)
        return true;
    return false;
  }

  /** Nobody wants the entry who has no part of it. */
  private isForHolders(entry: number): boolean {
    return this.holdersOf(entry) >= this.room.demandFor(entry);
  }

  private holdersOf(entry: number): number {
    let holders = 0;
    for (const { isServed, assembling } of this.room.members.values())
      if (isServed && assembling.has(entry)) holders++;
    return holders;
  }

  /** The next flight whose turn it is, if its receivers have room for it. */
  private beginFlight(now: Millis): Flight | null {
    if (this.isGathering(now)) return null;
    for (const entry of this.supply.ready()) {
      if (this.room.demandFor(entry) === 0) {
        this.supply.drop(entry);
        continue;
      }
      const wanting: Member[] = [];
      const full: Member[] = [];
      const holding: Member[] = [];
      for (const member of this.room.members.values()) {
        if (!member.isServed || !bitAt(member.wants, entry)) continue;
        if (member.assembling.has(entry)) holding.push(member);
        else if (creditOf(member) > 0) wanting.push(member);
        else full.push(member);
      }
      if (this.supply.isResumed(entry)) {
        const isForHolders = wanting.length === 0 || holding.some((each) => creditOf(each) <= 0);
        if (holding.length > 0 && isForHolders) return this.openFlight(entry, holding, true, now);
      }
      const holdUp = full.filter(
        (member) => !this.isLate(member, now) && !this.awaitsParts(member),
      );
      if (holdUp.length > 0) {
        // Those who hold parts of it may be full of them, and what they hold up is held up by others.
        if (holding.some((each) => creditOf(each) <= 0))
          return this.openFlight(entry, holding, true, now);
        const others = [...this.room.members.values()].filter(
          (member) => member.isServed && member.wantCount > 0 && !holdUp.includes(member),
        );
        if (!this.holdUps.hold(holdUp, others, now)) continue;
        this.demote(holdUp, causeOfHoldUp, now);
      }
      if (wanting.length + holding.length === 0) continue;
      return this.openFlight(entry, [...wanting, ...holding], wanting.length === 0, now);
    }
    return null;
  }

  /** Its slots are all taken by parts that are not in flight: waiting for its disk frees none of them. */
  private awaitsParts({ slotCount, begun, assembling }: Member): boolean {
    if (begun.length > 0 || assembling.size < slotCount) return false;
    return ![...assembling.keys()].some((entry) => this.flights.has(entry));
  }

  private isGathering(now: Millis): boolean {
    if (this.hasBegun || this.gathering === null) return false;
    const { since, joinedAt } = this.gathering;
    const isQuiet = now - joinedAt >= gatherQuiet;
    const isHeard = [...this.room.members.values()].every(({ isServed }) => isServed);
    this.hasBegun = (isQuiet && isHeard) || now - since >= gatherFor;
    return !this.hasBegun;
  }

  private demote(
    members: readonly Member[],
    causeOf: (member: Member) => LaggardCause,
    now: Millis,
  ): void {
    for (const member of members) this.lanes.demote(member, causeOf(member), now);
    this.afterLaneChange({ demoted: members, isNewRoom: false });
    this.afterLaneChange(this.lanes.settle(now));
  }

  private openFlight(
    entryIndex: number,
    members: readonly Member[],
    hasParts: boolean,
    now: Millis,
  ): Flight {
    const flight: Flight = {
      entryIndex,
      symbolCount: this.entries.symbolCounts[entryIndex] as number,
      slot: this.supply.claim(entryIndex),
      members: new Set(members),
      memberCount: members.length,
      state: { name: "sending", nextSymbol: 0 },
    };
    this.flights.set(entryIndex, flight);
    if (hasParts) this.wait(flight, now);
    else {
      for (const member of members)
        if (!member.assembling.has(entryIndex)) member.begun.push(this.sequence + 1);
      this.sending = flight;
    }
    return flight;
  }

  private wait(flight: Flight, now: Millis): void {
    const { sequence } = this;
    flight.state = { name: "waiting", sequence, since: now, waitingFor: new Set(flight.members) };
  }

  /** All that are waited for have reported past the last packet: what they lack is repaired. */
  private beginRound(flight: Flight): void {
    const { state, entryIndex } = flight;
    if (state.name !== "waiting" || this.flights.get(entryIndex) !== flight) return;
    const lacking: { member: Member; symbols: Uint16Array }[] = [];
    for (const member of flight.members) {
      if (state.waitingFor.has(member)) continue;
      const symbols = member.assembling.get(entryIndex);
      // It had no slot, or came too late: another time.
      if (symbols === undefined) flight.members.delete(member);
      else lacking.push({ member, symbols });
    }
    for (const each of heavy(lacking, flight)) {
      flight.members.delete(each.member);
      lacking.splice(lacking.indexOf(each), 1);
    }
    if (lacking.length === 0) {
      if (flight.members.size === 0) this.close(flight);
      return;
    }
    const sets = planRepairs(
      lacking.map(({ symbols }) => symbols),
      flight.symbolCount,
    );
    flight.state = { name: "repairing", sets, nextSet: 0 };
    this.repairing.push(flight);
  }

  private endOverdueWait(flight: Flight, now: Millis): void {
    const { state } = flight;
    if (state.name !== "waiting") return;
    if (now - state.since < roundIntervals * this.reportEvery + roundGrace) return;
    for (const member of [...state.waitingFor]) {
      if (this.isLate(member, now)) this.dropMember(flight, member);
    }
    this.beginRound(flight);
  }

  private dropFromFlights(member: Member): void {
    member.begun = [];
    for (const flight of [...this.flights.values()]) this.dropMember(flight, member);
  }

  private dropMember(flight: Flight, member: Member): void {
    if (!flight.members.delete(member)) return;
    if (flight.members.size === 0) return this.close(flight);
    const { state } = flight;
    if (state.name !== "waiting") return;
    if (state.waitingFor.delete(member) && state.waitingFor.size === 0) this.beginRound(flight);
  }

  private close(flight: Flight): void {
    if (this.flights.get(flight.entryIndex) !== flight) return;
    this.flights.delete(flight.entryIndex);
    this.supply.free(flight.slot);
    if (this.sending === flight) this.sending = null;
    const place = this.repairing.indexOf(flight);
    if (place >= 0) this.repairing.splice(place, 1);
    // Somebody may still want it, and nothing else tells the next lap.
    this.plannedVersion = -1;
  }

  // --- packets

  private nextKind(now: Millis): Kind | null {
    if (now >= this.syncAt) return "sync";
    if (this.repairing.length > 0) return "repair";
    if (this.sending?.state.name !== "sending") {
      this.sending = null;
      // One that is resumed begins with a round, not with symbols.
      while (this.sending === null) if (this.beginFlight(now) === null) break;
    }
    return this.sending === null ? null : "data";
  }

  private write(kind: Kind, into: Uint8Array, at: number, now: Millis): void {
    this.sequence++;
    this.sentAt = now;
    this.sendTimes.note(this.sequence, now);
    this.header.sequence = this.sequence >>> 0;
    switch (kind) {
      case "data":
        return this.writeSymbol(this.sending as Flight, into, at, now);
      case "repair":
        return this.writeRepair(this.repairing[0] as Flight, into, at, now);
      case "sync":
        this.syncedAt = now;
        this.header.kind = packetKind.sync;
        this.header.symbol = 0;
        this.header.entryIndex = 0;
        writeHeader(into, at, this.header);
        return writeReportEvery(into, at, Math.round(this.reportEvery));
    }
  }

  private writeSymbol(flight: Flight, into: Uint8Array, at: number, now: Millis): void {
    const state = flight.state as { name: "sending"; nextSymbol: number };
    this.header.kind = packetKind.data;
    this.header.symbol = state.nextSymbol;
    this.header.entryIndex = flight.entryIndex;
    writeHeader(into, at, this.header);
    const { slab, slotBytes } = this.supply;
    const from = flight.slot * slotBytes + state.nextSymbol * symbolBytes;
    into.set(slab.subarray(from, from + symbolBytes), at + headerBytes);
    state.nextSymbol++;
    if (state.nextSymbol < flight.symbolCount) return;
    this.sending = null;
    this.wait(flight, now);
  }

  private writeRepair(flight: Flight, into: Uint8Array, at: number, now: Millis): void {
    const state = flight.state as Extract<Flight["state"], { name: "repairing" }>;
    const set = state.sets[state.nextSet] as readonly number[];
    this.header.kind = packetKind.repair;
    this.header.symbol = set.length;
    this.header.entryIndex = flight.entryIndex;
    writeHeader(into, at, this.header);
    writeMembers(into, at, set);
    this.writeSum(flight, set, into, at + headerBytes + memberBytes);
    this.counts.repair += repairPacketBytes;
    if (set.length > 1) this.counts.parity += repairPacketBytes;
    state.nextSet++;
    if (state.nextSet < state.sets.length) return;
    this.repairing.shift();
    this.wait(flight, now);
  }

  private writeSum(flight: Flight, set: readonly number[], into: Uint8Array, at: number): void {
    const { slab, words, slotBytes } = this.supply;
    const base = flight.slot * slotBytes;
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

  private readonly sum = new Int32Array(symbolBytes >> 2);
  private readonly sumBytes = new Uint8Array(this.sum.buffer);

  // --- the pace of reports and the rate

  private get reportEvery(): number {
    const byRoom = reportEveryLeast + this.room.members.size;
    if (this.rate.isSearching) return Math.min(reportEveryMost, byRoom);
    const packetsPerMs = this.rate.rateBps / 8000 / (dataPacketBytes + wireOverheadBytes);
    return Math.min(reportEveryMost, Math.max(byRoom, packetsPerReport / packetsPerMs));
  }

  /** While data flows, rarely; while reports are awaited and nothing flows, twice an interval. */
  private get syncAt(): Millis {
    if (this.room.members.size === 0) return millis(Number.POSITIVE_INFINITY);
    const isAwaited = this.flights.size > 0 || this.room.openCount > 0;
    const quiet = isAwaited ? Math.max(5, this.reportEvery / 2) : syncEvery;
    return millis(Math.min(this.syncedAt + syncEvery, this.sentAt + quiet));
  }

  private judgeRate(now: Millis): void {
    const elapsed = now - this.stretch.since;
    const found = roomLoss(this.room.members.values(), this.rate.isSearching);
    if (found === null) {
      if (elapsed > stretchLimit) this.beginStretch(now);
      return;
    }
    const outliers = this.lanes.noteOutliers(found.outliers, elapsed);
    const sentBps = ((this.counts.wire - this.stretch.wireBytes) * 8000) / Math.max(1, elapsed);
    const isBusy = this.stretch.busyFor > elapsed / 2;
    this.rate.judge({ ...found, sentBps, elapsedMs: elapsed, isBusy }, now);
    this.beginStretch(now);
    if (outliers.length > 0)
      this.demote(outliers, ({ measure }) => causeOfLoss(measure.figures), now);
  }

  private beginStretch(now: Millis): void {
    this.stretch = {
      sequence: this.sequence + 1,
      since: now,
      wireBytes: this.counts.wire,
      busyFor: 0,
    };
    for (const member of this.room.members.values()) member.stretchStart = null;
  }
}

/** Its slots are taken by what its disk has yet to write, or by parts that it lacks too much of. */
const causeOfHoldUp = (member: Member): LaggardCause =>
  inHandCount(member) * 2 >= member.slotCount ? "disk" : causeOfLoss(member.measure.figures);

type Kind = "data" | "repair" | "sync";
const lengthOf: Record<Kind, number> = {
  data: dataPacketBytes,
  repair: repairPacketBytes,
  sync: syncPacketBytes,
};

/** Those who lack so much more of an entry than the others that its repair would hold up the room. */
function heavy<T extends { readonly symbols: Uint16Array }>(
  lacking: readonly T[],
  { symbolCount, memberCount }: Flight,
): T[] {
  const counts = lacking.map(({ symbols }) => symbols.length).sort((one, other) => other - one);
  // Those who have all of it lack nothing.
  const middle = counts[memberCount >> 1] ?? 0;
  if (memberCount === 1) return [];
  const limit = Math.max(symbolCount * heavyFraction, middle * heavyFactor);
  return lacking.filter(({ symbols }) => symbols.length > limit);
}
