/** Why a server may not do something with a room of its campus. */
import { RoomcastError } from "../../core/errors.ts";

/** Nobody takes a room from a server that lives. */
export const roomNotLapsed = (room: string, owner: string): RoomcastError =>
  new RoomcastError(
    "conflict",
    `the room ${room} is of the server ${owner} of the campus, which was heard in the last minute`,
    `delete the room there first, or wait a minute if ${owner} is off for good`,
  );

export const roomElsewhere = (room: string, owner: string, server: string): RoomcastError =>
  new RoomcastError(
    "conflict",
    `the room ${room} is of the server ${owner} of the campus`,
    `do it there; or, if ${owner} is off for good, take the room over here: \`roomcast room move ${room} --server ${server}\``,
  );

export const roomNotKnown = (room: string): RoomcastError =>
  new RoomcastError(
    "away",
    `it is not known yet whether the room ${room} is this server's or another one's of the campus`,
    "see in `roomcast status` whether the campus's database is away; the room can be used once it was reached",
  );

export const hasNamesake = (server: string, address: string | null): RoomcastError =>
  new RoomcastError(
    "conflict",
    `another server of the campus is named ${server}, too${address === null ? "" : `: the one at ${address}`}`,
    "give this one a name of its own in its configuration ([server] name), and start it again",
  );
