/**
 * How fast a sender sends: it finds what the link and the room take by itself. Loss is looked at once
 * an interval; more than a few percent means back off, little means go faster, first by half again,
 * later by small steps. Loss that stays although the rate has been halved is the wire's, and is
 * tolerated from then on.
 */
import { type Millis, millis } from "../units/units.ts";

export interface RateOptions {
  /** Speed of the link in bits a second, or null. */
  readonly linkBps: number | null;
  /** An operator's cap in bits a second, or null. */
  readonly limitBps: number | null;
}

/** 50 Mbit/s: what an emulated PC, or a Wi-Fi bridge, nearly takes; a Gbit/s is eight steps up. */
const startBps = 50e6;
const floorBps = 2e6;
const ceilingBps = 20e9;
/** Several round trips of reports. */
const interval = millis(120);
/** More than this is a sign of too much, unless it was shown to be the wire's own. */
const lossLimit = 0.03;
const backOff = 0.7;
const fastGain = 1.5;
const slowGain = 1.04;
/** Slowing down so often without effect shows that loss is the wire's own. */
const vainLimit = 2;

export class RateControl {
  /** Bits a second of UDP payload. */
  rateBps: number;
  private readonly ceiling: number;
  private isSearching = true;
  private lookAt: Millis;
  private tolerated = 0;
  private vain = 0;
  private lossBefore = 0;
  private rateBefore = 0;
  private isSettling = false;

  constructor({ linkBps, limitBps }: RateOptions, now: Millis) {
    // 4 % of an Ethernet link are headers and gaps.
    const link = linkBps === null ? ceilingBps : linkBps * 0.96;
    this.ceiling = Math.min(link, limitBps ?? ceilingBps);
    this.rateBps = Math.min(startBps, this.ceiling);
    this.lookAt = now;
  }

  /**
   * Looks at the worst loss (0…1) that receivers saw since the last look, if it is time; null: nothing
   * was received. `isBusy`: the rate was what held the sender back.
   */
  look(now: Millis, worstLoss: () => number | null, isBusy: boolean): void {
    if (now < this.lookAt) return;
    this.lookAt = millis(now + interval);
    const loss = worstLoss();
    if (loss === null) return;
    if (this.isSettling) {
      // What was lost before the last change was still being reported.
      this.isSettling = false;
      return;
    }
    if (loss > Math.max(lossLimit, this.tolerated * 1.5)) return this.slowDown(loss);
    this.vain = 0;
    if (loss < this.tolerated) this.tolerated += (loss - this.tolerated) * 0.1;
    if (isBusy && loss <= Math.max(lossLimit / 2, this.tolerated * 1.2)) this.speedUp();
  }

  private slowDown(loss: number): void {
    const wasInVain = this.vain > 0 && loss > this.lossBefore * 0.7;
    if (!wasInVain) {
      this.vain = 0;
      this.lossBefore = loss;
      this.rateBefore = this.rateBps;
    }
    this.vain++;
    if (this.vain > vainLimit && loss < 0.3) {
      this.tolerated = loss;
      this.rateBps = this.rateBefore;
      this.vain = 0;
    } else {
      this.isSearching = false;
      this.rateBps = Math.max(floorBps, this.rateBps * (loss > 0.25 ? 0.5 : backOff));
    }
    this.isSettling = true;
  }

  private speedUp(): void {
    this.rateBps = Math.min(this.ceiling, this.rateBps * (this.isSearching ? fastGain : slowGain));
  }
}

/** Allows bytes at a rate. What was not used is kept for 10 ms: a late timer loses nothing. */
export class TokenBucket {
  private tokens = 0;
  private filledAt: Millis;

  constructor(now: Millis) {
    this.filledAt = now;
  }

  fill(now: Millis, rateBps: number): void {
    const bytesPerMs = rateBps / 8000;
    this.tokens = Math.min(
      this.tokens + (now - this.filledAt) * bytesPerMs,
      bytesPerMs * 10 + 65536,
    );
    this.filledAt = now;
  }

  get isEmpty(): boolean {
    return this.tokens <= 0;
  }

  take(byteCount: number): void {
    this.tokens -= byteCount;
  }
}
