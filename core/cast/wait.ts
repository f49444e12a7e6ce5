/** How long packets have waited on their way to a receiver, from when its reports say that they have come. */
import { type Millis, millis } from "../units/units.ts";

/** The shortest way is remembered for this long to twice as long. */
const rememberFor = millis(2500);

export class Wait {
  /** Least of the present stretch, beyond the shortest of late, in milliseconds. */
  inStretch = Number.POSITIVE_INFINITY;
  /** The same of the latest report alone. */
  last = 0;
  private least = Number.POSITIVE_INFINITY;
  private leastBefore = Number.POSITIVE_INFINITY;
  private since: Millis = millis(0);

  beginStretch(): void {
    this.inStretch = Number.POSITIVE_INFINITY;
  }

  /** A packet that went `ageMs` ago is the newest that has come. */
  note(ageMs: number, now: Millis): void {
    if (now - this.since > rememberFor) {
      this.leastBefore = this.least;
      this.least = ageMs;
      this.since = now;
    }
    this.least = Math.min(this.least, ageMs);
    const shortest = Math.min(this.least, this.leastBefore);
    this.last = ageMs - shortest;
    this.inStretch = Math.min(this.inStretch, this.last);
  }
}

/** Packets of which it is known when they went: more than a second of 1 Gbit/s. */
const remembered = 1 << 17;

/** When packets went, by their sequence. */
export class SendTimes {
  private readonly times = new Float64Array(remembered);

  note(sequence: number, now: Millis): void {
    this.times[sequence & (remembered - 1)] = now;
  }

  /** When the packet went; `highest` was the last. Null: too long ago. */
  at(sequence: number, highest: number): Millis | null {
    if (sequence < 1 || highest - sequence >= remembered) return null;
    return millis(this.times[sequence & (remembered - 1)] as number);
  }
}
