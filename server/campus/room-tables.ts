/** What the servers of a campus share of servers and rooms, as one of them sees it. */
import type { RoomLease } from "../../core/campus/room-leases.ts";
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

/** Each call is one transaction, and rejects with `away` while the database is away. */
export interface RoomTables {
  /** Says that the server lives, unless it has a namesake. */
  greet(server: ServerEntry): Promise<Greeting>;
  /** The same, and takes those leases of `rooms` that nobody has, renews its own, and gives back all that are not among `rooms`. */
  beat(server: ServerEntry, rooms: readonly NamedRoom[]): Promise<Beat>;
  /** Takes over a room whose server was not heard for as long as a lease lasts. Rejects with `conflict` for one that is. */
  takeOver(server: string, room: NamedRoom): Promise<void>;
  /** What is told under a lease that is over is left out. */
  publish(server: string, views: readonly NewView[]): Promise<void>;
  /** All servers, and the views that changed after `changed`; 0: all of them. */
  look(changed: number): Promise<Looked>;
  /** `leases`: a room may have another server now, or the database is there again; `views`: one may have been published. */
  onHint(hint: (about: "leases" | "views") => void): Disposable;
  away(): Away | null;
}
