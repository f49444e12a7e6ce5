import { type Millis, millis } from "../units/units.ts";

/** Unused time is kept for this long, so that a late timer loses nothing of the link. */
const catchUp = millis(10);
/** The burst at high rates: 40 packets at 1 Gbit/s, about one call to the socket. */
const burst = millis(0.5);
/**
 * At slow rates a burst lasts longer, so that a sender wakes no more than five hundred times a second. But
 * it has at most 16 packets, a fifth of what the port of a small switch holds: of two casts that fill one
 * queue, the one with the larger bursts loses more of them.
 */
const burstMost = millis(2);
/** A full packet on the wire: MTU 1500, Ethernet header and checksum 18, preamble and gap 20. */
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

  /**
   * `wasHeld`: the rate held the sender back. If it rested for another reason, it does not start with a flood.
   * Answers for how many milliseconds the rate allowed what is not made up for: the sender came too late to send it.
   */
  fill(now: Millis, rateBps: number, wasHeld: boolean): number {
    this.bytesPerMs = rateBps / 8000;
    const most = wasHeld ? Math.max(this.burstBytes, this.bytesPerMs * catchUp) : this.burstBytes;
    const tokens = this.tokens + (now - this.filledAt) * this.bytesPerMs;
    this.tokens = Math.min(most, tokens);
    this.filledAt = now;
    return Math.max(0, tokens - most) / this.bytesPerMs;
  }

  get isOpen(): boolean {
    return this.tokens > 0;
  }

  /** The last packet may take the tokens below zero. */
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
