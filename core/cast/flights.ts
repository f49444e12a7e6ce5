/** The entries in flight: their rounds of repairs, and who takes part in them. */
import type { Millis } from "../units/units.ts";
import { planRepairs } from "./coding.ts";
import type { Flight } from "./flight.ts";
import type { Member } from "./member.ts";
import type { Receivers } from "./receivers.ts";
import type { Supply } from "./supply.ts";

/** Of an entry: who lacks more, and four times what the middle one does, gets it another time. */
export const heavyFraction = 0.25;
const heavyFactor = 4;

/** The last packet that was written, and the time. */
export interface Moment {
  readonly sequence: number;
  readonly now: Millis;
}

export class Flights {
  /** With repairs to send, oldest round first. */
  readonly repairing: Flight[] = [];
  sending: Flight | null = null;
  private readonly receivers: Receivers;
  private readonly supply: Supply;
  private readonly symbolCounts: Uint16Array;
  private readonly byEntry = new Map<number, Flight>();

  constructor(parts: { receivers: Receivers; supply: Supply; symbolCounts: Uint16Array }) {
    this.receivers = parts.receivers;
    this.supply = parts.supply;
    this.symbolCounts = parts.symbolCounts;
  }

  get size(): number {
    return this.byEntry.size;
  }

  has(entryIndex: number): boolean {
    return this.byEntry.has(entryIndex);
  }

  get(entryIndex: number): Flight | undefined {
    return this.byEntry.get(entryIndex);
  }

  /** A copy: flights may end while it is gone through. */
  all(): Flight[] {
    return [...this.byEntry.values()];
  }

  /** `hasParts`: it begins with a round of what its members lack, not with its symbols. */
  open(
    entryIndex: number,
    members: readonly Member[],
    hasParts: boolean,
    { sequence, now }: Moment,
  ): Flight {
    const flight: Flight = {
      entryIndex,
      symbolCount: this.symbolCounts[entryIndex] as number,
      slot: this.supply.claim(entryIndex),
      members: new Set(members),
      memberCount: members.length,
      state: { name: "sending", nextSymbol: 0 },
    };
    this.byEntry.set(entryIndex, flight);
    if (hasParts) this.wait(flight, { sequence, now });
    else {
      for (const member of members)
        if (!member.assembling.has(entryIndex)) member.begun.push(sequence + 1);
      this.sending = flight;
    }
    return flight;
  }

  /** Its last packet is out: its members are to report past that. */
  wait(flight: Flight, { sequence, now }: Moment): void {
    flight.state = { name: "waiting", sequence, since: now, waitingFor: new Set(flight.members) };
  }

  /** All that are waited for have reported past the last packet: what they lack is repaired. */
  beginRound(flight: Flight): void {
    const { state, entryIndex } = flight;
    if (state.name !== "waiting" || this.byEntry.get(entryIndex) !== flight) return;
    const lacking: { member: Member; symbols: Uint16Array }[] = [];
    for (const member of flight.members) {
      if (state.waitingFor.has(member)) continue;
      const symbols = member.assembling.get(entryIndex);
      // It had no slot, or came too late: another time.
      if (symbols === undefined) flight.members.delete(member);
      else lacking.push({ member, symbols });
    }
    for (const each of heavy(lacking, flight)) {
      flight.members.delete(each.member);
      lacking.splice(lacking.indexOf(each), 1);
    }
    if (lacking.length === 0) {
      if (flight.members.size === 0) this.close(flight);
      return;
    }
    const sets = planRepairs(
      lacking.map(({ symbols }) => symbols),
      flight.symbolCount,
    );
    flight.state = { name: "repairing", sets, nextSet: 0 };
    this.repairing.push(flight);
  }

  /** The member's report has come: rounds begin that waited for nobody else. */
  noteReport(member: Member): void {
    for (const flight of this.all()) {
      const { state } = flight;
      if (state.name !== "waiting" || member.sequence < state.sequence) continue;
      if (state.waitingFor.delete(member) && state.waitingFor.size === 0) this.beginRound(flight);
    }
  }

  /** A flight that has waited since before `before` goes on without those that are late. */
  endOverdueWaits(before: Millis, isLate: (member: Member) => boolean): void {
    for (const flight of this.all()) {
      const { state } = flight;
      if (state.name !== "waiting" || state.since > before) continue;
      for (const member of [...state.waitingFor]) if (isLate(member)) this.drop(flight, member);
      this.beginRound(flight);
    }
  }

  /** The member takes part in none of them from now on. */
  dropFromAll(member: Member): void {
    member.begun = [];
    for (const flight of this.all()) this.drop(flight, member);
  }

  drop(flight: Flight, member: Member): void {
    if (!flight.members.delete(member)) return;
    if (flight.members.size === 0) return this.close(flight);
    const { state } = flight;
    if (state.name !== "waiting") return;
    if (state.waitingFor.delete(member) && state.waitingFor.size === 0) this.beginRound(flight);
  }

  private close(flight: Flight): void {
    if (this.byEntry.get(flight.entryIndex) !== flight) return;
    this.byEntry.delete(flight.entryIndex);
    this.supply.free(flight.slot);
    if (this.sending === flight) this.sending = null;
    const place = this.repairing.indexOf(flight);
    if (place >= 0) this.repairing.splice(place, 1);
    // Somebody may still want it, and nothing else tells the next lap.
    this.receivers.version++;
  }
}

/** Those who lack so much more of an entry than the others that its repair would hold up the room. */
function heavy<T extends { readonly symbols: Uint16Array }>(
  lacking: readonly T[],
  { symbolCount, memberCount }: Flight,
): T[] {
  const counts = lacking.map(({ symbols }) => symbols.length).sort((one, other) => other - one);
  // Those who have all of it lack nothing.
  const middle = counts[memberCount >> 1] ?? 0;
  if (memberCount === 1) return [];
  const limit = Math.max(symbolCount * heavyFraction, middle * heavyFactor);
  return lacking.filter(({ symbols }) => symbols.length > limit);
}
