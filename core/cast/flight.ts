import type { Millis } from "../units/units.ts";
import type { Member } from "./member.ts";

/**
 * An entry that is being served: first all its symbols, then, in rounds, repairs of what its members
 * lack. A round begins when the members have reported past the last packet of the one before, so
 * nothing is repaired that is still on its way, and nothing twice.
 */
export interface Flight {
  readonly entryIndex: number;
  readonly symbolCount: number;
  /** Where its stored bytes, padded with zeros, are in the sender's slab. */
  readonly slot: number;
  /** Receivers that it is served to. */
  readonly members: Set<Member>;
  /** How many they were at first. */
  readonly memberCount: number;
  state: FlightState;
}

export type FlightState =
  | { readonly name: "sending"; nextSymbol: number }
  | {
      readonly name: "waiting";
      /** Sequence of its last packet, and when that went. */
      readonly sequence: number;
      readonly since: Millis;
      /** Members that have not reported past it. */
      readonly waitingFor: Set<Member>;
    }
  | { readonly name: "repairing"; readonly sets: readonly (readonly number[])[]; nextSet: number };
