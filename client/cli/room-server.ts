/** Which server of a campus is meant by the name of a room: a command about a room goes to the server whose it is. */
import { RoomcastError } from "../../core/errors.ts";
import type { CampusRoomView, CampusStatus } from "../../core/wire/campus.ts";
import { foldedName } from "../../core/wire/names.ts";
import type { CliContext } from "./context.ts";

/**
 * The same, for the server whose room it is, where another one than this has it. Whoever names a server means that
 * one. Without a room, and for one that the campus does not know, it is this server's to answer.
 */
export async function atServerOf(
  context: CliContext,
  room: string | undefined,
): Promise<CliContext> {
  const { client } = context;
  if (room === undefined || client.server !== null) return context;
  const campus = await client.get<CampusStatus | null>("/campus");
  if (campus === null) return context;
  const rooms = await client.get<CampusRoomView[]>("/campus/rooms");
  // Each server has a `default`.
  const owners = rooms.filter((each) => isNamed(each, room)).map(({ owner }) => owner);
  const [owner = null] = owners;
  if (owner === null || owners.includes(campus.server)) return context;
  return { ...context, client: client.at(owner) };
}

/** The beginning of a command line that asks the same server as this one. */
export const roomcastAt = ({ client }: Pick<CliContext, "client">): string =>
  client.server === null ? "roomcast" : `roomcast --server-name ${client.server}`;

/** " at NAME", where another server of the campus does it. */
export const atText = ({ client }: Pick<CliContext, "client">): string =>
  client.server === null ? "" : ` at ${client.server}`;

/**
 * Does something with a session. Each server counts its own, so that one of this name elsewhere is never taken for it:
 * where there is none here, the error says which servers show one.
 */
export async function withSession<T>(
  { client }: CliContext,
  id: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RoomcastError) || error.code !== "not-found") throw error;
    if (client.server !== null) throw error;
    const rooms = await client.get<CampusRoomView[]>("/campus/rooms");
    const servers = rooms.flatMap(({ session, server }) =>
      session === id && server !== null ? [server] : [],
    );
    if (servers.length === 0) throw error;
    throw new RoomcastError(
      "not-found",
      `this server has no session ${id}; ${servers.join(" and ")} ${servers.length === 1 ? "has" : "have"} one of that name`,
      `name the server that is meant: --server-name ${servers[0]}`,
      { cause: error },
    );
  }
}

const isNamed = ({ name }: CampusRoomView, room: string): boolean =>
  foldedName(name) === foldedName(room);
