/** Whose turn it is: opens one flight after another, when the receivers that are waited for have slots. */
import { bitAt } from "../units/bits.ts";
import { type Millis, millis } from "../units/units.ts";
import type { Flight, FlightState } from "./flight.ts";
import type { Flights, Moment } from "./flights.ts";
import { HoldUps } from "./lanes.ts";
import { creditOf, isBehind, type Member } from "./member.ts";
import type { Receivers } from "./receivers.ts";
import type { Schedule } from "./schedule.ts";
import type { Supply } from "./supply.ts";

/**
 * A new cast waits until every receiver that has joined hears it and no more are coming, but not longer than `gatherFor`.
 * So nobody lacks its first entries, or has to fetch its index through a wire that is full of them. Where nobody knows
 * whether more are coming, none are once nobody has joined for `gatherQuiet`.
 */
const gatherFor = millis(320);
const gatherQuiet = millis(30);

export interface TurnParts {
  readonly receivers: Receivers;
  readonly supply: Supply;
  readonly flights: Flights;
  readonly schedule: Schedule;
  /** Nobody waits for it. */
  readonly isLate: (member: Member, now: Millis) => boolean;
  /** They have held up the others for too long. */
  readonly demote: (members: readonly Member[], now: Millis) => void;
}

export class Turns {
  private readonly parts: TurnParts;
  private readonly holdUps: HoldUps;
  /** When the first and the last receiver joined, and how many the last left to come; used until the first entry has begun. */
  private gathering: { since: Millis; joinedAt: Millis; coming: number | null } | null = null;
  private hasBegun = false;

  constructor(parts: TurnParts, now: Millis) {
    this.parts = parts;
    this.holdUps = new HoldUps(now);
  }

  noteJoin(coming: number | null, now: Millis): void {
    this.gathering = { since: this.gathering?.since ?? now, joinedAt: now, coming };
  }

  /**
   * Whether another flight is to be opened: none is sent, or fewer than are to take turns, and each of these has gone
   * so far that they will end one by one.
   */
  get isDue(): boolean {
    const { flights, receivers } = this.parts;
    const { sending, interleave } = flights;
    if (sending.length === 0) return true;
    const depth = interleave.depthFor(receivers.members.values());
    return (
      sending.length < depth &&
      sending.every(({ state, symbolCount }) => sentOf(state) * depth >= symbolCount)
    );
  }

  /** Opens the flight whose turn it is, if its receivers have slots for it. */
  begin(moment: Moment): Flight | null {
    const { receivers, supply, flights, schedule, isLate, demote } = this.parts;
    const { now } = moment;
    if (this.isGathering(now)) return null;
    for (const entry of supply.ready()) {
      if (receivers.demandFor(entry) === 0) {
        supply.drop(entry);
        continue;
      }
      const { wanting, full, holding } = this.askedBy(entry, now);
      if (supply.isResumed(entry)) {
        const isForHolders = wanting.length === 0 || holding.some((each) => creditOf(each) <= 0);
        if (holding.length > 0 && isForHolders) return flights.open(entry, holding, true, moment);
      }
      const holdUp = full.filter((member) => !isLate(member, now) && !schedule.awaitsParts(member));
      if (holdUp.length > 0) {
        // Members that hold parts of the entry may be full of such parts: completing it frees their slots.
        if (holding.some((each) => creditOf(each) <= 0))
          return flights.open(entry, holding, true, moment);
        const others = [...receivers.members.values()].filter(
          (member) => member.isServed && member.wantCount > 0 && !holdUp.includes(member),
        );
        // While an entry is sent, nobody is held up.
        if (flights.sending.length > 0 || !this.holdUps.hold(holdUp, others, now)) continue;
        demote(holdUp, now);
      }
      if (wanting.length + holding.length === 0) continue;
      return flights.open(entry, [...wanting, ...holding], wanting.length === 0, moment);
    }
    return null;
  }

  /**
   * The served members that want the entry: those with a slot for it, those without, and those with a part of it. One that is
   * behind wants nothing again that still comes to it.
   */
  private askedBy(entry: number, now: Millis) {
    const { receivers, flights } = this.parts;
    const asked = { wanting: [] as Member[], full: [] as Member[], holding: [] as Member[] };
    for (const member of receivers.members.values()) {
      if (!member.isServed || !bitAt(member.wants, entry)) continue;
      if (isBehind(member, now) && flights.isOnItsWay(entry, member)) continue;
      if (member.assembling.has(entry)) asked.holding.push(member);
      else if (creditOf(member) > 0) asked.wanting.push(member);
      else asked.full.push(member);
    }
    return asked;
  }

  private isGathering(now: Millis): boolean {
    if (this.hasBegun || this.gathering === null) return false;
    const { since, joinedAt, coming } = this.gathering;
    const areAllHere = coming === null ? now - joinedAt >= gatherQuiet : coming === 0;
    const isHeard = [...this.parts.receivers.members.values()].every(({ isServed }) => isServed);
    this.hasBegun = (areAllHere && isHeard) || now - since >= gatherFor;
    return !this.hasBegun;
  }
}

const sentOf = (state: FlightState): number => (state.name === "sending" ? state.nextSymbol : 0);
