import { type Millis, millis } from "../units/units.ts";

/** What was not used is kept for so long: a late timer loses nothing of the link. */
const catchUp = millis(10);
const burst = millis(0.5);
/**
 * At slow rates more time goes at once, so that a sender wakes no more than five hundred times a second,
 * but not more than 16 packets: a fifth of what the port of a small switch holds. Of two casts that
 * fill one queue, neither is to come in larger bursts than its rate is: it would lose the more of them.
 */
const burstMost = millis(2);
const packetBytes = 1538;
const burstBytesMost = 16 * packetBytes;

/** A token bucket: allows bytes on the wire at a rate. */
export class Pacer {
  private tokens = burstBytesMost;
  private filledAt: Millis;
  private bytesPerMs = 0;

  constructor(now: Millis) {
    this.filledAt = now;
  }

  /** `wasHeld`: the rate is what has held the sender back. After a rest it does not start with a flood. */
  fill(now: Millis, rateBps: number, wasHeld: boolean): void {
    this.bytesPerMs = rateBps / 8000;
    const most = wasHeld ? Math.max(this.burstBytes, this.bytesPerMs * catchUp) : this.burstBytes;
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

  /** When the next burst may go. */
  get deadline(): Millis {
    return millis(this.filledAt + Math.max(0, this.burstBytes - this.tokens) / this.bytesPerMs);
  }

  private get burstBytes(): number {
    const slow = Math.min(burstBytesMost, this.bytesPerMs * burstMost);
    return Math.max(packetBytes, slow, this.bytesPerMs * burst);
  }
}
