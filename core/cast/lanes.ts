/**
 * The lanes of a cast. Receivers in the main lane are served together, at the pace of the room. A
 * straggler, which would hold up the others by a slow disk or by losing far more than they do, is moved to
 * the catch-up lane. There it takes what it can of what it hears. It is served when the main lane wants
 * nothing more, or returns before that if it has free slots again.
 */
import { type Millis, millis } from "../units/units.ts";
import { creditOf, isBehind, type Member } from "./member.ts";
import type { Judged } from "./pace.ts";
import type { Receivers } from "./receivers.ts";

/** A straggler stays in the catch-up lane at least this long, and twice as long after each further demotion. */
const leastCatchUp = millis(2000);
/** Doublings of that time: 64 s at most, so that a PC whose trouble has passed can return. */
const doublings = 5;
/** A fraction of what the room takes: one that is behind and takes less would fall behind again. */
const leastPace = 0.75;
/** How long a member may lose far more than the others: a short burst of loss demotes nobody. */
const straggleLimit = millis(300);

export interface LaneChange {
  readonly demoted: readonly Member[];
  /** The main lane wanted nothing more, and now consists of the stragglers. */
  readonly isNewRoom: boolean;
}

export class Lanes {
  private readonly receivers: Receivers;

  constructor(receivers: Receivers) {
    this.receivers = receivers;
  }

  /** Takes the member out of the main lane; it takes no part in the flights from now on. */
  demote(member: Member, now: Millis): void {
    member.isStraggler = true;
    member.lane = "catchUp";
    member.demotedAt = now;
    member.demotions++;
    member.straggledFor = 0;
    this.receivers.setServed(member, false);
  }

  /** Answers those that have lost far more than the others for too long. Who was too late to be counted in a stretch did neither. */
  noteStragglers({ stragglers, others, elapsedMs }: Judged): Member[] {
    for (const member of others) member.straggledFor = Math.max(0, member.straggledFor - elapsedMs);
    for (const member of stragglers) member.straggledFor += elapsedMs;
    return stragglers.filter((member) => member.straggledFor >= straggleLimit);
  }

  /**
   * Brings back the stragglers that have room again and can keep up; or all when the main lane wants nothing, as soon as it is
   * known what they want: to one that is behind comes yet what was sent to the others. Null: no change.
   */
  settle(now: Millis): LaneChange | null {
    const stragglers = [...this.receivers.members.values()].filter(
      ({ lane, wantCount }) => lane === "catchUp" && wantCount > 0,
    );
    if (stragglers.length === 0) return null;
    if (!this.receivers.hasDemand) {
      const known = stragglers.filter((member) => !isBehind(member, now));
      for (const member of known) member.lane = "main";
      return known.length === 0 ? null : { demoted: [], isNewRoom: true };
    }
    const recovered = stragglers.filter((member) => hasRecovered(member, now));
    if (recovered.length === 0) return null;
    const paces = [...this.receivers.members.values()].flatMap(({ isServed, measure }) =>
      isServed ? (measure.figures?.sentPerMs ?? []) : [],
    );
    const least = leastPace * Math.max(0, ...paces);
    const back = recovered.filter(
      (member) => !isBehind(member, now) || (member.measure.figures?.sentPerMs ?? 0) >= least,
    );
    for (const member of back) {
      member.lane = "main";
      member.isStraggler = false;
    }
    return back.length === 0 ? null : { demoted: [], isNewRoom: false };
  }
}

function hasRecovered(member: Member, now: Millis): boolean {
  const wait = leastCatchUp * 2 ** Math.min(doublings, member.demotions - 1);
  return now - member.demotedAt > wait && member.freeSlots * 2 >= member.slotCount;
}

/**
 * The fraction of the time in which a few may hold up the others: half of the 5 % that
 * stragglers may cost a room (`test/sim/rooms.test.ts`).
 */
const share = 0.025;
/** How much of that time can be saved up. */
const savedMost = millis(200);

/** Limits how much time the few without free slots may cost the many who have some. */
export class HoldUps {
  private saved: number = savedMost;
  private lookedAt: Millis;
  private heldAt: Millis;

  constructor(now: Millis) {
    this.lookedAt = now;
    this.heldAt = now;
  }

  /**
   * `full` have no slot for the next entry, `others` have one. Answers whether the others have waited long
   * enough. If most members are full, or nearly, the room is as slow as its disks, and waiting costs nothing.
   */
  hold(full: readonly Member[], others: readonly Member[], now: Millis): boolean {
    this.saved = Math.min(savedMost, this.saved + (now - this.lookedAt) * share);
    const held = now - this.heldAt;
    this.lookedAt = now;
    this.heldAt = now;
    const idle = others.filter((member) => creditOf(member) * 2 >= member.slotCount);
    if (idle.length * 2 < full.length + others.length) return false;
    // If it was longer ago, this is another hold-up.
    if (held < recentMs) this.saved -= held;
    return this.saved <= 0;
  }
}

/** Milliseconds: two calls of one hold-up are closer together than this, as housekeeping comes every 20 ms. */
const recentMs = 50;
