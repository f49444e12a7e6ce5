/**
 * How fast a sender sends. It looks at the loss over a stretch of packets that were all sent at one
 * rate, and at how long they have queued on the way. Loss beyond what the wire itself loses, or a queue
 * that grows, means that something is overrun: the rate goes down to what was delivered. Whether that
 * was right shows in the next stretch: if the loss has stayed, it is the wire's own, the rate goes up
 * again and such loss is tolerated. Otherwise the rate holds for a while, then feels its way up.
 *
 * What it gives way by is a fraction of the rate, what it gains only grows with the square root of it
 * (binomial congestion control; Bansal and Balakrishnan, INFOCOM 2001): so several casts, and TCP, come
 * to fair shares of one link.
 */
import { type Millis, millis } from "../units/units.ts";

export interface RateOptions {
  /** Speed of the sending interface in bits a second, or null. */
  readonly linkBps: number | null;
  /** An operator's cap in bits a second, or null. */
  readonly limitBps: number | null;
}

export interface Stretch {
  /** Fraction of the packets that did not arrive, 0…1, and of how many. */
  readonly loss: number;
  readonly packets: number;
  /** What really went out meanwhile, bits a second, and for how long. */
  readonly sentBps: number;
  readonly elapsedMs: number;
  /** How long packets have waited on the way, beyond the least of late; 0 if that is not known. */
  readonly queueMs: number;
  /** Fraction of the time in which the rate was what held the sender back. */
  readonly busyRatio: number;
}

/** Any Ethernet takes it; a link of 10 Gbit/s is ten doublings away. */
const startBps = 10e6;
/** Where the interface is known: its speed, which it holds by itself, up to what most rooms take. */
const knownStartMost = 250e6;
const floorBps = 1e6;
/** Twice what one core sends with offloads. */
const ceilingBps = 40e9;
/** The interface itself holds what is too much for it, without loss, and is never left idle. */
const overLink = 1.05;
/** Loss beyond the wire's own that means overrun: so much, and what chance may add (three standard deviations). */
const excessLimit = 0.005;
const leastSpread = 0.005;
const sigmas = 3;
/** A higher loss of the wire's own scatters more. */
const excessPerBase = 0.25;
/**
 * Not more at once on the first loss: of two casts the slower loses the more of a full queue, and would
 * end with nothing.
 */
const firstStepDown = 0.8;
/** A queue of so long that it was not there lately is ours: twice what a busy host makes of it. */
const queueLimit = millis(40);
/** At a higher rate no switch holds so much, and it is the hosts that are late: loss alone tells. */
const queuesBelowBps = 400e6;
/** With one of so long that has grown, it is waited to see whether it goes on before the rate is raised. */
const queueBegins = millis(15);
/** Left free below what was delivered, for the queue on the way to empty and for others to come in. */
const margin = 0.95;
/** A queue that has become long is left to empty at this fraction; no more often than so: it may be another's. */
const drainMargin = 0.9;
const drainEvery = millis(2000);
/** The rate is what holds the sender back; and: enough for a higher one to gain something. */
const mostly = 0.5;
const partly = 0.2;
/** Without an overrun for so long, the rate feels its way up again. */
const holdFor = millis(500);
/**
 * In a second, the rate climbs by so much of itself at 1 Gbit/s, at others by the square root of how
 * much lower they are: slow enough for what is too much to show in time, and more for the slower of two
 * casts, which so come to equal shares.
 */
const climbAtGigabit = 0.05;
const climbMost = 0.3;
/** In a stretch, by no more than this: what is too much shows only in the next. */
const climbOfStretch = 0.15;
/** All that twice as fast after each second without an overrun: the limit must have gone. */
const fasterMost = 5;
/** Less loss than this at a doubling may be another's doing: the search goes on in smaller steps, so often. */
const searchLoss = 0.15;
const searchSteps = [2, 1.5, 1.25, 1.25];
/** Back to where the rate once was good, by stretch. */
const returnStep = 0.25;
/** Loss that has stayed at this fraction although the rate fell is not caused by it. */
const sameLoss = 0.7;
/** After so many steps down it is believed to be the wire's own: another's overrun passes sooner. */
const sameSteps = 2;
const heavyLoss = 0.2;
const heavySteps = 3;
/** However it varies: what so much of is left after so many steps down is not caused by the rate. */
const lastSteps = 4;
const remainingLoss = 0.4;
/** Tolerated loss is put to the test so often, by going a little slower. */
const retestEvery = millis(3000);
const retestFactor = 0.85;
const toleratedLoss = 0.01;

/** Steps down, and the rate and the loss before the first of them. */
interface Trial {
  readonly rateBps: number;
  readonly loss: number;
  /** Of that loss, what is not in question. */
  readonly borne: number;
  readonly steps: number;
}

export class RateControl {
  rateBps: number;
  /** Overruns met while looking for the link's rate; beyond the last step it is found. */
  private searchStep = 0;
  /** Loss that the wire causes whatever the rate. */
  private base = 0;
  private readonly ceiling: number;
  private trial: Trial | null = null;
  private goodBps = Number.POSITIVE_INFINITY;
  private queueBefore = 0;
  private drainAt: Millis;
  private holdUntil: Millis;
  private retestAt: Millis;

  constructor({ linkBps, limitBps }: RateOptions, now: Millis) {
    const interfaceBps = linkBps === null ? ceilingBps : linkBps * overLink;
    this.ceiling = Math.max(floorBps, Math.min(interfaceBps, limitBps ?? ceilingBps));
    const known = Math.min(knownStartMost, linkBps ?? 0);
    this.rateBps = Math.min(Math.max(startBps, known), this.ceiling);
    this.holdUntil = now;
    this.retestAt = now;
    this.drainAt = now;
  }

  /** The rate goes up in large steps. */
  get isSearching(): boolean {
    return this.searchStep < searchSteps.length;
  }

  /**
   * The room is another one: its rate is looked for anew. Where it is known which fraction of the rate
   * comes to it, 0…1, the rate is felt for from there.
   */
  search(heardRatio: number | null): void {
    if (heardRatio !== null) this.rateBps = Math.max(floorBps, this.rateBps * heardRatio);
    this.searchStep = heardRatio === null ? 0 : searchSteps.length;
    this.trial = null;
    this.base = 0;
    this.goodBps = Number.POSITIVE_INFINITY;
  }

  /** Judges a stretch. True when the rate has changed: the next stretch begins now. */
  judge(stretch: Stretch, now: Millis): boolean {
    const { loss, sentBps } = stretch;
    const isBusy = stretch.busyRatio > mostly;
    const queueMs = this.rateBps < queuesBelowBps ? stretch.queueMs : 0;
    const before = this.rateBps;
    // Sent in bursts, with rests that the rate is not the cause of, it was the rate that was too high.
    const reached = isBusy ? Math.min(before, sentBps) : before;
    const isOverrun = loss > this.tolerated(stretch.packets);
    const growth = queueMs - this.queueBefore;
    this.queueBefore = queueMs;
    // Nothing is slower: what is lost here would be lost at any rate.
    if (isOverrun && before <= floorBps) this.bear(loss);
    else if (this.trial !== null) this.endTrial(this.trial, stretch, isOverrun, reached, now);
    else if (isOverrun) this.slowDown(loss, reached, null);
    else if (isBusy && queueMs > queueLimit && growth >= 0) this.drain(growth, stretch, now);
    else if (queueMs < queueBegins || growth < queueBegins / 2) this.goOn(stretch, now);
    return this.rateBps !== before;
  }

  private bear(loss: number): void {
    this.trial = null;
    this.base = loss;
  }

  private tolerated(packets: number): number {
    const { base } = this;
    const spread = Math.max(leastSpread, base);
    return (
      base * (1 + excessPerBase) +
      excessLimit +
      sigmas * Math.sqrt((spread * (1 - spread)) / Math.max(1, packets))
    );
  }

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
    const isWires = isSame ? trial.steps >= steps : isOverrun && trial.steps >= lastSteps;
    if (isWires && loss > least) {
      this.base = (loss + trial.loss) / 2;
      this.rateBps = trial.rateBps;
      this.retestAt = millis(now + retestEvery);
      return;
    }
    if (isOverrun || isSame) return this.slowDown(loss, reachedBps, trial);
    if (loss < this.base) this.base = (this.base + loss) / 2;
    this.noteLimit(trial.loss, now);
  }

  private slowDown(loss: number, reachedBps: number, trial: Trial | null): void {
    const { rateBps } = this;
    this.trial =
      trial === null
        ? { rateBps, loss, borne: this.base, steps: 1 }
        : { ...trial, steps: trial.steps + 1 };
    // What the wire itself loses would be lost at any rate.
    const passed = Math.min(1, (1 - loss) / (1 - this.base));
    const delivered = reachedBps * passed * margin;
    const isFirst = trial === null && !this.isSearching;
    const least = Math.max(floorBps, isFirst ? rateBps * firstStepDown : 0);
    this.rateBps = Math.max(least, delivered);
  }

  /** What was sent in the stretch takes longer to arrive, by what the queue has grown. */
  private drain(growthMs: number, { sentBps, elapsedMs }: Stretch, now: Millis): void {
    if (now < this.drainAt) return;
    this.drainAt = millis(now + drainEvery);
    const delivered = this.isSearching ? sentBps * (elapsedMs / (elapsedMs + growthMs)) : sentBps;
    this.rateBps = Math.max(floorBps, Math.min(this.rateBps, delivered) * drainMargin);
    this.noteLimit(0, now);
  }

  /** The rate to which it fell, at such a loss, has turned out right. */
  private noteLimit(loss: number, now: Millis): void {
    this.searchStep = loss > searchLoss ? searchSteps.length : this.searchStep + 1;
    this.goodBps = this.rateBps;
    this.holdUntil = millis(now + (this.isSearching ? 0 : holdFor));
  }

  private goOn({ loss, busyRatio, elapsedMs }: Stretch, now: Millis): void {
    if (loss < this.base) this.base += (loss - this.base) / 8;
    if (busyRatio < partly) return;
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
    else if (this.rateBps < this.goodBps * 0.9) this.rateBps *= 1 + returnStep;
    else this.rateBps *= 1 + this.climb(elapsedMs, now);
    this.rateBps = Math.min(this.ceiling, this.rateBps);
  }

  /** By how much the rate grows, as a fraction. */
  private climb(elapsedMs: number, now: Millis): number {
    const seconds = (now - this.holdUntil) / 1000;
    const faster = Math.min(fasterMost, 2 ** Math.floor(seconds));
    const perSecond = Math.min(climbMost, climbAtGigabit * Math.sqrt(1e9 / this.rateBps)) * faster;
    return Math.min(climbOfStretch, (perSecond * elapsedMs) / 1000);
  }
}
