/**
 * How fast a sender sends. The control looks at stretches: runs of packets that were all sent at one rate.
 * It compares their loss with what the wire itself loses, and looks at how long they have queued on the
 * way. Too much loss, or a queue that grows, means that something is overrun, and the rate goes down to
 * what was delivered. The next stretch shows whether that was right. If the loss has stayed, it is the
 * wire's own: the rate goes back up, and such loss is tolerated. If it has gone, the rate holds for a
 * while and then climbs again.
 *
 * It gives way by a fraction of the rate, and its gain grows only with the square root of the rate
 * (binomial congestion control; Bansal and Balakrishnan, INFOCOM 2001). So several casts, and TCP, come
 * to fair shares of one link.
 *
 * `docs/cast.md`, "The control law", has the equations. The symbol in front of each constant is the one
 * that they use.
 */
import { type Millis, millis } from "../units/units.ts";

export interface RateOptions {
  /** Speed of the sending interface in bits a second, or null. */
  readonly linkBps: number | null;
  /** An operator's cap in bits a second, or null. */
  readonly limitBps: number | null;
}

/** What is known of a stretch; the letters are those of the equations. */
export interface Stretch {
  /** `p`, 0…1: the fraction of the packets that did not arrive. */
  readonly loss: number;
  /** `N`: how many packets that is a fraction of. */
  readonly packets: number;
  /** `v`, bits a second: what really went out. */
  readonly sentBps: number;
  /** `T`, milliseconds: how long the stretch took. */
  readonly elapsedMs: number;
  /** `q`, milliseconds: how long packets have queued, beyond the shortest way of late; 0 if unknown. */
  readonly queueMs: number;
  /** `u`, 0…1: the fraction of the time in which the rate was what held the sender back. */
  readonly busyRatio: number;
}

// Where the rate may be.

/** `r_start`, bits a second: the slowest Ethernet; 10 Gbit/s is ten doublings away. */
const startBps = 10e6;
/** `r_known`, bits a second: a known interface starts at its speed, but not above what most rooms take. */
const knownStartMostBps = 250e6;
/** `r_min`, bits a second: 80 full packets a second, enough for the loss to be seen within two seconds. */
const floorBps = 1e6;
/** `r_max`, bits a second: twice what one core sends with segmentation offload. */
const ceilingBps = 40e9;
/** `k_link`, a factor: slightly over its speed, the interface is never idle; its socket holds the excess. */
const overLink = 1.05;

// What counts as an overrun.

/** `ε`, a fraction: loss beyond the wire's own that is always tolerated. */
const excessLimit = 0.005;
/** `β`, a fraction of the wire's own loss: a high loss varies more than independent losses would. */
const excessPerBase = 0.25;
/** `z`, standard deviations that are put down to chance: one stretch in 700 exceeds three. */
const sigmas = 3;
/** `σ_min`, a fraction: the loss whose scatter is allowed for where the wire seems to lose nothing. */
const leastSpread = 0.005;
/** `u_slow`, a fraction of the time: above it, what was sent is what the rate allowed. */
const busyToSlow = 0.5;
/** `u_raise`, a fraction of the time: below it, a higher rate would gain nothing. */
const busyToRaise = 0.2;

// How far the rate goes down.

/** `m`, a factor: the rest of what was delivered lets the queue on the way empty, and others come in. */
const margin = 0.95;
/**
 * `δ_first`, a factor: the first step down goes no lower. Of two casts, the slower loses the more of a
 * full queue, and would end with nothing.
 */
const firstStepDown = 0.8;
/** `q_long`, milliseconds: twice the wait that a busy host adds. A longer and new queue is our doing. */
const queueLimit = millis(40);
/** `q_some`, milliseconds: with such a queue, and growth of half of it, the rate is not raised. */
const queueBegins = millis(15);
/** `r_queue`, bits a second: no switch holds 40 ms of more; then it is the hosts that are late. */
const queuesBelowBps = 400e6;
/** `m_drain`, a factor: at this fraction of the rate a long queue empties. */
const drainMargin = 0.9;
/** `T_drain`, milliseconds between two such steps: if the queue is another's, giving way does not help. */
const drainEvery = millis(2000);

// Whose loss it was.

/** `κ`, a factor: loss of which this much has stayed although the rate fell is not caused by the rate. */
const sameLoss = 0.7;
/** `n_same`, steps down before such loss is the wire's own: the overrun of another passes sooner. */
const sameSteps = 2;
/** `p_heavy`, a fraction: more loss than this takes `n_heavy` steps, because it is more often our doing. */
const heavyLoss = 0.2;
/** `n_heavy`, steps down. */
const heavySteps = 3;
/** `n_last`, steps down after which loss that varies is the wire's own, if enough of it is left. */
const lastSteps = 4;
/** `ρ`, a factor: so much of it is enough. */
const remainingLoss = 0.4;
/** `b_test`, a fraction: a tolerated loss above it is tested again and again. */
const toleratedLoss = 0.01;
/** `T_test`, milliseconds between two such tests. */
const retestEvery = millis(3000);
/** `δ_test`, a factor: a test goes this much slower, and costs 15 % of one stretch in three seconds. */
const retestFactor = 0.85;
/** `γ`, a factor: how much of the way to a lower loss the wire's own goes in a stretch. */
const baseGain = 1 / 8;

// How the rate goes up.

/**
 * `s_1…s_4`, factors: the search for the link's rate multiplies by the first until it meets an overrun,
 * then by the next. After the last, the rate climbs.
 */
const searchSteps = [2, 1.5, 1.25, 1.25];
/** `p_search`, a fraction: an overrun that loses more ends the search; less may be another's doing. */
const searchLoss = 0.15;
/** `T_hold`, milliseconds: so long after an overrun the rate stays as it is. */
const holdFor = millis(500);
/** `λ_good`, a factor: below this fraction of the rate that was last found right, the rate returns to it. */
const returnBelow = 0.9;
/** `λ`, a fraction of the rate: the step of that return, each stretch. */
const returnStep = 0.25;
/**
 * `c_1`, a fraction of the rate in a second, at 1 Gbit/s: slow enough for an overrun to show in time.
 * At other rates it is divided by the square root of the rate, so that the slower of two casts gains more.
 */
const climbAtGigabit = 0.05;
/** `c_max`, a fraction of the rate in a second: below 28 Mbit/s the root would ask for more. */
const climbMost = 0.3;
/** `f_max`, a factor: the climb doubles with each second without an overrun, up to this. */
const fasterMost = 5;
/** `c_step`, a fraction of the rate in a stretch: what is too much shows only in the next stretch. */
const climbOfStretch = 0.15;

/** A pending trial: steps down whose effect has yet to be seen. */
interface Trial {
  /** `r_0`, bits a second: the rate before the first step. */
  readonly rateBps: number;
  /** `p_0`, a fraction: the loss at that rate. */
  readonly loss: number;
  /** `b_0`, a fraction: the part of that loss which was the wire's own already. */
  readonly borne: number;
  /** `n`: how many steps down there were. */
  readonly steps: number;
}

export class RateControl {
  /** `r`, bits a second. */
  rateBps: number;
  /** Overruns that the search has met; beyond its last step the rate is found. */
  private searchStep = 0;
  /** `b`, a fraction: the loss that the wire causes at any rate. */
  private base = 0;
  /** `R`, bits a second. */
  private readonly ceiling: number;
  private trial: Trial | null = null;
  /** `g`, bits a second: the rate that was last found right. */
  private goodBps = Number.POSITIVE_INFINITY;
  /** Of the stretch before, in milliseconds. */
  private queueBeforeMs = 0;
  private drainAt: Millis;
  private holdUntil: Millis;
  private retestAt: Millis;

  constructor({ linkBps, limitBps }: RateOptions, now: Millis) {
    const interfaceBps = linkBps === null ? ceilingBps : linkBps * overLink;
    this.ceiling = Math.max(floorBps, Math.min(interfaceBps, limitBps ?? ceilingBps));
    const known = Math.min(knownStartMostBps, linkBps ?? 0);
    this.rateBps = Math.min(Math.max(startBps, known), this.ceiling);
    this.holdUntil = now;
    this.retestAt = now;
    this.drainAt = now;
  }

  /** The link's rate is not found yet: the rate goes up in large steps. */
  get isSearching(): boolean {
    return this.searchStep < searchSteps.length;
  }

  /**
   * The main lane has new members, and their rate has to be found. `heardRatio`, 0…1, is the fraction of
   * the rate that reaches them: the rate goes up from there until an overrun. Null begins the search anew.
   */
  search(heardRatio: number | null): void {
    if (heardRatio !== null) this.rateBps = Math.max(floorBps, this.rateBps * heardRatio);
    this.searchStep = heardRatio === null ? 0 : searchSteps.length;
    this.trial = null;
    this.base = 0;
    this.goodBps = Number.POSITIVE_INFINITY;
  }

  /** Judges a stretch. Answers whether the rate has changed. */
  judge(stretch: Stretch, now: Millis): boolean {
    const { loss, sentBps } = stretch;
    const isBusy = stretch.busyRatio > busyToSlow;
    const queueMs = this.rateBps < queuesBelowBps ? stretch.queueMs : 0;
    const before = this.rateBps;
    // A sender that rests for other reasons sends its bursts at the rate, and so the rate was too high.
    const reached = isBusy ? Math.min(before, sentBps) : before;
    const isOverrun = loss > this.tolerated(stretch.packets);
    const growth = queueMs - this.queueBeforeMs;
    this.queueBeforeMs = queueMs;
    // There is no lower rate: what is lost at this one would be lost at any.
    if (isOverrun && before <= floorBps) this.bear(loss);
    else if (this.trial !== null) this.endTrial(this.trial, stretch, isOverrun, reached, now);
    else if (isOverrun) this.slowDown(loss, reached, null);
    else if (isBusy && queueMs > queueLimit && growth >= 0) this.drain(growth, stretch, now);
    else if (queueMs < queueBegins || growth < queueBegins / 2) this.goOn(stretch, now);
    return this.rateBps !== before;
  }

  /** The loss is the wire's own. */
  private bear(loss: number): void {
    this.trial = null;
    this.base = loss;
  }

  /** `p_tol`: the most loss among so many packets that is no overrun. */
  private tolerated(packets: number): number {
    const { base } = this;
    const spread = Math.max(leastSpread, base);
    return (
      base * (1 + excessPerBase) +
      excessLimit +
      sigmas * Math.sqrt((spread * (1 - spread)) / Math.max(1, packets))
    );
  }

  /** The stretch after a step down shows whether the rate caused the loss. */
  private endTrial(
    trial: Trial,
    { loss, packets }: Stretch,
    isOverrun: boolean,
    reachedBps: number,
    now: Millis,
  ): void {
    this.trial = null;
    const spread = sigmas * Math.sqrt((trial.loss * (1 - trial.loss)) / Math.max(1, packets));
    const excess = trial.loss - trial.borne;
    const least = trial.borne + Math.max(excess * remainingLoss, excess * sameLoss - spread);
    const isSame = loss > least && loss < trial.borne + excess / sameLoss + spread;
    const steps = trial.loss < heavyLoss ? sameSteps : heavySteps;
    const isOfWire = isSame ? trial.steps >= steps : isOverrun && trial.steps >= lastSteps;
    if (isOfWire && loss > least) {
      this.base = (loss + trial.loss) / 2;
      this.rateBps = trial.rateBps;
      this.retestAt = millis(now + retestEvery);
      return;
    }
    if (isOverrun || isSame) return this.slowDown(loss, reachedBps, trial);
    if (loss < this.base) this.base = (this.base + loss) / 2;
    this.noteLimit(trial.loss, now);
  }

  /** A step down, to what was delivered. */
  private slowDown(loss: number, reachedBps: number, trial: Trial | null): void {
    const { rateBps } = this;
    this.trial =
      trial === null
        ? { rateBps, loss, borne: this.base, steps: 1 }
        : { ...trial, steps: trial.steps + 1 };
    // The wire loses its own part at any rate: that part is no reason to go slower.
    const passed = Math.min(1, (1 - loss) / (1 - this.base));
    const delivered = reachedBps * passed * margin;
    const isFirst = trial === null && !this.isSearching;
    const least = Math.max(floorBps, isFirst ? rateBps * firstStepDown : 0);
    this.rateBps = Math.max(least, delivered);
  }

  /**
   * A step down that lets a long queue empty. While the queue grows, what was sent in a stretch takes
   * longer to arrive than it took to send, by that growth.
   */
  private drain(growthMs: number, { sentBps, elapsedMs }: Stretch, now: Millis): void {
    if (now < this.drainAt) return;
    this.drainAt = millis(now + drainEvery);
    const delivered = this.isSearching ? sentBps * (elapsedMs / (elapsedMs + growthMs)) : sentBps;
    this.rateBps = Math.max(floorBps, Math.min(this.rateBps, delivered) * drainMargin);
    this.noteLimit(0, now);
  }

  /** The rate to which it fell, because of such a loss, has turned out right. */
  private noteLimit(loss: number, now: Millis): void {
    this.searchStep = loss > searchLoss ? searchSteps.length : this.searchStep + 1;
    this.goodBps = this.rateBps;
    this.holdUntil = millis(now + (this.isSearching ? 0 : holdFor));
  }

  /** No overrun: the rate holds, tests what it tolerates, or goes up. */
  private goOn({ loss, busyRatio, elapsedMs }: Stretch, now: Millis): void {
    if (loss < this.base) this.base += (loss - this.base) * baseGain;
    if (busyRatio < busyToRaise) return;
    if (this.base > toleratedLoss && now >= this.retestAt) {
      this.retestAt = millis(now + retestEvery);
      const tried = { rateBps: this.rateBps, loss: Math.max(loss, this.base), borne: 0 };
      this.trial = { ...tried, steps: sameSteps };
      this.rateBps = Math.max(floorBps, this.rateBps * retestFactor);
      return;
    }
    if (now < this.holdUntil) return;
    const step = searchSteps[this.searchStep];
    if (step !== undefined) this.rateBps *= step;
    else if (this.rateBps < this.goodBps * returnBelow) this.rateBps *= 1 + returnStep;
    else this.rateBps *= 1 + this.climb(elapsedMs, now);
    this.rateBps = Math.min(this.ceiling, this.rateBps);
  }

  /** `c`: by which fraction of itself the rate grows in this stretch. */
  private climb(elapsedMs: number, now: Millis): number {
    const seconds = (now - this.holdUntil) / 1000;
    const faster = Math.min(fasterMost, 2 ** Math.floor(seconds));
    const perSecond = Math.min(climbMost, climbAtGigabit * Math.sqrt(1e9 / this.rateBps)) * faster;
    return Math.min(climbOfStretch, (perSecond * elapsedMs) / 1000);
  }
}
