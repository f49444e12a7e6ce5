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
import { type Course, isMuch, isNoBurst, Overruns, type Stretch } from "./overrun.ts";
import { outcomeOf, sameSteps, type Trial } from "./trial.ts";

export interface RateOptions {
  /** Speed of the sending interface in bits a second, or null. */
  readonly linkBps: number | null;
  /** An operator's cap in bits a second, or null. */
  readonly limitBps: number | null;
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

// When a sender is busy.

/** `u_slow`, a fraction of the time: above it, what was sent is what the rate allowed. */
const busyToSlow = 0.5;
/** `u_raise`, a fraction of the time: below it, a higher rate would gain nothing. */
const busyToRaise = 0.2;
/** `φ_raise`, a fraction of the rate: where less was sent, it is the interface that takes no more. */
const sentToRaise = 0.25;

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
const drainEvery = millis(1500);

// How what is tolerated is tested.

/** `b_test`, a fraction: a tolerated loss above it is tested again and again. */
const toleratedLoss = 0.01;
/** `T_test`, milliseconds between two such tests. */
const retestEvery = millis(3000);
/** `δ_test`, a factor: a test goes this much slower, and costs 15 % of one stretch in three seconds. */
const retestFactor = 0.85;

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
/** `φ_least`, a fraction: at 250 Mbit/s into 100, or after a step up, no less came through, unless the sender rested meanwhile. */
const leastKept = 0.4;
/** `n_late`: as often as such a queue was gone at once, which no queue is, hosts were late. The search then goes by loss alone. */
const lateMost = 2;
/** `p_search`, a fraction: such an overrun is no burst, and ends the search; less may be another's doing. */
const searchLoss = 0.1;
/** `T_hold`, milliseconds: so long after an overrun the rate stays as it is. */
const holdFor = millis(500);
/** `λ_good`, a factor: below this fraction of the rate that was last found right, the rate returns to it. */
const returnBelow = 0.95;
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

/** A queue that the rate has just fallen for. */
interface Lag {
  readonly queueMs: number;
  /** Bits a second: at which it grew. */
  readonly triedBps: number;
}

/** The search for the link's rate: the place of its next step, and whether the last one has been made just now. */
interface Search {
  readonly step: number;
  readonly isUp: boolean;
  /** Overruns near the rate that was found right before them. */
  readonly nearCount: number;
  /** `x`, bits a second: the rate that was last too high; infinite: none was. */
  readonly triedBps: number;
}

/** The search has begun. */
const anew = { step: longestStep, nearCount: 0, triedBps: Number.POSITIVE_INFINITY } as const;

export class RateControl {
  /** `r`, bits a second. */
  rateBps: number;
  /** Null: the rate is found. */
  private searching: Search | null = { ...anew, isUp: true };
  /** Null: the rate has not just fallen for a queue. */
  private lag: Lag | null = null;
  /** How often such a queue was gone at once. */
  private lateCount = 0;
  private readonly overruns = new Overruns();
  /** `R`, bits a second. */
  private readonly ceiling: number;
  private trial: Trial | null = null;
  /** `g`, bits a second: the rate that was last found right. */
  private goodBps = Number.POSITIVE_INFINITY;
  /** Of the stretch before, in milliseconds, and bits a second. */
  private queueBeforeMs = 0;
  private arrivedBeforeBps = 0;
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
    return this.overruns.patience(this.course);
  }

  private get course(): Course {
    return { isSearching: this.isSearching, isTrying: this.trial !== null };
  }

  /**
   * The main lane has new members, and their rate has to be found. `heardRatio`, 0…1, is the fraction of
   * the rate that reaches them: the rate goes up from there until an overrun. Null begins the search anew.
   */
  search(heardRatio: number | null): void {
    if (heardRatio !== null) this.rateBps = Math.max(floorBps, this.rateBps * heardRatio);
    this.searching = heardRatio === null ? { ...anew, isUp: false } : null;
    this.bear(0);
    this.lag = null;
    this.lateCount = 0;
    this.goodBps = Number.POSITIVE_INFINITY;
  }

  /** Judges a stretch. Answers whether the rate has changed. */
  judge(stretch: Stretch, now: Millis): boolean {
    const { lasting, sentBps } = stretch;
    const isBusy = stretch.busyRatio > busyToSlow;
    const growth = stretch.queueMs - this.queueBeforeMs;
    this.queueBeforeMs = stretch.queueMs;
    // `a`: of a host that was late, one of two stretches shows too little.
    const arrivedBps = Math.max(this.arrivedBeforeBps, stretch.arrivedBps);
    this.arrivedBeforeBps = stretch.arrivedBps;
    if (this.lag !== null) this.weighLag(this.lag, stretch.queueMs, now);
    const queueMs = this.rateBps < queuesBelowBps ? stretch.queueMs : 0;
    const before = this.rateBps;
    // A sender that rests for other reasons sends its bursts at the rate, and so the rate was too high.
    const offered = isBusy ? Math.min(before, sentBps) : before;
    // What the link carried of that, where a queue shows that it was not all of it.
    const came = Math.min(offered, Math.max(arrivedBps, leastKept * offered));
    const reached = this.isSearching && growth > leastLag ? came : offered;
    const tolerated = this.overruns.tolerated(stretch.packets, this.isSearching);
    const isSuspect = stretch.loss > tolerated;
    const isHeavy = isMuch(stretch, this.isSearching);
    const isOverrun = isSuspect && (isHeavy || lasting > tolerated);
    const lost = isHeavy ? stretch.loss : lasting;
    this.overruns.noteSuspicion(isSuspect, this.course);
    // There is no lower rate: what is lost at this one would be lost at any.
    if (isOverrun && before <= floorBps) this.bear(lost);
    else if (this.trial !== null)
      this.endTrial(this.trial, { ...stretch, isSuspect, reached }, now);
    else if (isOverrun) this.slowDown({ ...stretch, loss: lost }, reached, null);
    else if (isBusy && this.lags(growth, stretch)) this.fallBack(reached, stretch.queueMs);
    else if (this.searching?.isUp === false && queueMs > queueLimit && growth < 0) return false;
    else if (isBusy && queueMs > queueLimit && growth >= 0) this.drain(came, stretch.queueMs, now);
    else if (!isSuspect && (queueMs < queueBegins || growth < queueBegins / 2))
      this.goOn(stretch, now);
    return this.rateBps !== before;
  }

  /** The loss is the wire's own. */
  private bear(loss: number): void {
    this.trial = null;
    this.overruns.bear(loss);
  }

  /** The stretches after a step down show whether the rate caused the loss. */
  private endTrial(
    trial: Trial,
    stretch: Stretch & { readonly isSuspect: boolean; readonly reached: number },
    now: Millis,
  ): void {
    const { packets, isSuspect, reached } = stretch;
    const { overruns } = this;
    const isWaiting = isSuspect && !isMuch(stretch, this.isSearching);
    // What is lost in the first of them may be a burst.
    if (isWaiting && trial.stretches + 1 < this.patience) {
      this.trial = { ...trial, stretches: trial.stretches + 1 };
      return;
    }
    const loss = isWaiting ? stretch.lasting : stretch.loss;
    const isOverrun = loss > overruns.tolerated(packets, this.isSearching);
    this.trial = null;
    const outcome = outcomeOf(trial, loss, { packets, isOverrun });
    if (outcome === "of-wire") {
      overruns.bear((loss + trial.loss) / 2);
      this.rateBps = trial.rateBps;
      this.retestAt = millis(now + retestEvery);
      return;
    }
    if (outcome === "stayed") return this.slowDown({ ...stretch, loss }, reached, trial);
    if (loss < overruns.base) overruns.bear((overruns.base + loss) / 2);
    overruns.notePassed();
    this.noteLimit(trial.rateBps, trial.isSure, now);
  }

  /** A step down, to what was delivered. */
  private slowDown(stretch: Stretch, reachedBps: number, trial: Trial | null): void {
    const { rateBps } = this;
    const { base } = this.overruns;
    const { loss } = stretch;
    const isSure = loss > searchLoss && isNoBurst(loss, stretch.packets, this.isNear(rateBps));
    this.trial =
      trial === null
        ? { rateBps, loss, borne: base, steps: 1, stretches: 0, isSure }
        : { ...trial, steps: trial.steps + 1, stretches: 0 };
    // The wire loses its own part at any rate: that part is no reason to go slower.
    const passed = Math.min(1, (1 - loss) / (1 - base));
    const delivered = reachedBps * passed * margin;
    const isFirst = trial === null && !this.isSearching;
    const least = Math.max(floorBps, isFirst ? rateBps * firstStepDown : 0);
    this.rateBps = Math.max(least, delivered);
  }

  /** A step down that lets a long queue empty. While it is there, what comes is what the link carries. */
  private drain(cameBps: number, queueMs: number, now: Millis): void {
    if (now < this.drainAt) return;
    this.drainAt = millis(now + drainEvery);
    const tried = this.rateBps;
    this.rateBps = Math.max(floorBps, cameBps * drainMargin);
    this.noteLimit(tried, false, now);
    if (this.isSearching) return;
    this.goodBps = cameBps;
    this.holdUntil = millis(now + queueMs / (1 - drainMargin));
  }

  /** In the search: whether the queue on the way grows so fast that the rate is beyond the link's. */
  private lags(growthMs: number, { heardMs }: Stretch): boolean {
    if (this.searching?.isUp !== true || this.lateCount >= lateMost) return false;
    return growthMs > Math.max(leastLag, heardMs * lagLimit);
  }

  /** Back to what came through, before anything is lost. It may have been a host that was late: the next stretch shows that. */
  private fallBack(cameBps: number, queueMs: number): void {
    const triedBps = this.rateBps;
    this.lag = { queueMs, triedBps };
    this.rateBps = Math.max(floorBps, cameBps * margin);
    const nearCount = this.searching?.nearCount ?? 0;
    this.searching = { step: 0, isUp: false, nearCount, triedBps };
  }

  /** A queue empties slowly; what is gone at once was a host that was late. */
  private weighLag({ queueMs, triedBps }: Lag, nowMs: number, now: Millis): void {
    this.lag = null;
    if (nowMs < queueMs / 2) this.lateCount++;
    else this.noteLimit(triedBps, false, now);
  }

  /** The rate to which it fell, from one that was too high, has turned out right. */
  private noteLimit(triedBps: number, isSure: boolean, now: Millis): void {
    if (this.searching !== null) {
      const nearCount = this.isNear(triedBps) ? this.searching.nearCount + 1 : 0;
      const isFound = isSure || nearCount === nearOverruns;
      this.searching = isFound ? null : { step: 0, isUp: false, nearCount, triedBps };
    }
    this.goodBps = this.rateBps;
    this.holdUntil = millis(now + (this.isSearching ? 0 : holdFor));
  }

  /** No overrun: the rate holds, tests what it tolerates, or goes up. */
  private goOn({ loss, busyRatio, sentBps, elapsedMs }: Stretch, now: Millis): void {
    const { overruns } = this;
    overruns.ease(loss);
    if (busyRatio < busyToRaise || sentBps < this.rateBps * sentToRaise) return;
    if (overruns.base > toleratedLoss && now >= this.retestAt) {
      this.retestAt = millis(now + retestEvery);
      const tried = { rateBps: this.rateBps, loss: Math.max(loss, overruns.base), borne: 0 };
      this.trial = { ...tried, steps: sameSteps, stretches: 0, isSure: false };
      this.rateBps = Math.max(floorBps, this.rateBps * retestFactor);
      return;
    }
    if (now < this.holdUntil) return;
    if (this.rateBps >= this.ceiling) this.noteCeiling();
    else if (this.searching !== null) this.stepUp(this.searching);
    else if (this.rateBps < this.goodBps * returnBelow)
      this.rateBps = Math.min(this.goodBps, this.rateBps * (1 + returnStep));
    else this.rateBps *= 1 + this.climb(elapsedMs, now);
    this.rateBps = Math.min(this.ceiling, this.rateBps);
  }

  /** The highest rate there may be has gone well for a stretch: nothing is left to look for. */
  private noteCeiling(): void {
    this.searching = null;
    this.goodBps = this.rateBps;
  }

  /** Whether it is near the rate that was last found right. */
  private isNear(bps: number): boolean {
    return this.goodBps < Number.POSITIVE_INFINITY && bps < this.goodBps * foundWithin;
  }

  /** Below a rate that was too high, it goes at most half of the way there: what was lost may have been a burst. */
  private stepUp({ step, nearCount, triedBps }: Search): void {
    const { rateBps } = this;
    const raised = rateBps * (searchSteps[step] as number);
    const halfway = Math.max((rateBps + triedBps) / 2, rateBps * searchSteps[0]);
    this.rateBps = rateBps < triedBps ? Math.min(raised, halfway) : raised;
    this.searching = { step: Math.min(longestStep, step + 1), isUp: true, nearCount, triedBps };
  }

  /** `c`: by which fraction of itself the rate grows in this stretch. */
  private climb(elapsedMs: number, now: Millis): number {
    const seconds = (now - this.holdUntil) / 1000;
    const faster = Math.min(fasterMost, 2 ** Math.floor(seconds));
    const perSecond = Math.min(climbMost, climbAtGigabit * Math.sqrt(1e9 / this.rateBps)) * faster;
    return Math.min(climbOfStretch, (perSecond * elapsedMs) / 1000);
  }
}
