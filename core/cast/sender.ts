/**
 * The sending end of a cast, as a machine. Receivers want entries; the sender serves the union, in the
 * order of the index, again and again until nobody wants anything. Nobody waits for a head-count: a late
 * receiver gets what is sent from then on, and the rest the next time around. Repairs go first.
 *
 * Call `tick` before `fill`, and both again at `deadline` or after an event. Every packet carries the
 * next sequence number; a report says up to which it speaks.
 */

import { bitAt } from "../units/bits.ts";
import { chunkBytes, type Millis, millis } from "../units/units.ts";
import { sequenceDistance, wireOverheadBytes } from "../wire/cast.ts";
import { type CastReport, decodeReport } from "../wire/cast-report.ts";
import type { CastSenderStats, ReceiverId } from "./ends.ts";
import { Entries } from "./entries.ts";
import { Flights } from "./flights.ts";
import { Lanes } from "./lanes.ts";
import { isDeaf, type Member, measure, silentAfter, standingOf } from "./member.ts";
import { lengthOf, Outgoing } from "./outgoing.ts";
import { Pace, type Sent } from "./pace.ts";
import { Pacer } from "./pacer.ts";
import { type PacketOptions, PacketWriter } from "./packets.ts";
import { Receivers } from "./receivers.ts";
import { Schedule } from "./schedule.ts";
import { SentRuns } from "./sent-runs.ts";
import { forgetHeard } from "./stretch.ts";
import { Supply } from "./supply.ts";
import { Turns } from "./turns.ts";

export interface SenderOptions extends PacketOptions {
  /** The stored length of each entry. 0: it is never on the wire; `unknownLength`: it will be announced. */
  readonly storedLengths: Uint32Array;
  readonly linkBps: number | null;
  readonly rateLimitBps: number | null;
  /** Makes the memory that entries are sent from: so many zeros, aligned to 4. */
  readonly makeSlab: (byteCount: number) => Uint8Array;
}

/** A sender that is called so much later than it asked for had no processor. Timers and sockets are late by less. */
const lateLeast = millis(10);
/** So long it takes then until the reports that have waited for it are read. */
const backlogFor = millis(10);
/** Nobody waits for a member that has not reported for this long, or for four report intervals. */
const lateAfter = millis(400);
/** A round begins without the members that have not reported after 2.5 report intervals and the delay of the way. */
const roundIntervals = 2.5;
const roundGrace = millis(150);
/** The interval at which silence, lanes and rate are checked. */
const housekeepingEvery = millis(20);
/** A fraction: a receiver that loses more is behind a port that is too slow. */
const slowPortLoss = 0.25;
/** A fraction: the few packets that it hears cannot tell a lower one. */
const leastHeard = 0.2;

export class CastSenderMachine {
  private readonly receivers: Receivers;
  private readonly supply: Supply;
  private readonly lanes: Lanes;
  private readonly pace: Pace;
  private readonly pacer: Pacer;
  private readonly entries: Entries;
  private readonly flights: Flights;
  private readonly schedule: Schedule;
  private readonly packets: PacketWriter;
  private readonly turns: Turns;
  private readonly outgoing: Outgoing;
  private readonly runs = new SentRuns();
  private housekeepAt: Millis;
  private filledAt: Millis;
  /** Whether the rate is all that holds the sender back. */
  private isHeldByRate = false;
  /** When it was last called later than it had asked for. */
  private lateAt = millis(Number.NEGATIVE_INFINITY);
  private readonly counts = { wire: 0, sent: 0, ignored: 0 };
  private statsAt: { now: Millis; wire: number };

  constructor(options: SenderOptions, now: Millis) {
    const { storedLengths, linkBps, rateLimitBps, makeSlab } = options;
    this.entries = new Entries(storedLengths);
    this.receivers = new Receivers(this.entries);
    this.supply = new Supply(this.entries, makeSlab);
    const { receivers, supply, entries } = this;
    this.flights = new Flights({ receivers, supply, symbolCounts: entries.symbolCounts });
    this.schedule = new Schedule({ entries, receivers, supply, flights: this.flights });
    this.packets = new PacketWriter(supply, options);
    this.lanes = new Lanes(receivers);
    const { flights, schedule, packets } = this;
    const isLate = (member: Member, at: Millis) => this.isLate(member, at);
    const demote = (members: readonly Member[], at: Millis) => this.demote(members, at);
    const turns = new Turns({ receivers, supply, flights, schedule, isLate, demote }, now);
    const reportEvery = () => this.reportEvery;
    this.turns = turns;
    this.outgoing = new Outgoing({ receivers, flights, packets, turns, reportEvery }, now);
    this.pace = new Pace({ linkBps, limitBps: rateLimitBps }, now);
    this.pacer = new Pacer(now);
    this.housekeepAt = now;
    this.filledAt = now;
    this.statsAt = { now, wire: 0 };
  }

  // --- events

  /**
   * A receiver joins. If it had joined before, its wants are replaced and its reports forgotten. `coming`: as in `CastSender`.
   */
  join(id: ReceiverId, wants: Uint8Array, now: Millis, coming: number | null = null): void {
    const member = this.receivers.members.get(id) ?? this.receivers.add(id, now);
    this.turns.noteJoin(coming, now);
    member.reportNumber = null;
    member.reportedAt = now;
    member.assembling = new Map();
    this.replaceWants(member, wants);
  }

  leave(id: ReceiverId, now: Millis): void {
    const member = this.receivers.members.get(id);
    if (member === undefined) return;
    this.receivers.remove(member);
    this.flights.dropFromAll(member);
    this.afterLaneChange(this.lanes.settle(now));
  }

  /**
   * Begins another generation: entries that are supplied from here on are encrypted otherwise, and packets
   * are sealed with this key. The receivers keep the entries that they have whole; each is served again
   * once it hears the new packets.
   */
  rekey(packetKey: Uint8Array, now: Millis): void {
    this.packets.rekey(packetKey);
    this.runs.clear();
    for (const member of this.receivers.members.values()) {
      this.setServed(member, false);
      forgetHeard(member);
      member.sequence = -1;
      member.joinedAfter = 0;
    }
    this.flights.forgetSent();
    this.supply.readAgain();
    this.beginStretch(now);
  }

  /** Takes a report. One that is malformed, older than the last, or from somebody who has not joined is ignored. */
  report(id: ReceiverId, payload: Uint8Array, now: Millis): void {
    const member = this.receivers.members.get(id);
    const decoded = decodeReport(payload, this.entries.symbolCounts);
    if (member === undefined || !decoded.ok) {
      this.counts.ignored++;
      return;
    }
    const report = decoded.value;
    if (member.reportNumber !== null && sequenceDistance(report.number, member.reportNumber) <= 0)
      return;
    this.takeState(member, report, now);
    const isHearing = member.sequence >= 0 && !isDeaf(member, this.runs, now);
    this.setServed(member, isHearing && member.lane === "main");
    if (member.isServed) this.pace.noteReport(member);
    this.afterLaneChange(this.lanes.settle(now));
    this.flights.noteReport(member);
    this.schedule.resumeParts(member);
    this.judgeRate(now);
  }

  /** Announces an entry: from now on it can be read. One of 0 stored bytes is never on the wire. */
  announce(entryIndex: number, storedLength: number): void {
    this.entries.announce(entryIndex, storedLength);
    this.receivers.noteKnown(entryIndex);
  }

  /** The entries whose stored bytes `supplyEntry` expects. */
  takeReads(): number[] {
    this.schedule.plan();
    return this.supply.takeReads();
  }

  /**
   * The bytes of an entry that `takeReads` named are here: `write` puts them, encrypted, where they are sent from,
   * unless nobody wants them any more. False: they are not as long as the index says.
   */
  supplyEntry(
    entryIndex: number,
    storedLength: number,
    write: (into: Uint8Array) => void,
  ): boolean {
    const isRight = storedLength === this.entries.storedLengths[entryIndex];
    if (!isRight || storedLength > chunkBytes) return false;
    this.supply.take(entryIndex, storedLength, write);
    return true;
  }

  // --- time and packets

  tick(now: Millis): void {
    const isLate = this.isOverdue(now);
    if (isLate) this.lateAt = now;
    const lostMs = this.pacer.fill(now, this.pace.rateBps, this.isHeldByRate);
    const lateMs = isLate ? lostMs : 0;
    if (this.isHeldByRate) this.pace.noteHeld(now - this.filledAt - lateMs, lateMs);
    this.filledAt = now;
    if (now < this.housekeepAt) return;
    this.housekeepAt = millis(now + housekeepingEvery);
    for (const member of this.receivers.members.values()) this.noticeSilence(member, now);
    this.afterLaneChange(this.lanes.settle(now));
    this.judgeRate(now);
    const overdue = roundIntervals * this.reportEvery + roundGrace;
    this.flights.endOverdueWaits(millis(now - overdue), (member) => this.isLate(member, now));
  }

  /**
   * Writes at most `limit` packets of one length, `packetBytes`, into `into`, one after another. Answers
   * how many: zero if nothing may be sent now.
   */
  fill(into: Uint8Array, limit: number, now: Millis): number {
    let count = 0;
    let packetBytes = 0;
    while (count < limit && this.pacer.isOpen) {
      const kind = this.outgoing.next(now);
      if (kind === null) break;
      const length = lengthOf[kind];
      if (count > 0 && length !== packetBytes) break;
      packetBytes = length;
      do {
        this.outgoing.write(kind, { into, at: count * packetBytes, now });
        this.pacer.take(packetBytes + wireOverheadBytes);
        count++;
        // The next is a symbol of the same entry again, and need not be looked for.
      } while (kind === "data" && this.outgoing.isSending && count < limit && this.pacer.isOpen);
    }
    if (count > 0) {
      this.runs.note(this.packets.sequence, now);
      this.packetBytes = packetBytes;
      this.counts.sent += count * packetBytes;
      this.counts.wire += count * (packetBytes + wireOverheadBytes);
    }
    this.isHeldByRate = !this.pacer.isOpen;
    return count;
  }

  /** The length of the packets that `fill` wrote last. */
  packetBytes = 0;

  /** When to call `tick` and `fill` again if nothing happens. */
  get deadline(): Millis {
    if (!this.pacer.isOpen) return this.pacer.deadline;
    if (this.receivers.members.size === 0) return millis(this.housekeepAt + 1000);
    return millis(Math.min(this.housekeepAt, this.outgoing.syncAt));
  }

  stats(now: Millis): CastSenderStats {
    const { wire, sent, ignored } = this.counts;
    const elapsed = now - this.statsAt.now;
    const rateBps = elapsed > 0 ? ((wire - this.statsAt.wire) * 8000) / elapsed : 0;
    this.statsAt = { now, wire };
    return {
      rateBps,
      bytesSent: sent,
      parityBytes: this.outgoing.parityBytes,
      repairBytes: this.outgoing.repairBytes,
      passes: this.schedule.passes,
      entriesOpen: this.receivers.openCount,
      framesIgnored: ignored,
      receivers: [...this.receivers.members.values()].map((member) =>
        standingOf(member, { runs: this.runs, generation: this.packets.generation }, now),
      ),
    };
  }

  /** How many entries are in flight, read, or being read; tests of the memory use it. */
  get entriesHeld(): number {
    return this.flights.size + this.supply.count;
  }

  /** What the rate control allows, in bits a second. */
  get allowedBps(): number {
    return this.pace.rateBps;
  }

  // --- members

  private takeState(member: Member, report: CastReport, now: Millis): void {
    const { heard } = report;
    if (member.reportNumber === null) member.joinedAfter = this.packets.sequence;
    member.reportNumber = report.number;
    member.reportedAt = now;
    member.freeSlots = report.freeSlots;
    member.slotCount = report.slotCount;
    const isOurs = heard !== null && heard.generation === this.packets.generation;
    const ahead = isOurs ? sequenceDistance(heard.sequence, this.packets.sequence >>> 0) : 1;
    const sequence = ahead > 0 ? -1 : this.packets.sequence + ahead;
    // The count starts anew: the receiver has restarted, or had heard another sender.
    if (sequence < member.sequence) forgetHeard(member);
    let ageMs = 0;
    if (sequence !== member.sequence) {
      const sentAt = this.packets.sendTimes.at(sequence, this.packets.sequence);
      if (this.isStarved(now)) member.wait.forget();
      else if (sentAt !== null) {
        ageMs = now - sentAt;
        member.ageMs = ageMs;
        member.wait.note(ageMs, now);
      }
    }
    if (sequence > member.sequence) member.heardAt = now;
    member.sequence = sequence;
    member.packets = report.packets;
    member.begun = member.begun.filter((first) => first > sequence);
    member.assembling = new Map(
      report.assembling.map(({ entryIndex, lacking }) => [entryIndex, lacking]),
    );
    if (report.wants !== null) this.replaceWants(member, report.wants);
    for (const { entryIndex, wanted } of report.settled) {
      if (wanted) this.receivers.want(member, entryIndex);
      else if (bitAt(member.wants, entryIndex)) this.finish(member, entryIndex);
    }
    for (const { entryIndex } of report.assembling) this.receivers.want(member, entryIndex);
    measure(member, { dropped: report.dropped, ageMs }, now);
  }

  private replaceWants(member: Member, wants: Uint8Array): void {
    this.receivers.setWants(member, wants);
    for (const flight of this.flights.all())
      if (!bitAt(member.wants, flight.entryIndex)) this.flights.drop(flight, member);
  }

  private finish(member: Member, entryIndex: number): void {
    this.receivers.finish(member, entryIndex);
    const flight = this.flights.get(entryIndex);
    if (flight !== undefined) this.flights.drop(flight, member);
  }

  private setServed(member: Member, isServed: boolean): void {
    if (member.isServed === isServed) return;
    this.receivers.setServed(member, isServed);
    forgetHeard(member);
    if (!isServed) this.flights.dropFromAll(member);
  }

  private noticeSilence(member: Member, now: Millis): void {
    const isSilent = now - member.reportedAt > silentAfter;
    if (isSilent || isDeaf(member, this.runs, now)) this.setServed(member, false);
  }

  /** Nobody has called it for too long. A socket that takes nothing is another matter: then it is called all the time. */
  private isOverdue(now: Millis): boolean {
    return now - Math.max(this.deadline, this.filledAt) > lateLeast;
  }

  /** It had no processor just now: reports have waited for itself, and do not say how long the packets took. */
  private isStarved(now: Millis): boolean {
    return this.isOverdue(now) || now - this.lateAt < backlogFor;
  }

  private isLate(member: Member, now: Millis): boolean {
    return now - member.reportedAt > Math.max(lateAfter, 4 * this.reportEvery);
  }

  /** The lanes have changed: members that left the main lane leave all flights, and the rate is judged anew. */
  private afterLaneChange(change: { demoted: readonly Member[]; isNewRoom: boolean } | null): void {
    if (change === null) return;
    for (const member of change.demoted) this.flights.dropFromAll(member);
    if (change.isNewRoom) this.pace.search(this.heardRatio());
    this.beginStretch(this.filledAt);
  }

  /** The fraction of the rate that reaches the main lane's most lossy member; null: not known. */
  private heardRatio(): number | null {
    let most: number | null = null;
    for (const { lane, wantCount, measure } of this.receivers.members.values()) {
      if (lane === "main" && wantCount > 0 && measure.figures !== null)
        most = Math.max(most ?? 0, measure.figures.lossRatio);
    }
    if (most === null) return null;
    // A lossy cable alone is no reason to go slower.
    return most > slowPortLoss ? Math.max(leastHeard, 1 - most) : 1;
  }

  private demote(members: readonly Member[], now: Millis): void {
    for (const member of members) this.lanes.demote(member, now);
    this.afterLaneChange({ demoted: members, isNewRoom: false });
    this.afterLaneChange(this.lanes.settle(now));
  }

  // --- the pace of reports and the rate

  private get reportEvery(): number {
    return this.pace.reportEvery(this.receivers.wantingCount);
  }

  private judgeRate(now: Millis): void {
    const judged = this.pace.judge([...this.receivers.members.values()], this.sent, now);
    if (judged === null) return;
    const stragglers = this.lanes.noteStragglers(judged);
    if (stragglers.length > 0) this.demote(stragglers, now);
  }

  private beginStretch(now: Millis): void {
    this.pace.begin(this.receivers.members.values(), this.sent, now);
  }

  private get sent(): Sent {
    return { sequence: this.packets.sequence, wireBytes: this.counts.wire };
  }
}
