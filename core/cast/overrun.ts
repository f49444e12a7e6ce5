/** What counts as an overrun, beside what the wire itself loses. The symbols are those of `docs/cast.md`. */

/** What is known of a stretch; the letters are those of the equations. */
export interface Stretch {
  /** `p`, 0…1: the fraction of the packets that did not arrive. */
  readonly loss: number;
  /** `l`, 0…1: the least of that in so many stretches as `RateControl.patience` says; 0: there were fewer. */
  readonly lasting: number;
  /** `N`: how many packets that is a fraction of. */
  readonly packets: number;
  /** `v`, bits a second: what really went out. */
  readonly sentBps: number;
  /** Bits a second: how fast it came to the middle receiver since the stretch before; infinite if unknown. */
  readonly arrivedBps: number;
  /** `T`, milliseconds: how long the stretch took. */
  readonly elapsedMs: number;
  /** Milliseconds of sending that `N` packets took. */
  readonly heardMs: number;
  /** `q`, milliseconds: how long packets have queued, beyond the shortest way of late; 0 if unknown. */
  readonly queueMs: number;
  /** `u`, 0…1: the fraction of the time in which the rate was what held the sender back. */
  readonly busyRatio: number;
}

/** `ε`, a fraction: loss beyond the wire's own that is always tolerated. */
const excessLimit = 0.005;
/** `β`, a fraction of the wire's own loss: a high loss varies more than independent losses would. */
const excessPerBase = 0.25;
/** `z`, standard deviations that are put down to chance: one stretch in 700 exceeds three. */
const sigmas = 3;
/** `σ_min`, a fraction: the loss whose scatter is allowed for where the wire seems to lose nothing. */
const leastSpread = 0.005;
/** `σ_search`, a fraction: the same in the search, whose samples are small and whose overruns are large. */
const searchSpread = 0.02;
/** `N_burst`, packets: a few losses of a whole batch, of 44 to 64 packets, are less. */
const burstPackets = 500;
/** `N_near`, packets: more than three bursts of 46. So much is enough where another overrun was near. */
const nearPackets = 140;
/** `p_burst`, a fraction: among very many packets, more than so much is no burst. */
const burstLoss = 0.1;
/** `k_search`, stretches that an overrun has to last in the search: what more of them would cost is lost. */
const searchPatience = 2;
/** `k_least`, `k_first`, `k_most`, the same once the rate is found: bursts of a wire, which end sooner, make it patient. */
const leastPatience = 3;
const firstPatience = 4;
const mostPatience = 7;
/** `γ`, a factor: how much of the way to a lower loss the wire's own goes in a stretch. */
const baseGain = 1 / 8;

/** How far a fraction `p` of so many packets may be off by chance. */
export const scatterOf = (p: number, packets: number): number =>
  sigmas * Math.sqrt((p * (1 - p)) / Math.max(1, packets));

/** Whether the rate is looked for, and whether the effect of a step down has yet to be seen. */
export interface Course {
  readonly isSearching: boolean;
  readonly isTrying: boolean;
}

export class Overruns {
  /** `b`, a fraction: the loss that the wire causes at any rate. */
  private base_ = 0;
  /** `k`: what lasted for fewer stretches was a burst so far. */
  private stretches = firstPatience;
  private wasSuspect = false;

  /** `b`. */
  get base(): number {
    return this.base_;
  }

  /** So much is the wire's own. */
  bear(loss: number): void {
    this.base_ = loss;
  }

  /** A stretch without an overrun: where less was lost, less is the wire's own. */
  ease(loss: number): void {
    if (loss < this.base_) this.base_ += (loss - this.base_) * baseGain;
  }

  /** Stretches that loss has to last for. */
  patience({ isSearching, isTrying }: Course): number {
    if (isSearching) return searchPatience;
    return isTrying ? leastPatience : this.stretches;
  }

  /** A burst that has passed by itself makes it more patient. */
  noteSuspicion(isSuspect: boolean, { isSearching, isTrying }: Course): void {
    if (this.wasSuspect && !isSuspect && !isTrying && !isSearching)
      this.stretches = Math.min(mostPatience, this.stretches + 1);
    this.wasSuspect = isSuspect;
  }

  /** An overrun has ended with the step down. */
  notePassed(): void {
    this.stretches = Math.max(leastPatience, this.stretches - 1);
  }

  /** `p_tol`: the most loss among so many packets that is no overrun. */
  tolerated(packets: number, isSearching: boolean): number {
    const { base } = this;
    const spread = Math.max(isSearching ? searchSpread : leastSpread, base);
    return base * (1 + excessPerBase) + excessLimit + scatterOf(spread, packets);
  }
}

/** Whether so much was lost of a stretch that nothing is waited for: the steps of the search lose more than bursts do. */
export const isMuch = ({ loss, packets }: Stretch, isSearching: boolean): boolean =>
  loss > burstLoss && (isSearching || isNoBurst(loss, packets, false));

/** Whether more packets were lost than a burst takes. `isNear`: another overrun was near this rate. */
export const isNoBurst = (loss: number, packets: number, isNear: boolean): boolean =>
  loss * packets > (isNear ? nearPackets : burstPackets);
