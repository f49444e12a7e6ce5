/** What has come to a receiver lately, and what became of it: counted over a while, from its reports. */
import { type Millis, millis } from "../units/units.ts";

/** What comes to a receiver is counted over so long. */
const measureFor = millis(250);

/** Totals as of a report. */
export interface Totals {
  /** The highest sequence heard. */
  readonly sequence: number;
  readonly packets: number;
  /** By its own socket, modulo 2^32. */
  readonly dropped: number;
  /** Entries that its disk has taken. */
  readonly written: number;
}

export interface Figures {
  readonly packetsPerMs: number;
  /** What was sent meanwhile, in packets a millisecond. */
  readonly sentPerMs: number;
  /** Fraction of what was sent that did not come, drops of its own socket included. */
  readonly lossRatio: number;
  readonly dropRatio: number;
  readonly writtenPerMs: number;
}

export class Measure {
  /** Null until they are known. */
  figures: Figures | null = null;
  private from: { readonly totals: Totals; readonly at: Millis } | null = null;

  /** After each report. */
  note(totals: Totals, now: Millis): void {
    const { from } = this;
    if (from !== null && now - from.at < measureFor) return;
    this.from = { totals, at: now };
    // Less than before: it was started anew, or hears another sender.
    if (from === null || totals.sequence < from.totals.sequence) return;
    const elapsed = now - from.at;
    const sent = totals.sequence - from.totals.sequence;
    const packets = (totals.packets - from.totals.packets) | 0;
    if (packets < 0) return;
    const ratioOf = (count: number): number =>
      sent === 0 ? 0 : Math.min(1, Math.max(0, count / sent));
    this.figures = {
      packetsPerMs: packets / elapsed,
      sentPerMs: sent / elapsed,
      lossRatio: ratioOf(sent - packets),
      dropRatio: ratioOf((totals.dropped - from.totals.dropped) | 0),
      writtenPerMs: Math.max(0, totals.written - from.totals.written) / elapsed,
    };
  }
}
