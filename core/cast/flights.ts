/** The entries in flight: their rounds of repairs, and who takes part in them. */
import type { Millis } from "../units/units.ts";
import { planRepairs } from "./coding.ts";
import type { Flight } from "./flight.ts";
import { Interleave } from "./interleave.ts";
import type { Member } from "./member.ts";
import type { Receivers } from "./receivers.ts";
import type { Supply } from "./supply.ts";

/**
 * A member that lacks more than this fraction of an entry, and `heavyFactor` times what the middle one
 * lacks, gets the entry another time: its repair alone would cost as much as a quarter of the entry.
 */
export const heavyFraction = 0.25;
const heavyFactor = 4;

/** The last packet that was written, and the time. */
export interface Moment {
  readonly sequence: number;
  readonly now: Millis;
}

export class Flights {
  /** Flights with repairs to send, the oldest round first. */
  readonly repairing: Flight[] = [];
  /** Flights whose symbols go out for the first time. They take turns, packet by packet; the first is the next. */
  readonly sending: Flight[] = [];
  readonly interleave = new Interleave();
  private readonly receivers: Receivers;
  private readonly supply: Supply;
  private readonly symbolCounts: Uint16Array;
  private readonly byEntry = new Map<number, Flight>();
  /** Of each entry, the sequence of the last packet that carried some of it; 0: none of this generation. */
  private readonly lastSent: Float64Array;

  constructor(parts: { receivers: Receivers; supply: Supply; symbolCounts: Uint16Array }) {
    this.receivers = parts.receivers;
    this.supply = parts.supply;
    this.symbolCounts = parts.symbolCounts;
    this.lastSent = new Float64Array(parts.symbolCounts.length);
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

  /** A copy, because flights may end while the caller goes through it. */
  all(): Flight[] {
    return [...this.byEntry.values()];
  }

  /**
   * Opens a flight. With `hasParts` it begins with a round of repairs, not with all symbols: at once if the members
   * have reported past what was last sent of it.
   */
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
    if (hasParts) {
      this.wait(flight, { sequence: this.lastSent[entryIndex] as number, now });
      for (const member of members) this.noteReported(flight, member);
    } else {
      for (const member of members)
        if (!member.assembling.has(entryIndex)) member.begun.push(sequence + 1);
      this.sending.unshift(flight);
      this.interleave.noteBegun(flight.symbolCount);
    }
    return flight;
  }

  /** The flight's last packet is out, and it waits until its members have reported past that. */
  wait(flight: Flight, { sequence, now }: Moment): void {
    flight.state = { name: "waiting", sequence, since: now, waitingFor: new Set(flight.members) };
  }

  /** The members have reported past the last packet, and a round repairs what they lack. */
  beginRound(flight: Flight): void {
    const { state, entryIndex } = flight;
    if (state.name !== "waiting" || this.byEntry.get(entryIndex) !== flight) return;
    const lacking: { member: Member; symbols: Uint16Array }[] = [];
    for (const member of flight.members) {
      if (state.waitingFor.has(member)) continue;
      const symbols = member.assembling.get(entryIndex);
      // The member had no slot, or came too late: it gets the entry another time.
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
    const lackingCount = lacking.reduce((sum, { symbols }) => sum + symbols.length, 0);
    this.interleave.noteRepairs(sets.length, lackingCount / flight.memberCount);
    flight.state = { name: "repairing", sets, nextSet: 0 };
    this.repairing.push(flight);
  }

  /** A packet carries some of the entry. */
  noteSent(entryIndex: number, sequence: number): void {
    this.lastSent[entryIndex] = sequence;
  }

  /** The member may have all of the entry that was sent: it has not reported past that. */
  isOnItsWay(entryIndex: number, { sequence }: Member): boolean {
    return (this.lastSent[entryIndex] as number) > sequence;
  }

  /** The packets are numbered anew. */
  forgetSent(): void {
    this.lastSent.fill(0);
  }

  /** A report of the member has come: the rounds that waited only for it begin. */
  noteReport(member: Member): void {
    for (const flight of this.all()) this.noteReported(flight, member);
  }

  private noteReported(flight: Flight, member: Member): void {
    const { state } = flight;
    if (state.name === "waiting" && member.sequence >= state.sequence)
      this.waitNoMore(flight, member);
  }

  private waitNoMore(flight: Flight, member: Member): void {
    const { state } = flight;
    if (state.name !== "waiting") return;
    if (state.waitingFor.delete(member) && state.waitingFor.size === 0) this.beginRound(flight);
  }

  /** Flights that have waited since before `before` go on without the members that are late. */
  endOverdueWaits(before: Millis, isLate: (member: Member) => boolean): void {
    for (const flight of this.all()) {
      const { state } = flight;
      if (state.name !== "waiting" || state.since > before) continue;
      for (const member of [...state.waitingFor]) if (isLate(member)) this.drop(flight, member);
      this.beginRound(flight);
    }
  }

  /** The member takes part in no flight from now on. */
  dropFromAll(member: Member): void {
    member.begun = [];
    for (const flight of this.all()) this.drop(flight, member);
  }

  drop(flight: Flight, member: Member): void {
    if (!flight.members.delete(member)) return;
    if (flight.members.size === 0) return this.close(flight);
    this.waitNoMore(flight, member);
  }

  private close(flight: Flight): void {
    if (this.byEntry.get(flight.entryIndex) !== flight) return;
    this.byEntry.delete(flight.entryIndex);
    this.supply.free(flight.slot);
    for (const list of [this.sending, this.repairing]) {
      const place = list.indexOf(flight);
      if (place >= 0) list.splice(place, 1);
    }
    // A member may still want the entry, and the next lap has to notice.
    this.receivers.version++;
  }
}

/** The members that lack so much more of an entry than the others that repairing them would hold up the room. */
function heavy<T extends { readonly symbols: Uint16Array }>(
  lacking: readonly T[],
  { symbolCount, memberCount }: Flight,
): T[] {
  const counts = lacking.map(({ symbols }) => symbols.length).sort((one, other) => other - one);
  // Members that have the whole entry are not in the list: they lack nothing.
  const middle = counts[memberCount >> 1] ?? 0;
  if (memberCount === 1) return [];
  const limit = Math.max(symbolCount * heavyFraction, middle * heavyFactor);
  return lacking.filter(({ symbols }) => symbols.length > limit);
}
