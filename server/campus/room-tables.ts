/** What the servers of a campus share of servers and rooms, as one of them sees it. */
import type { RoomLease } from "../../core/campus/room-standing.ts";
import type { CampusServer } from "../../core/wire/campus.ts";
import type { Away } from "./database.ts";

/** What a server says of itself. */
export interface ServerEntry {
  readonly name: string;
  /** Of its data folder, made at random: a server that was started again has the same. */
  readonly folder: string;
  /** Of its process, made at random. */
  readonly instance: string;
  /** The first time: the row of an earlier process on the same folder is taken over. */
  readonly isFirst: boolean;
  readonly address: string | null;
  readonly version: string;
}

/** Another server that lives and has the same name. */
export interface Namesake {
  readonly address: string | null;
  /** When it was last heard, ISO 8601 by the database's clock. */
  readonly heard: string;
}

/** `namesake`: null where there is none. */
export type Greeting = { readonly namesake: Namesake | null };
export type Beat = Greeting & { readonly leases: readonly RoomLease[] };

export interface NamedRoom {
  /** Folded. */
  readonly room: string;
  readonly name: string;
}

/** Rooms of a server, by folded names, that are not among those that it has. */
export interface Unnamed {
  /** It is giving them to another server. */
  readonly held: readonly string[];
  readonly removed: readonly string[];
}

/** A view in the database's terms. */
export interface StoredView {
  readonly server: string;
  /** The room's folded name. */
  readonly room: string;
  /** JSON. */
  readonly view: string;
  readonly changed: number;
}

/** What is told to who looks. */
export interface Looked {
  readonly servers: readonly CampusServer[];
  /** Those that changed since. */
  readonly views: readonly StoredView[];
  /** Of all views: how many there are, and the sum of their `changed`. Who knows others has to look from the beginning. */
  readonly count: number;
  readonly sum: number;
}

export interface NewView {
  readonly room: string;
  /** Of the lease under which it is told; null: of a room that is never leased. */
  readonly epoch: number | null;
  readonly view: string;
}

/** How an order to move a room to this server stands. */
export type Ordered =
  /** Its lease is this server's now. `from`: who had it and is off; null: nobody. */
  | { readonly kind: "taken"; readonly from: string | null }
  | { readonly kind: "own" }
  /** Its server was asked. */
  | { readonly kind: "asked"; readonly from: string; readonly move: number };

/** A lease that goes to another server, which asked for it by the move of this number. */
export interface GivenRoom {
  /** Folded. */
  readonly room: string;
  readonly epoch: number;
  readonly move: number;
  readonly to: string;
  /** All that is in the room; null: as another server has published it. */
  readonly record: string | null;
}

export interface StoredRecord {
  readonly record: string;
  /** The server that published it, and when, ISO 8601 by the database's clock. */
  readonly server: string;
  readonly told: string;
}

/** Each call is one transaction, and rejects with `away` while the database is away. */
export interface RoomTables {
  /** Says that the server lives, unless it has a namesake. */
  greet(server: ServerEntry): Promise<Greeting>;
  /**
   * The same, and takes those leases of `rooms` that nobody has, renews its own, and gives back those that were removed.
   * Others that are neither among `rooms` nor held the server has lost: they are arriving from then on, with what was
   * published of them. Of which nothing was, those are given back, too.
   */
  beat(server: ServerEntry, rooms: readonly NamedRoom[], unnamed: Unnamed): Promise<Beat>;
  /** Has the room for this server: at once where its own was not heard for as long as a lease lasts, else by asking that one. */
  want(server: string, room: NamedRoom): Promise<Ordered>;
  /** It is wanted no more, if it was not given yet. */
  withdraw(server: string, room: string, move: number): Promise<void>;
  /** The server does not give the room, and says why. */
  refuse(server: string, room: string, answer: { move: number; reason: string }): Promise<void>;
  /** Publishes the record and gives the lease away. False: the room is not this server's, or not wanted any more. */
  give(server: string, given: GivenRoom): Promise<boolean>;
  /** Of a room of this server; null: none was published. */
  record(server: string, room: string): Promise<StoredRecord | null>;
  /** What is in the room is this server's. */
  arrived(server: string, room: string, epoch: number): Promise<void>;
  /** For the case that this server is off for good; left out under a lease that is over. */
  publishRecord(
    server: string,
    published: { room: string; epoch: number; record: string },
  ): Promise<void>;
  /** What is told under a lease that is over is left out. */
  publish(server: string, views: readonly NewView[]): Promise<void>;
  /** All servers, and the views that changed after `changed`; 0: all of them. */
  look(changed: number): Promise<Looked>;
  /** `leases`: a room may have another server now, or the database is there again; `views`: one may have been published. */
  onHint(hint: (about: "leases" | "views") => void): Disposable;
  away(): Away | null;
}
