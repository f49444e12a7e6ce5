/**
 * Who is waited for. The main lane is served together, at the pace of the room. Whoever would hold up
 * the others, by a slow disk or by losing far more than they do, is put into the catch-up lane: it
 * takes what it can of what it hears, and is served when the main lane wants nothing more, or comes
 * back before that if it has room again.
 */
import { type Millis, millis } from "../units/units.ts";
import { creditOf, type Member } from "./member.ts";
import type { StragglerCause } from "./reason.ts";
import type { Receivers } from "./receivers.ts";

/** A straggler stays in the catch-up lane for at least so long, and twice as long after each further demotion. */
const leastCatchUp = millis(2000);
const doublings = 5;
/** How long a member may lose far more than the others. */
const straggleLimit = millis(300);

export interface LaneChange {
  readonly demoted: readonly Member[];
  /** The main lane was empty, and those who waited are the room now. */
  readonly isNewRoom: boolean;
}

export class Lanes {
  private readonly receivers: Receivers;

  constructor(receivers: Receivers) {
    this.receivers = receivers;
  }

  /** Takes the member out of the main lane; it takes no part in the flights from now on. */
  demote(member: Member, cause: StragglerCause, now: Millis): void {
    member.cause = cause;
    member.lane = "catchUp";
    member.demotedAt = now;
    member.demotions++;
    member.straggledFor = 0;
    this.receivers.setServed(member, false);
  }

  /** Of those who lost far more than the others in a stretch, the ones that have done so for too long. */
  noteStragglers(stragglers: readonly Member[], elapsed: number): Member[] {
    for (const member of this.receivers.members.values()) {
      const change = stragglers.includes(member) ? elapsed : -elapsed;
      member.straggledFor = Math.max(0, member.straggledFor + change);
    }
    return stragglers.filter((member) => member.straggledFor >= straggleLimit);
  }

  /** Brings back whoever has room again, and everyone when the main lane wants nothing. Null: no change. */
  settle(now: Millis): LaneChange | null {
    const stragglers = [...this.receivers.members.values()].filter(
      ({ lane, wantCount }) => lane === "catchUp" && wantCount > 0,
    );
    if (stragglers.length === 0) return null;
    if (!this.receivers.hasDemand) {
      for (const member of stragglers) member.lane = "main";
      return { demoted: [], isNewRoom: true };
    }
    const back = stragglers.filter((member) => hasRecovered(member, now));
    for (const member of back) {
      member.lane = "main";
      member.cause = null;
    }
    return back.length === 0 ? null : { demoted: [], isNewRoom: false };
  }
}

function hasRecovered(member: Member, now: Millis): boolean {
  const wait = leastCatchUp * 2 ** Math.min(doublings, member.demotions - 1);
  return now - member.demotedAt > wait && member.freeSlots * 2 >= member.slotCount;
}

/** The share of the time that a few may hold up the others, and how much of it can be saved up. */
const share = 0.025;
const savedMost = millis(200);

/** What the few who have no room may cost the many who have. */
export class HoldUps {
  private saved: number = savedMost;
  private lookedAt: Millis;
  private heldAt: Millis;

  constructor(now: Millis) {
    this.lookedAt = now;
    this.heldAt = now;
  }

  /**
   * `full` have no room for the next entry, `others` have. True: they have been waited for long
   * enough. A room whose most members are full, or nearly, is as slow as its disks: that costs nobody.
   */
  hold(full: readonly Member[], others: readonly Member[], now: Millis): boolean {
    this.saved = Math.min(savedMost, this.saved + (now - this.lookedAt) * share);
    const held = now - this.heldAt;
    this.lookedAt = now;
    this.heldAt = now;
    const idle = others.filter((member) => creditOf(member) * 2 >= member.slotCount);
    if (idle.length * 2 < full.length + others.length) return false;
    // Longer ago is another hold-up.
    if (held < recent) this.saved -= held;
    return this.saved <= 0;
  }
}

/** Between two looks at one hold-up: the machine is asked at least every housekeeping. */
const recent = 50;
