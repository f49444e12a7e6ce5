/** What is seen of a campus: its servers, and the rooms of all of them. */
import { type Static, Type } from "typebox";
import { nullable } from "./nullable.ts";
import { RoomView } from "./rooms.ts";

/** Of a line about a session: what a PC says of its fault may be long, and many may fail. */
export const runningLimit = 2048;

/** A room as its server tells the others of it. */
export const PublishedRoom = Type.Object({
  ...RoomView.properties,
  /** Its running session in a line; null: none runs. */
  running: nullable(Type.String({ maxLength: runningLimit })),
});
export type PublishedRoom = Static<typeof PublishedRoom>;

/** A room of a campus; without a campus, of this server. */
export const CampusRoomView = Type.Object({
  ...PublishedRoom.properties,
  /** The server that has all this of the room; null: this server, which belongs to no campus. */
  server: nullable(Type.String()),
  /**
   * The server whose room it is. Where it is not `server`, that one has a copy of the room which it does nothing
   * with. Null: that is not known yet, or there is no campus.
   */
  owner: nullable(Type.String()),
  /** Since when nothing was heard of it: this is how it was then. Null: it is as it is. */
  since: nullable(Type.String()),
});
export type CampusRoomView = Static<typeof CampusRoomView>;

/** How a room came to a server. */
export const MoveView = Type.Object({
  /** The server that had it; null: nobody had. */
  from: nullable(Type.String()),
  /** When that server told last what is in it; null: nothing came along. */
  told: nullable(Type.String()),
  /** What is not as it was there, in sentences. */
  notes: Type.Array(Type.String()),
});
export type MoveView = Static<typeof MoveView>;

export const MovedRoomView = Type.Object({ ...RoomView.properties, move: MoveView });
export type MovedRoomView = Static<typeof MovedRoomView>;

/** A session that is over, as its server tells the campus of it. */
export interface EndedSession {
  readonly number: number;
  /** ISO 8601, by that server's clock. */
  readonly started: string;
  readonly ended: string;
  readonly room: string | null;
  /** NAME@VERSION. */
  readonly image: string | null;
  readonly operator: string | null;
  /** What came of it, in a line. */
  readonly text: string;
}

/** An entry of the list of all sessions that are over. */
export interface ToldSession extends EndedSession {
  readonly server: string;
}

/** Null: whatever it is. */
export interface ToldFilter {
  readonly server: string | null;
  /** The server of which nothing is wanted. */
  readonly but: string | null;
  readonly room: string | null;
  readonly image: string | null;
  readonly operator: string | null;
  readonly number: number | null;
  /** How many of those that ended last. */
  readonly limit: number;
}

export const CampusServer = Type.Object({
  name: Type.String(),
  /** Of its API and page; null: not known yet. */
  address: nullable(Type.String()),
  version: Type.String(),
  /** Since when it runs. */
  since: Type.String(),
  /** Since when it was not heard; null: it is. */
  away: nullable(Type.String()),
});
export type CampusServer = Static<typeof CampusServer>;

export const CampusStatus = Type.Object({
  /** This server's name. */
  server: Type.String(),
  /** Since when the database is away, and why; null: it is there. */
  away: nullable(Type.Object({ since: Type.String(), reason: Type.String() })),
  /** By name, as far as they were heard of. */
  servers: Type.Array(CampusServer),
});
export type CampusStatus = Static<typeof CampusStatus>;
