/** Whose a room is, as a server of a campus knows it and as the database says it: the words of the machine in `room-leases.ts`. */
import { millis } from "../units/units.ts";

/** The room of PCs that nobody placed: each server has one of its own, and it is never leased. */
export const ownRoom = "default";

/** Between two times that a server says that it lives. */
export const beatEvery = millis(5000);
/** A lease that was not renewed for so long has lapsed: twelve beats, so that a restart and a slow database are none. */
export const leaseFor = millis(60_000);

/** `epoch` grows each time that a lease goes to another server. */
export type Standing =
  /** Nobody has told yet whose it is. */
  | { readonly name: "asked" }
  | { readonly name: "owned"; readonly epoch: number }
  | { readonly name: "elsewhere"; readonly server: string }
  /** This server has stopped acting for it, so that the server `to` has it by the move of this number. */
  | {
      readonly name: "giving";
      readonly epoch: number;
      readonly to: string;
      readonly move: number;
    }
  /** An operator has said that this server shall have it, which has not taken what is in it yet. */
  | { readonly name: "coming" }
  /** It was removed here, and the database has not heard of that yet. */
  | { readonly name: "removed" };

/** By the rooms' folded names. A standing that stays as it was is the same object. */
export type Standings = ReadonlyMap<string, Standing>;

/** A lease as the database has it. */
export interface RoomLease {
  /** The room's folded name. */
  readonly room: string;
  readonly server: string;
  readonly epoch: number;
  /** Its server has not taken what is in the room yet, or has lost it. */
  readonly isArriving: boolean;
  /** The number of the last move by which a server gave it to another; null: of none. */
  readonly given: number | null;
  /** The last order to move it. `by`: the server that wants it; null: no more. `refusal`: why it does not get it. */
  readonly order: {
    readonly move: number;
    readonly by: string | null;
    readonly refusal: string | null;
  } | null;
}

export type LeaseEvent =
  /** The folded names of the rooms that this server has, all of them. */
  | { readonly type: "rooms"; readonly rooms: readonly string[] }
  /** An operator has said that this server shall have a room which another one has, or had. */
  | { readonly type: "word"; readonly room: string }
  /** The database was told of that word, or could not be. */
  | { readonly type: "worded"; readonly room: string }
  /** Whether what is in the room lets it leave, asked for by `consider`. */
  | { readonly type: "considered"; readonly room: string; readonly may: boolean }
  /** What is in the room is this server's: it was stored with this lease. */
  | { readonly type: "taken"; readonly room: string; readonly epoch: number }
  /** Something may have changed in the database, or it is there again. */
  | { readonly type: "hint" }
  | { readonly type: "wake" }
  /** What the database says after an `ask`; `namesake`: another server lives that has this one's name. */
  | { readonly type: "answer"; readonly leases: readonly RoomLease[] | "namesake" }
  | { readonly type: "no-answer" };

interface Move {
  readonly room: string;
  /** Of the lease that goes. */
  readonly epoch: number;
  readonly to: string;
  readonly move: number;
}

export type LeaseAction =
  /**
   * Say that this server lives, take the leases of these rooms that nobody has, renew its own, and give back the
   * removed ones. What else is its own by the database, and not held, waits for a word.
   */
  | {
      readonly type: "ask";
      readonly rooms: readonly string[];
      readonly held: readonly string[];
      readonly removed: readonly string[];
    }
  /** Remember this across a restart, before anything that follows is done. */
  | { readonly type: "keep"; readonly standings: Standings }
  /** Have the room for this server: at once where its own does not live, else by asking that one. Say `worded`. */
  | { readonly type: "want"; readonly room: string }
  /** The room stays here: the database has lost its lease while it was being given. */
  | { readonly type: "take-back"; readonly room: string }
  /** Look whether the room may leave, and say `considered` at once. */
  | { readonly type: "consider"; readonly room: string; readonly to: string; readonly move: number }
  /** Publish all that is in the room, and give its lease away: both or nothing. */
  | ({ readonly type: "give" } & Move)
  /** The same with what another server has published: nothing of it was taken here. */
  | ({ readonly type: "pass" } & Move)
  /** The lease is given: remove what is in the room from here. */
  | { readonly type: "let-go"; readonly room: string; readonly to: string }
  /** Store what was published of the room, and say `taken`. */
  | { readonly type: "take"; readonly room: string; readonly epoch: number }
  /** Tell the database that it was taken. */
  | { readonly type: "confirm"; readonly room: string; readonly epoch: number };
