/** What has come to a receiver recently, and what its disk has taken, from the counters in its reports. */
import { type Millis, millis } from "../units/units.ts";

/** The figures are means over this long: a hundred packets at 5 Mbit/s, and soon enough for a person. */
const measureFor = millis(250);

/** Totals as of a report. */
export interface Totals {
  /** The highest sequence heard. */
  readonly sequence: number;
  readonly packets: number;
  /** Drops of its own socket, modulo 2^32. */
  readonly dropped: number;
  /** How many entries its disk has taken. */
  readonly written: number;
  /** Of its slots, the fraction that holds chunks which its disk has yet to take. */
  readonly backlogRatio: number;
  /** Milliseconds since the newest packet that it has taken was sent; 0 where that is not known, or it has taken none. */
  readonly ageMs: number;
}

export interface Figures {
  readonly packetsPerMs: number;
  /** Packets a millisecond that were sent meanwhile. */
  readonly sentPerMs: number;
  /** The fraction that did not come, including the drops of its own socket. */
  readonly lossRatio: number;
  readonly dropRatio: number;
  readonly writtenPerMs: number;
  /** The part of its slots that held chunks for the disk at all times: the disk was never without work. */
  readonly backlogRatio: number;
  /** Milliseconds: nothing that it took meanwhile had been sent later than this before. */
  readonly behindMs: number;
}

export class Measure {
  /** Null until there are two totals to compare. */
  figures: Figures | null = null;
  private from: { readonly totals: Totals; readonly at: Millis } | null = null;
  private leastBacklog = 1;
  private leastAge = Number.POSITIVE_INFINITY;

  /** Takes the totals of a report. Answers whether there are new figures. */
  note(totals: Totals, now: Millis): boolean {
    const { from } = this;
    this.leastBacklog = Math.min(this.leastBacklog, totals.backlogRatio);
    this.leastAge = Math.min(this.leastAge, totals.ageMs);
    if (from !== null && now - from.at < measureFor) return false;
    this.from = { totals, at: now };
    const backlogRatio = this.leastBacklog;
    const behindMs = this.leastAge;
    this.leastBacklog = totals.backlogRatio;
    this.leastAge = totals.ageMs;
    // The sequence fell: the receiver has restarted, or hears another sender.
    if (from === null || totals.sequence < from.totals.sequence) return false;
    const elapsed = now - from.at;
    const sent = totals.sequence - from.totals.sequence;
    const packets = (totals.packets - from.totals.packets) | 0;
    if (packets < 0) return false;
    const ratioOf = (count: number): number =>
      sent === 0 ? 0 : Math.min(1, Math.max(0, count / sent));
    this.figures = {
      packetsPerMs: packets / elapsed,
      sentPerMs: sent / elapsed,
      lossRatio: ratioOf(sent - packets),
      dropRatio: ratioOf((totals.dropped - from.totals.dropped) | 0),
      writtenPerMs: Math.max(0, totals.written - from.totals.written) / elapsed,
      ...{ backlogRatio, behindMs },
    };
    return true;
  }
}
