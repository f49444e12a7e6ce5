/** How long packets have queued on their way to a receiver, judged by when its reports say that they came. */
import { type Millis, millis } from "../units/units.ts";

/** The shortest delay is remembered for this long to twice as long. */
const rememberFor = millis(2500);

export class Wait {
  /** The least wait of the present stretch, in milliseconds beyond the shortest delay. */
  inStretch = Number.POSITIVE_INFINITY;
  /** The wait of the latest report, in the same measure. */
  last = 0;
  private least = Number.POSITIVE_INFINITY;
  private leastBefore = Number.POSITIVE_INFINITY;
  private since: Millis = millis(0);

  beginStretch(): void {
    this.inStretch = Number.POSITIVE_INFINITY;
  }

  /** The wait is not known just now. */
  forget(): void {
    this.last = 0;
  }

  /** The newest packet that has come was sent `ageMs` ago. */
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

/** The number of packets whose send times are remembered: more than a second at 1 Gbit/s. */
const remembered = 1 << 17;

/** When packets were sent, by their sequence. */
export class SendTimes {
  private readonly times = new Float64Array(remembered);

  note(sequence: number, now: Millis): void {
    this.times[sequence & (remembered - 1)] = now;
  }

  /**
   * When the packet was sent, or of one that is no longer remembered, when the oldest was that is; `highest` is the last
   * sequence. Null: there is no such packet.
   */
  at(sequence: number, highest: number): Millis | null {
    if (sequence < 1) return null;
    const known = Math.max(sequence, highest - remembered + 1);
    return millis(this.times[known & (remembered - 1)] as number);
  }
}
