import { type Millis, millis } from "../units/units.ts";

/** What was not used is kept for so long: a late timer loses nothing of the link. */
const catchUp = millis(10);
/** What goes at once. */
const burst = millis(0.5);
/**
 * The least that may go at once, so that slow rates are not cut to single packets: 16 packets, a fifth
 * of what the port of a small switch holds.
 */
const leastBurstBytes = 16 * 1538;

/** A token bucket: allows bytes on the wire at a rate. */
export class Pacer {
  private tokens = leastBurstBytes;
  private filledAt: Millis;
  private bytesPerMs = 0;

  constructor(now: Millis) {
    this.filledAt = now;
  }

  /** `wasHeld`: the rate is what has held the sender back. After a rest it does not start with a flood. */
  fill(now: Millis, rateBps: number, wasHeld: boolean): void {
    this.bytesPerMs = rateBps / 8000;
    const most = Math.max(leastBurstBytes, this.bytesPerMs * (wasHeld ? catchUp : burst));
    this.tokens = Math.min(most, this.tokens + (now - this.filledAt) * this.bytesPerMs);
    this.filledAt = now;
  }

  get isOpen(): boolean {
    return this.tokens > 0;
  }

  /** May go below zero by the last packet. */
  take(wireBytes: number): void {
    this.tokens -= wireBytes;
  }

  /** When a burst of half a millisecond, or of 16 packets, may go. */
  get deadline(): Millis {
    const next = Math.max(leastBurstBytes, this.bytesPerMs * burst);
    return millis(this.filledAt + Math.max(0, next - this.tokens) / this.bytesPerMs);
  }
}
