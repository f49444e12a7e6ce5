/** Chooses what is read next: the wanted entries in the order of the index, lap after lap. */
import type { Entries } from "./entries.ts";
import { type Flights, heavyFraction } from "./flights.ts";
import { creditOf, type Member } from "./member.ts";
import type { Receivers } from "./receivers.ts";
import type { Supply } from "./supply.ts";

export class Schedule {
  /** Laps around the index: 1, and one more for each time that it had to be started again. */
  passes = 1;
  private readonly entries: Entries;
  private readonly receivers: Receivers;
  private readonly supply: Supply;
  private readonly flights: Flights;
  private cursor = 0;
  private isNewLap = false;
  /** `receivers.version` at the time when nothing was left to read. */
  private plannedVersion = -1;

  constructor(parts: { entries: Entries; receivers: Receivers; supply: Supply; flights: Flights }) {
    this.entries = parts.entries;
    this.receivers = parts.receivers;
    this.supply = parts.supply;
    this.flights = parts.flights;
  }

  /** Chooses entries to read ahead: in order from the cursor, and from the start again after the end. */
  plan(): void {
    if (this.plannedVersion === this.receivers.version) return;
    const { version, servableCount } = this.receivers;
    const entryCount = this.entries.count;
    let looked = 0;
    while (this.supply.hasRoomAhead) {
      // All that can be served is at work. A live cast gets here after each captured entry.
      if (this.countAtWork() >= servableCount) return;
      if (looked > entryCount) {
        this.plannedVersion = version;
        return;
      }
      if (this.cursor >= entryCount) {
        this.cursor = 0;
        this.isNewLap = true;
      }
      const entry = this.cursor++;
      looked++;
      if (this.receivers.demandFor(entry) === 0 || !this.entries.isKnown(entry)) continue;
      if (this.flights.has(entry) || this.supply.has(entry)) continue;
      this.supply.ask(entry, "ahead");
      if (this.isNewLap) this.passes++;
      this.isNewLap = false;
    }
  }

  /** How many wanted entries are in flight, read, or being read. */
  private countAtWork(): number {
    let count = this.supply.count;
    for (const { entryIndex: entry } of this.flights.all())
      if (this.receivers.demandFor(entry) > 0) count++;
    return count;
  }

  /**
   * Reads the entries of which a receiver holds parts that no flight completes. They are completed when it
   * has no slots left for anything else, or when nobody wants such an entry whole. A part that lacks much
   * waits until nobody else could be served meanwhile, or until the receiver's slots hold nothing but parts.
   */
  resumeParts(member: Member): void {
    if (!member.isServed) return;
    const isFull = creditOf(member) <= 0;
    for (const [entry, { length }] of member.assembling) {
      if (!this.supply.hasRoomResumed) return;
      if (this.flights.has(entry) || this.supply.has(entry)) continue;
      const isHeavy = length > (this.entries.symbolCounts[entry] as number) * heavyFraction;
      const isLeft = isHeavy
        ? !this.awaitsParts(member) && this.isAnotherOpen(member)
        : !isFull && !this.isForHolders(entry);
      if (isLeft) continue;
      this.supply.ask(entry, "resumed");
    }
  }

  /** Whether another served member has a slot for something that it wants. */
  private isAnotherOpen(member: Member): boolean {
    for (const other of this.receivers.members.values())
      if (other !== member && other.isServed && other.wantCount > 0 && creditOf(other) > 0)
        return true;
    return false;
  }

  /** Whether every member that wants the entry has a part of it. */
  private isForHolders(entry: number): boolean {
    return this.holdersOf(entry) >= this.receivers.demandFor(entry);
  }

  private holdersOf(entry: number): number {
    let holders = 0;
    for (const { isServed, assembling } of this.receivers.members.values())
      if (isServed && assembling.has(entry)) holders++;
    return holders;
  }

  /** Whether parts that are not in flight take all its slots: then waiting for its disk frees none. */
  awaitsParts({ slotCount, begun, assembling }: Member): boolean {
    if (begun.length > 0 || assembling.size < slotCount) return false;
    return ![...assembling.keys()].some((entry) => this.flights.has(entry));
  }
}
