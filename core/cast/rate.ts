/**
 * How fast a sender sends. It looks at the loss over a stretch of packets that were all sent at one
 * rate. Loss beyond what the wire itself loses means that something is overrun: the rate goes down to
 * what was delivered. Whether that was right shows in the next stretch: if the loss has stayed, it is
 * the wire's own, the rate goes up again and such loss is tolerated. Otherwise the rate holds for a
 * while, then feels its way up in steps that double.
 */
import { type Millis, millis } from "../units/units.ts";

export interface RateOptions {
  /** Speed of the sending interface in bits a second, or null. */
  readonly linkBps: number | null;
  /** An operator's cap in bits a second, or null. */
  readonly limitBps: number | null;
}

export interface Stretch {
  /** Fraction of the packets that did not arrive, 0…1. */
  readonly loss: number;
  /** What really went out meanwhile, bits a second. */
  readonly sentBps: number;
  /** The rate was what held the sender back. */
  readonly isBusy: boolean;
}

/** Any Ethernet since 1995 takes it; a link of 10 Gbit/s is seven doublings away. */
const startBps = 100e6;
/** Ten packets of 1538 bytes each second, for each of eight PCs' worth of patience. */
const floorBps = 1e6;
/** Twice what one core sends with offloads. */
const ceilingBps = 40e9;
/** Loss beyond the wire's own that means overrun: three standard deviations of 1 % loss in 300 packets. */
const excessLimit = 0.02;
/** A higher loss of the wire's own scatters more. */
const excessPerBase = 0.25;
/** Left free below what was delivered, for the queue on the way to empty. */
const margin = 0.97;
/** Without an overrun for so long, the rate feels its way up again. */
const holdFor = millis(500);
const firstStep = 0.01;
/** What is too much shows only after the queue on the way is full: by then a step has been taken thrice. */
const lastStep = 0.08;
/** Back to where the rate once was good. */
const returnStep = 0.25;
/** Loss that has stayed at this fraction although the rate fell is not caused by it. */
const sameLoss = 0.7;
/** So much loss is believed to be the wire's own only after as many steps down. */
const heavyLoss = 0.2;
const heavySteps = 3;
/** Tolerated loss is put to the test so often, by going a little slower. */
const retestEvery = millis(3000);
const retestFactor = 0.85;

interface Trial {
  readonly rateBps: number;
  readonly loss: number;
  readonly steps: number;
}

export class RateControl {
  rateBps: number;
  /** Loss that the wire causes whatever the rate. */
  private base = 0;
  private readonly ceiling: number;
  private isSearching = true;
  private trial: Trial | null = null;
  private goodBps = Number.POSITIVE_INFINITY;
  private step = firstStep;
  private holdUntil: Millis;
  private retestAt: Millis;

  constructor({ linkBps, limitBps }: RateOptions, now: Millis) {
    this.ceiling = Math.max(floorBps, Math.min(linkBps ?? ceilingBps, limitBps ?? ceilingBps));
    this.rateBps = Math.min(startBps, this.ceiling);
    this.holdUntil = now;
    this.retestAt = now;
  }

  /** The room is another one: its rate is looked for anew; from what it got lately it is felt for. */
  search(heardBps: number | null): void {
    if (heardBps !== null) this.rateBps = Math.max(floorBps, Math.min(this.rateBps, heardBps));
    this.isSearching = heardBps === null;
    this.step = firstStep;
    this.trial = null;
    this.base = 0;
    this.goodBps = Number.POSITIVE_INFINITY;
  }

  /** Judges a stretch. True when the rate has changed: the next stretch begins now. */
  judge({ loss, sentBps, isBusy }: Stretch, now: Millis): boolean {
    const before = this.rateBps;
    // Sent in bursts, with rests that the rate is not the cause of, it was the rate that was too high.
    const reached = isBusy ? Math.min(before, sentBps) : before;
    const isOverrun = loss > this.base + excessLimit + this.base * excessPerBase;
    if (this.trial !== null) this.endTrial(this.trial, loss, isOverrun, reached, now);
    else if (isOverrun) this.slowDown(loss, reached, 1, null);
    else this.goOn(loss, isBusy, now);
    return this.rateBps !== before;
  }

  private endTrial(
    trial: Trial,
    loss: number,
    isOverrun: boolean,
    reachedBps: number,
    now: Millis,
  ): void {
    this.trial = null;
    const isSame = loss > trial.loss * sameLoss && loss < trial.loss / sameLoss;
    if (isSame && (trial.loss < heavyLoss || trial.steps >= heavySteps)) {
      this.base = Math.min(loss, trial.loss);
      this.rateBps = trial.rateBps;
      this.retestAt = millis(now + retestEvery);
      return;
    }
    if (isOverrun) return this.slowDown(loss, reachedBps, trial.steps + 1, isSame ? trial : null);
    this.base = Math.min(this.base, loss);
    this.goodBps = this.rateBps;
    this.holdUntil = millis(now + holdFor);
  }

  private slowDown(loss: number, reachedBps: number, steps: number, first: Trial | null): void {
    this.trial = { rateBps: first?.rateBps ?? this.rateBps, loss: first?.loss ?? loss, steps };
    this.isSearching = false;
    this.step = firstStep;
    this.rateBps = Math.max(floorBps, reachedBps * (1 - loss) * margin);
  }

  private goOn(loss: number, isBusy: boolean, now: Millis): void {
    if (loss < this.base) this.base += (loss - this.base) / 8;
    if (!isBusy) return;
    if (this.base > excessLimit / 2 && now >= this.retestAt) {
      this.retestAt = millis(now + retestEvery);
      this.trial = { rateBps: this.rateBps, loss: Math.max(loss, this.base), steps: 1 };
      this.rateBps = Math.max(floorBps, this.rateBps * retestFactor);
      return;
    }
    if (now < this.holdUntil) return;
    if (this.isSearching) this.rateBps *= 2;
    else if (this.rateBps < this.goodBps * 0.9) this.rateBps *= 1 + returnStep;
    else {
      this.rateBps *= 1 + this.step;
      this.step = Math.min(lastStep, this.step * 2);
    }
    this.rateBps = Math.min(this.ceiling, this.rateBps);
  }
}
