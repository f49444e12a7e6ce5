import type { Millis } from "../units/units.ts";
import type { Member } from "./member.ts";

/**
 * An entry that is being served: first all its symbols, then rounds of repairs of what its members lack.
 * A round begins when the members have reported past the last packet of the round before. So nothing is
 * repaired that is still on its way, and nothing twice.
 */
export interface Flight {
  readonly entryIndex: number;
  readonly symbolCount: number;
  /** The slot of the sender's slab that holds its stored bytes, padded with zeros. */
  readonly slot: number;
  /** The receivers that it is served to. */
  readonly members: Set<Member>;
  /** How many members it had at first. */
  readonly memberCount: number;
  state: FlightState;
}

export type FlightState =
  | { readonly name: "sending"; nextSymbol: number }
  | {
      readonly name: "waiting";
      /** The sequence of its last packet, and when that was sent. */
      readonly sequence: number;
      readonly since: Millis;
      /** Members that have not reported past it. */
      readonly waitingFor: Set<Member>;
    }
  | { readonly name: "repairing"; readonly sets: readonly (readonly number[])[]; nextSet: number };
