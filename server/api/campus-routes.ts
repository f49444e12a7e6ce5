import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { RoomcastError } from "../../core/errors.ts";
import {
  CampusRoomView,
  type CampusServer,
  CampusStatus,
  MovedRoomView,
  type MoveView,
} from "../../core/wire/campus.ts";
import type { OrderAnswer, OrderedCall } from "../../core/wire/campus-order.ts";
import { RoomName } from "../../core/wire/names.ts";
import { nullable } from "../../core/wire/nullable.ts";
import type { Lab } from "../lab/lab.ts";
import { closed } from "./schemas.ts";

const ByName = Type.Object({ name: RoomName });
const Move = Type.Object({ server: Type.String({ maxLength: 63 }) }, closed);

export interface CampusRoutesPorts {
  readonly rooms: {
    /** This server's name. */
    readonly server: string;
    /** Has a room here, with all that is in it. Rejects with `conflict` where its server keeps it, and with `away`. */
    move(room: string): Promise<MoveView>;
    /** The rooms of all servers, by name. */
    views(): CampusRoomView[];
    status(): CampusStatus;
  };
  readonly orders: {
    /** Throws `not-found` for a server that the campus does not have. */
    serverNamed(name: string): CampusServer;
    /**
     * Has another server do a call, and answers what it answers. Rejects with `away` where nothing was done, and with
     * `failed` where that is not known. `gone`: nobody waits any more.
     */
    order(to: string, call: OrderedCall, gone: AbortSignal): Promise<OrderAnswer>;
  };
}

/** `/campus`: what the servers of a campus see of each other. */
export const campusRoutes =
  (lab: Lab, campus: CampusRoutesPorts | null): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      "/campus",
      {
        schema: {
          summary: "list the servers of the campus",
          response: { 200: nullable(CampusStatus) },
        },
      },
      async () => campus?.rooms.status() ?? null,
    );
    app.get(
      "/campus/rooms",
      {
        schema: {
          summary: "list the rooms of all servers of the campus",
          response: { 200: Type.Array(CampusRoomView) },
        },
      },
      async () => campus?.rooms.views() ?? lab.inventory.rooms().map((name) => alone(lab, name)),
    );
    app.post(
      "/rooms/:name/move",
      {
        config: { role: "admin" },
        schema: {
          summary: "move a room to this server, with all that is in it",
          params: ByName,
          body: Move,
          response: { 200: MovedRoomView },
        },
      },
      async ({ params: { name }, body: { server } }) => {
        requireThis(campus, server);
        const move = await campus.rooms.move(name);
        return { ...lab.rooms.view(name), move };
      },
    );
  };

function requireThis(
  campus: CampusRoutesPorts | null,
  server: string,
): asserts campus is CampusRoutesPorts {
  if (campus === null) {
    const next = "see docs/campus.md for what makes several servers a campus";
    throw new RoomcastError("refused", "this server belongs to no campus", next);
  }
  const own = campus.rooms.server;
  if (own === server) return;
  throw new RoomcastError(
    "refused",
    `a room moves by the word of the server that takes it, and this one is ${own}`,
    `do it at ${server}${addressOf(campus, server)}`,
  );
}

/** Of a server, behind what is said of it; empty where it is not known. */
export function addressOf({ rooms }: CampusRoutesPorts, server: string): string {
  const address = rooms.status().servers.find(({ name }) => name === server)?.address ?? null;
  return address === null ? "" : `: ${address}`;
}

const alone = (lab: Lab, name: string): CampusRoomView => ({
  ...lab.publishedRoom(name),
  ...{ server: null, owner: null, since: null },
});
