/** The packets that go out: repairs first, then the symbols of the flight whose turn it is, and a sync when it is time. */
import { type Millis, millis } from "../units/units.ts";
import { dataPacketBytes, repairPacketBytes, syncPacketBytes } from "../wire/cast.ts";
import type { Flight } from "./flight.ts";
import type { Flights, Moment } from "./flights.ts";
import type { PacketWriter, Place } from "./packets.ts";
import type { Receivers } from "./receivers.ts";
import type { Turns } from "./turns.ts";

/** While data flows, sync packets still tell the report interval this often. */
const syncEvery = millis(200);

/** `repairedData`: a repair that is one symbol. */
export type Kind = "data" | "repairedData" | "repair" | "sync";

export const lengthOf: Readonly<Record<Kind, number>> = {
  data: dataPacketBytes,
  repairedData: dataPacketBytes,
  repair: repairPacketBytes,
  sync: syncPacketBytes,
};

export interface OutgoingParts {
  readonly receivers: Receivers;
  readonly flights: Flights;
  readonly packets: PacketWriter;
  readonly turns: Turns;
  /** How often each receiver is to report, in milliseconds. */
  readonly reportEvery: () => number;
}

type Repairing = Extract<Flight["state"], { readonly name: "repairing" }>;

export class Outgoing {
  /** Payload bytes of repairs, and of those that carry more than one symbol. */
  repairBytes = 0;
  parityBytes = 0;
  private readonly parts: OutgoingParts;
  private sentAt: Millis;
  private syncedAt: Millis;

  constructor(parts: OutgoingParts, now: Millis) {
    this.parts = parts;
    this.sentAt = now;
    this.syncedAt = millis(now - syncEvery);
  }

  /** Whether there are symbols to be sent for the first time. */
  get isSending(): boolean {
    return this.parts.flights.sending.length > 0;
  }

  /** While data flows, a sync packet is rare; while only reports are awaited, there are two in each interval. */
  get syncAt(): Millis {
    const { receivers, flights, reportEvery } = this.parts;
    if (receivers.members.size === 0) return millis(Number.POSITIVE_INFINITY);
    const isAwaited = flights.size > 0 || receivers.openCount > 0;
    const quiet = isAwaited ? Math.max(5, reportEvery() / 2) : syncEvery;
    return millis(Math.min(this.syncedAt + syncEvery, this.sentAt + quiet));
  }

  /** What goes out now; null: nothing. */
  next(now: Millis): Kind | null {
    const { flights, turns } = this.parts;
    if (now >= this.syncAt) return "sync";
    // A resumed entry begins with a round of repairs, and is not among those that are sent.
    while (flights.repairing.length === 0 && turns.isDue)
      if (turns.begin(this.moment(now)) === null) break;
    if (flights.repairing.length > 0) return this.repairKind;
    return this.isSending ? "data" : null;
  }

  /** Writes a packet of the kind that `next` said. */
  write(kind: Kind, place: Place): void {
    this.sentAt = place.now;
    const { flights, packets, reportEvery } = this.parts;
    if (kind === "data") return this.writeSymbol(flights.sending.shift() as Flight, place);
    if (kind !== "sync") return this.writeRepair(flights.repairing[0] as Flight, kind, place);
    this.syncedAt = place.now;
    packets.sync(reportEvery(), place);
  }

  /**
   * A symbol that is repaired by itself goes as data, which is 3 % shorter, if all who want the entry have begun it:
   * nobody begins it then with what is left of it.
   */
  private get repairKind(): "repair" | "repairedData" {
    const { flights, receivers } = this.parts;
    const flight = flights.repairing[0] as Flight;
    const { sets, nextSet } = flight.state as Repairing;
    if (sets[nextSet]?.length !== 1) return "repair";
    const isForAll = receivers.wantersOf(flight.entryIndex) === flight.members.size;
    return isForAll ? "repairedData" : "repair";
  }

  private writeSymbol(flight: Flight, place: Place): void {
    const { flights, packets } = this.parts;
    const state = flight.state as { name: "sending"; nextSymbol: number };
    packets.data(flight.entryIndex, flight.slot, state.nextSymbol, place);
    flights.noteSent(flight.entryIndex, packets.sequence);
    state.nextSymbol++;
    if (state.nextSymbol < flight.symbolCount) flights.sending.push(flight);
    else flights.wait(flight, this.moment(place.now));
  }

  private writeRepair(flight: Flight, kind: "repair" | "repairedData", place: Place): void {
    const { flights, packets } = this.parts;
    const state = flight.state as Repairing;
    const set = state.sets[state.nextSet] as readonly number[];
    const { entryIndex, slot } = flight;
    if (kind === "repair") packets.repair(entryIndex, slot, set, place);
    else packets.data(entryIndex, slot, set[0] as number, place);
    flights.noteSent(entryIndex, packets.sequence);
    this.repairBytes += lengthOf[kind];
    if (set.length > 1) this.parityBytes += repairPacketBytes;
    state.nextSet++;
    if (state.nextSet < state.sets.length) return;
    flights.repairing.shift();
    flights.wait(flight, this.moment(place.now));
  }

  private moment(now: Millis): Moment {
    return { sequence: this.parts.packets.sequence, now };
  }
}
