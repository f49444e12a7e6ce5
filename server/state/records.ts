/** What the server remembers of PCs and sessions: plain data, stored as JSON as it stands. */
import type { Role, ScheduleView } from "../../core/wire/api.ts";
import type { Hello } from "../../core/wire/control.ts";
import { type RoomSettings, roomDefaults, type Seat } from "../../core/wire/rooms.ts";

/** A PIN as it is stored: scrypt, N 16384, r 8, p 1, 32 bytes; hexadecimal. */
export interface PinHash {
  readonly salt: string;
  readonly hash: string;
}

export interface RoomRecord {
  readonly name: string;
  settings: RoomSettings;
  /** What the menus of its PCs ask for before anything else. */
  pin: PinHash | null;
  /** The PIN that allows captures and casts, too. */
  instructorPin: PinHash | null;
  /** In the order in which a seat walk fills them. */
  seats: Seat[];
  /** The seat walk is on; `grows`: it makes the seats as it goes. */
  walk: { readonly grows: boolean } | null;
}

export const newRoom = (name: string): RoomRecord => ({
  name,
  settings: { ...roomDefaults },
  pin: null,
  instructorPin: null,
  seats: [],
  walk: null,
});

export interface PcRecord {
  readonly id: string;
  name: string;
  room: string;
  seat: string | null;
  /** What its agent said of itself when it last connected. */
  hello: Omit<Hello, "type" | "state" | "report">;
  /** All addresses it was ever seen with. */
  macs: string[];
  lastSeen: string;
  /** What its firmware called itself when it last booted from here; absent: it did not say. */
  bootUuid?: string;
  /** Ids of known PCs that it may be: an operator has been asked which. */
  doubt?: readonly string[];
  /**
   * What a network boot leads to when no session wants the PC: what its room is set to, unless ordered
   * otherwise. `agent` holds until the agent is there. A verified restore sets `local-disk`.
   */
  nextBoot: "room" | "agent" | "local-disk";
}

export interface OperatorRecord {
  readonly name: string;
  readonly role: Role;
  /** scrypt of the token's secret; hexadecimal. */
  readonly salt: string;
  readonly hash: string;
  readonly createdAt: string;
  lastSeen: string | null;
}

export type ScheduleRecord = ScheduleView;

/** Something that happened, and to what. Images as NAME@VERSION. */
export interface EventRecord {
  readonly at: string;
  readonly session: string | null;
  readonly pc: string | null;
  readonly room: string | null;
  readonly image: string | null;
  /** Who ordered it; null: it came about by itself. */
  readonly operator: string | null;
  readonly text: string;
}

/** Which events are read back: those that have every subject that is named, the newest `limit`. */
export interface EventFilter extends Partial<Omit<EventRecord, "at" | "text">> {
  readonly limit: number;
}
