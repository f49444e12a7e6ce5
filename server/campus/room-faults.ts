/** Why a server may not do something with a room of its campus. */
import { RoomcastError } from "../../core/errors.ts";

/** `refusal`: what its server says; null: it says nothing. `owner`: null: it is nobody's now. */
export const roomNotGiven = (
  room: string,
  owner: string | null,
  refusal: string | null,
): RoomcastError =>
  new RoomcastError(
    "conflict",
    `the room ${room} stays ${owner === null ? "where it is" : `at the server ${owner}`}: ${refusal ?? "its server has not given it"}`,
    refusal === null
      ? "see `roomcast room list` for whose it is, and move it again"
      : "wait for the end of that, or end it there; then move the room again",
  );

export const roomStays = (room: string): RoomcastError =>
  new RoomcastError(
    "refused",
    `each server has a room ${room} of its own, for PCs that nobody has placed`,
    "place its PCs in another room, and move that",
  );

export const ownerSilent = (room: string, owner: string): RoomcastError =>
  new RoomcastError(
    "away",
    `the room ${room} stays at the server ${owner}, which did not answer in 20 seconds`,
    `see in \`roomcast status\` whether ${owner} is away, and that it has this roomcast; a minute after it was heard last the room can be moved without it`,
  );

/** Whoever ordered it waits no longer; it goes on by itself. */
export const roomOnItsWay = (room: string): RoomcastError =>
  new RoomcastError(
    "away",
    `the room ${room} is on its way, and what became of that is not known yet`,
    "see `roomcast status` and `roomcast room list`: the servers go on with it by themselves",
  );

/** What is changed in it now would be lost. */
export const roomLeaves = (room: string, to: string): RoomcastError =>
  new RoomcastError(
    "conflict",
    `the room ${room} is on its way to the server ${to}`,
    `do it there, once \`roomcast room list\` says that it is ${to}'s`,
  );

/** It may have been given by then. */
export const roomLostOnItsWay = (room: string, to: string, server: string): RoomcastError =>
  new RoomcastError(
    "conflict",
    `the room ${room} was on its way to the server ${to} when the campus's database lost its lease`,
    `if ${to} does not have it, keep it here: \`roomcast room move ${room} --server ${server}\``,
  );

export const roomComes = (room: string): RoomcastError =>
  new RoomcastError(
    "conflict",
    `the room ${room} is on its way here from another server`,
    "wait until `roomcast status` does not say so any more",
  );

/** It was given to this server, or the server has lost it. */
export const roomWaits = (room: string, server: string): RoomcastError =>
  new RoomcastError(
    "conflict",
    `the campus has a room ${room} of this server, and what is in it has not come here`,
    `take what was told of it last: \`roomcast room move ${room} --server ${server}\``,
  );

export const roomElsewhere = (room: string, owner: string, server: string): RoomcastError =>
  new RoomcastError(
    "conflict",
    `the room ${room} is of the server ${owner} of the campus`,
    `do it there; or move the room here: \`roomcast room move ${room} --server ${server}\``,
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
