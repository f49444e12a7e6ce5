/**
 * The pace of a cast: how fast it sends, and how often its receivers report. It puts what the reports say of
 * one stretch of packets after another before the rate control.
 */
import type { Millis } from "../units/units.ts";
import { dataPacketBytes, wireOverheadBytes } from "../wire/cast.ts";
import type { Member } from "./member.ts";
import { RateControl, type RateOptions } from "./rate.ts";
import { noteInStretch, type RoomLoss, roomLoss, startSample, stretchLimit } from "./stretch.ts";

/**
 * Receivers report every 10 ms and 2 ms more for each that wants something, or every 50 packets if that is
 * longer, but at least every 100 ms: each report wakes the sender.
 */
const reportEveryLeastMs = 10;
const reportEveryEachMs = 2;
const reportEveryMostMs = 100;
/** While the rate is looked for, a fraction of a second, they report more often: what is too much is lost until they do. */
const searchingEveryEachMs = 0.5;
const packetsPerReport = 50;

/** Milliseconds of packets that tell whether a rate is too high: by then a queue of 1 MB is full at 1 Gbit/s too much. */
const searchMs = 8;

/** Of a packet, on the wire. */
const packetBits = (dataPacketBytes + wireOverheadBytes) * 8;

/** What was sent so far: the last sequence, and bytes on the wire. */
export interface Sent {
  readonly sequence: number;
  readonly wireBytes: number;
}

export interface Judged extends RoomLoss {
  readonly elapsedMs: number;
}

export class Pace {
  private readonly rate: RateControl;
  private stretch: {
    sequence: number;
    since: Millis;
    wireBytes: number;
    heldFor: number;
    lateFor: number;
  };

  constructor(options: RateOptions, now: Millis) {
    this.rate = new RateControl(options, now);
    this.stretch = { sequence: 0, since: now, wireBytes: 0, heldFor: 0, lateFor: 0 };
  }

  /** In bits a second, on the wire. */
  get rateBps(): number {
    return this.rate.rateBps;
  }

  /** Milliseconds between two reports of a receiver, when so many want something. */
  reportEvery(wantingCount: number): number {
    const { isSearching } = this.rate;
    const each = isSearching ? searchingEveryEachMs : reportEveryEachMs;
    const byRoom = reportEveryLeastMs + each * wantingCount;
    if (isSearching) return Math.min(reportEveryMostMs, byRoom);
    return Math.min(reportEveryMostMs, Math.max(byRoom, packetsPerReport / this.packetsPerMs));
  }

  private get packetsPerMs(): number {
    return this.rate.rateBps / 1000 / packetBits;
  }

  /** The rate held the sender back for so many milliseconds more; then it had no processor for `lateMs`. */
  noteHeld(ms: number, lateMs: number): void {
    this.stretch.heldFor += ms;
    this.stretch.lateFor += lateMs;
  }

  /** A report of the member has been taken. */
  noteReport(member: Member): void {
    noteInStretch(member, this.stretch.sequence);
  }

  /** As `RateControl.search`. */
  search(heardRatio: number | null): void {
    this.rate.search(heardRatio);
  }

  /** A stretch begins anew: the members are others, or so are the packets. */
  begin(members: Iterable<Member>, sent: Sent, now: Millis): void {
    const { sequence, wireBytes } = sent;
    this.stretch = { sequence: sequence + 1, since: now, wireBytes, heldFor: 0, lateFor: 0 };
    for (const member of members) member.stretchStart = null;
  }

  /** Ends the stretch if enough has been heard of it, and sets the rate. Null: not yet. */
  judge(members: readonly Member[], sent: Sent, now: Millis): Judged | null {
    const { rate } = this;
    const { sequence, since, wireBytes, heldFor, lateFor } = this.stretch;
    const elapsedMs = now - since;
    const { patience, isSearching } = rate;
    const searchPackets = isSearching ? this.packetsPerMs * searchMs : null;
    const isLong = elapsedMs > stretchLimit;
    const sentPerMs = isLong ? (sent.sequence + 1 - sequence) / elapsedMs : null;
    const found = roomLoss(members, sequence, { patience, searchPackets, sentPerMs });
    if (found === null) {
      if (isLong) this.begin(members, sent, now);
      return null;
    }
    // What it would have sent, had it had a processor: it was not the rate that was too high.
    const ownMs = Math.max(1, elapsedMs - lateFor);
    const sentBps = ((sent.wireBytes - wireBytes) * 8000) / ownMs;
    const busyRatio = heldFor / ownMs;
    const before = rate.rateBps;
    const heardMs = found.packets / this.packetsPerMs;
    const arrivedBps = found.arrivedPerMs * packetBits * 1000;
    rate.judge({ ...found, sentBps, arrivedBps, elapsedMs, heardMs, busyRatio }, now);
    this.begin(members, sent, now);
    if (rate.rateBps < before) for (const member of members) member.losses = [];
    // While the rate only goes up, a stretch can be judged from the report before it.
    if (rate.isSearching && rate.rateBps > before)
      for (const member of members) if (member.sequence >= 0) startSample(member);
    return { ...found, elapsedMs };
  }
}
