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
  /** `l`, 0…1: the least of that in so many stretches as `RateControl.patience` says; 0: there were fewer. */
  readonly lasting: number;
  /** `N`: how many packets that is a fraction of. */
  readonly packets: number;
  /** `v`, bits a second: what really went out. */
  readonly sentBps: number;
  /** `T`, milliseconds: how long the stretch took. */
  readonly elapsedMs: number;
  /** Milliseconds of sending that `N` packets took. */
  readonly heardMs: number;
  /** `q`, milliseconds: how long packets have queued, beyond the shortest way of late; 0 if unknown. */
  readonly queueMs: number;
  /** `u`, 0…1: the fraction of the time in which the rate was what held the sender back. */
  readonly busyRatio: number;
}

// Where the rate may be.

/** `r_start`, bits a second: what all but the oldest Ethernet takes; 10 Gbit/s is twelve steps away. */
const startBps = 100e6;
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
/** `σ_search`, a fraction: the same in the search, whose samples are small and whose overruns are large. */
const searchSpread = 0.02;
/** `u_slow`, a fraction of the time: above it, what was sent is what the rate allowed. */
const busyToSlow = 0.5;
/** `u_raise`, a fraction of the time: below it, a higher rate would gain nothing. */
const busyToRaise = 0.2;

/** `N_burst`, packets: a few losses of a whole batch, of 44 to 64 packets, are less. */
const burstPackets = 500;
/** `p_burst`, a fraction: among very many packets, more than so much is no burst. */
const burstLoss = 0.1;
/** `k_search`, stretches that an overrun has to last in the search: what more of them would cost is lost. */
const searchPatience = 2;
/** `k_least`, `k_first`, `k_most`, the same once the rate is found: bursts of a wire, which end sooner, make it patient. */
const leastPatience = 3;
const firstPatience = 4;
const mostPatience = 7;

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
 * `s_1…s_3`, factors: the search for the link's rate multiplies by the last for each stretch without an
 * overrun. After one it begins again with the first.
 */
const searchSteps = [1.1, 1.25, 1.5] as const;
const longestStep = searchSteps.length - 1;
/** `k_found`, a factor: an overrun below so many times the rate that was last found right is near it. */
const foundWithin = 2.1;
/** `n_found`, overruns in a row that are so near: they end the search. */
const nearOverruns = 2;
/** `η`, a fraction: in the search, a queue that grows by more of the time is an overrun that nobody loses of yet. */
const lagLimit = 0.3;
/** `q_lag`, milliseconds: less of such growth may be a host that is late. */
const leastLag = millis(5);
/** `p_search`, a fraction: such an overrun is no burst, and ends the search; less may be another's doing. */
const searchLoss = 0.1;
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
const fasterMost = 16;
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
  /** Stretches since the last of them. */
  readonly stretches: number;
  /** Too much was lost for a burst. */
  readonly isSure: boolean;
}

/** The search for the link's rate: the place of its next step, and whether the last one has been made just now. */
interface Search {
  readonly step: number;
  readonly isUp: boolean;
  /** Overruns near the rate that was found right before them. */
  readonly nearCount: number;
}

export class RateControl {
  /** `r`, bits a second. */
  rateBps: number;
  /** Null: the rate is found. */
  private searching: Search | null = { step: longestStep, isUp: true, nearCount: 0 };
  /** `k`: what lasted for fewer stretches was a burst so far. */
  private stretchesOfOverrun = firstPatience;
  private wasSuspect = false;
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
    return this.searching !== null;
  }

  /** Stretches that loss has to last for. */
  get patience(): number {
    if (this.searching !== null) return searchPatience;
    return this.trial === null ? this.stretchesOfOverrun : leastPatience;
  }

  /**
   * The main lane has new members, and their rate has to be found. `heardRatio`, 0…1, is the fraction of
   * the rate that reaches them: the rate goes up from there until an overrun. Null begins the search anew.
   */
  search(heardRatio: number | null): void {
    if (heardRatio !== null) this.rateBps = Math.max(floorBps, this.rateBps * heardRatio);
    this.searching = heardRatio === null ? { step: longestStep, isUp: false, nearCount: 0 } : null;
    this.trial = null;
    this.base = 0;
    this.goodBps = Number.POSITIVE_INFINITY;
  }

  /** Judges a stretch. Answers whether the rate has changed. */
  judge(stretch: Stretch, now: Millis): boolean {
    const { lasting, sentBps } = stretch;
    const isBusy = stretch.busyRatio > busyToSlow;
    const growth = stretch.queueMs - this.queueBeforeMs;
    this.queueBeforeMs = stretch.queueMs;
    const queueMs = this.rateBps < queuesBelowBps ? stretch.queueMs : 0;
    const before = this.rateBps;
    // A sender that rests for other reasons sends its bursts at the rate, and so the rate was too high.
    const offered = isBusy ? Math.min(before, sentBps) : before;
    const reached = this.isSearching ? offered * this.kept(growth, stretch) : offered;
    const tolerated = this.tolerated(stretch.packets);
    const isSuspect = stretch.loss > tolerated;
    const isHeavy = this.isMuch(stretch);
    const isOverrun = isSuspect && (isHeavy || lasting > tolerated);
    const lost = isHeavy ? stretch.loss : lasting;
    this.noteSuspicion(isSuspect);
    // There is no lower rate: what is lost at this one would be lost at any.
    if (isOverrun && before <= floorBps) this.bear(lost);
    else if (this.trial !== null)
      this.endTrial(this.trial, { ...stretch, isSuspect, reached }, now);
    else if (isOverrun) this.slowDown({ ...stretch, loss: lost }, reached, null);
    else if (isBusy && this.lags(growth, stretch)) this.fallBack(growth, stretch);
    else if (this.searching?.isUp === false && queueMs > queueLimit) return false;
    else if (isBusy && queueMs > queueLimit && growth >= 0) this.drain(growth, stretch, now);
    else if (!isSuspect && (queueMs < queueBegins || growth < queueBegins / 2))
      this.goOn(stretch, now);
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
    const spread = Math.max(this.isSearching ? searchSpread : leastSpread, base);
    return (
      base * (1 + excessPerBase) +
      excessLimit +
      sigmas * Math.sqrt((spread * (1 - spread)) / Math.max(1, packets))
    );
  }

  /** Whether so much was lost of a stretch that nothing is waited for: the steps of the search lose more than bursts do. */
  private isMuch({ loss, packets }: Stretch): boolean {
    return loss > burstLoss && (this.isSearching || loss * packets > burstPackets);
  }

  /** A burst that has passed by itself makes it more patient. */
  private noteSuspicion(isSuspect: boolean): void {
    const isOver = this.wasSuspect && !isSuspect && this.trial === null;
    if (isOver && this.searching === null)
      this.stretchesOfOverrun = Math.min(mostPatience, this.stretchesOfOverrun + 1);
    this.wasSuspect = isSuspect;
  }

  /** The stretches after a step down show whether the rate caused the loss. */
  private endTrial(
    trial: Trial,
    stretch: Stretch & { readonly isSuspect: boolean; readonly reached: number },
    now: Millis,
  ): void {
    const { packets, isSuspect, reached } = stretch;
    // What is lost in the first of them may be a burst.
    if (isSuspect && !this.isMuch(stretch) && trial.stretches + 1 < this.patience) {
      this.trial = { ...trial, stretches: trial.stretches + 1 };
      return;
    }
    const loss = isSuspect && !this.isMuch(stretch) ? stretch.lasting : stretch.loss;
    const isOverrun = loss > this.tolerated(packets);
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
    if (isOverrun || isSame) return this.slowDown({ ...stretch, loss }, reached, trial);
    if (loss < this.base) this.base = (this.base + loss) / 2;
    this.stretchesOfOverrun = Math.max(leastPatience, this.stretchesOfOverrun - 1);
    this.noteLimit(trial.rateBps, trial.isSure, now);
  }

  /** A step down, to what was delivered. */
  private slowDown(stretch: Stretch, reachedBps: number, trial: Trial | null): void {
    const { rateBps } = this;
    const { loss } = stretch;
    const isSure = loss > searchLoss && loss * stretch.packets > burstPackets;
    this.trial =
      trial === null
        ? { rateBps, loss, borne: this.base, steps: 1, stretches: 0, isSure }
        : { ...trial, steps: trial.steps + 1, stretches: 0 };
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
    const tried = this.rateBps;
    this.rateBps = Math.max(floorBps, Math.min(tried, delivered) * drainMargin);
    this.noteLimit(tried, false, now);
  }

  /** In the search: whether the queue on the way grows so fast that the rate is beyond the link's. */
  private lags(growthMs: number, { heardMs }: Stretch): boolean {
    return this.searching?.isUp === true && growthMs > Math.max(leastLag, heardMs * lagLimit);
  }

  /** The part of what was sent that did not go into a growing queue. */
  private kept(growthMs: number, { heardMs }: Stretch): number {
    return growthMs > leastLag ? heardMs / (heardMs + growthMs) : 1;
  }

  /** Back to what came through, before anything is lost. A host that was late is taken for a queue, too: the search goes on. */
  private fallBack(growthMs: number, stretch: Stretch): void {
    const delivered = Math.min(this.rateBps, stretch.sentBps) * this.kept(growthMs, stretch);
    this.rateBps = Math.max(floorBps, delivered * margin);
    this.goodBps = this.rateBps;
    this.searching = { step: 0, isUp: false, nearCount: 0 };
  }

  /** The rate to which it fell, from one that was too high, has turned out right. */
  private noteLimit(triedBps: number, isSure: boolean, now: Millis): void {
    if (this.searching !== null) {
      const isNear =
        this.goodBps < Number.POSITIVE_INFINITY && triedBps < this.goodBps * foundWithin;
      const nearCount = isNear ? this.searching.nearCount + 1 : 0;
      const isFound = isSure || nearCount === nearOverruns;
      this.searching = isFound ? null : { step: 0, isUp: false, nearCount };
    }
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
      this.trial = { ...tried, steps: sameSteps, stretches: 0, isSure: false };
      this.rateBps = Math.max(floorBps, this.rateBps * retestFactor);
      return;
    }
    if (now < this.holdUntil) return;
    if (this.searching !== null) this.stepUp(this.searching);
    else if (this.rateBps < this.goodBps * returnBelow) this.rateBps *= 1 + returnStep;
    else this.rateBps *= 1 + this.climb(elapsedMs, now);
    this.rateBps = Math.min(this.ceiling, this.rateBps);
  }

  private stepUp({ step, nearCount }: Search): void {
    this.rateBps *= searchSteps[step] as number;
    this.searching = { step: Math.min(longestStep, step + 1), isUp: true, nearCount };
  }

  /** `c`: by which fraction of itself the rate grows in this stretch. */
  private climb(elapsedMs: number, now: Millis): number {
    const seconds = (now - this.holdUntil) / 1000;
    const faster = Math.min(fasterMost, 2 ** Math.floor(seconds));
    const perSecond = Math.min(climbMost, climbAtGigabit * Math.sqrt(1e9 / this.rateBps)) * faster;
    return Math.min(climbOfStretch, (perSecond * elapsedMs) / 1000);
  }
}
