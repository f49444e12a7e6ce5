import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { whenClosed } from "../../core/node/when-closed.ts";
import { Finding, RoomImport, WakeReport } from "../../core/wire/api.ts";
import { RoomName } from "../../core/wire/names.ts";
import { nullable } from "../../core/wire/nullable.ts";
import { RoomChange, RoomView, Seat, seatsLimit } from "../../core/wire/rooms.ts";
import type { Lab } from "../lab/lab.ts";
import type { Logins } from "./logins.ts";
import { closed, NoBody } from "./schemas.ts";

const ByName = Type.Object({ name: RoomName });
const NewRoom = Type.Object({ name: RoomName }, closed);
const Seats = Type.Object({ seats: Type.Array(Seat, { maxItems: seatsLimit }) }, closed);
const Walk = Type.Object({ on: Type.Boolean() }, closed);
/** The image whose time is told; else the one that the room was restored from last. */
const Checked = Type.Optional(
  nullable(Type.Object({ image: Type.Optional(Type.String({ maxLength: 256 })) }, closed)),
);
/** Seconds to wait for the PCs that are woken; 0: only the packets are sent. */
const Wake = Type.Object({ timeout: Type.Number({ minimum: 0, maximum: 900 }) }, closed);
const List = Type.Object({ csv: Type.String() }, closed);
/** A line of 2000 characters for each seat of the largest room. */
const listBytes = 2 * 1024 * 1024;
const room = { 200: RoomView };

/** `/rooms`: settings, seats, the seat walk. */
export const roomRoutes =
  (lab: Lab, logins: Logins): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      "/rooms",
      { schema: { summary: "list rooms", response: { 200: Type.Array(RoomView) } } },
      async () => lab.inventory.rooms().map((name) => lab.rooms.view(name)),
    );
    app.post(
      "/rooms",
      { schema: { summary: "create a room", body: NewRoom, response: room } },
      async ({ body }) => lab.rooms.create(body.name),
    );
    app.get(
      "/rooms/:name",
      { schema: { summary: "show a room", params: ByName, response: room } },
      async ({ params }) => lab.rooms.view(params.name),
    );
    app.patch(
      "/rooms/:name",
      {
        schema: {
          summary: "change a room's settings",
          params: ByName,
          body: RoomChange,
          response: room,
        },
      },
      async ({ params, body }) => lab.rooms.set(params.name, body),
    );
    app.get(
      "/rooms/:name/export",
      // The owner's fields are for whoever works with the room.
      {
        config: { role: "operator" },
        schema: { summary: "list a room's PCs as CSV", params: ByName },
      },
      async ({ params }, reply) =>
        reply.type("text/csv; charset=utf-8").send(lab.lists.export(params.name)),
    );
    app.post(
      "/rooms/:name/import",
      {
        bodyLimit: listBytes,
        schema: {
          summary: "name and place PCs as a list in CSV says",
          params: ByName,
          body: List,
          response: { 200: RoomImport },
        },
      },
      async ({ params, body }) => lab.lists.import(params.name, body.csv),
    );
    app.post(
      "/rooms/:name/unlock",
      {
        schema: {
          summary: "open the menus of a room that wrong PINs have shut",
          params: ByName,
          body: NoBody,
          response: room,
        },
      },
      async ({ params }) => lab.rooms.unlock(params.name),
    );
    app.delete(
      "/rooms/:name",
      { schema: { summary: "delete a room", params: ByName } },
      async ({ params }, reply) => {
        const { name } = lab.rooms.view(params.name);
        lab.rooms.delete(name);
        logins.endWallLink(name);
        return reply.code(204).send();
      },
    );
    app.put(
      "/rooms/:name/seats",
      {
        schema: { summary: "replace a room's seats", params: ByName, body: Seats, response: room },
      },
      async ({ params, body }) => lab.rooms.setSeats(params.name, body.seats),
    );
    app.post(
      "/rooms/:name/wake",
      {
        schema: {
          summary: "wake a room's PCs, and say which of them started",
          params: ByName,
          body: Wake,
          response: { 200: WakeReport },
        },
      },
      async ({ params, body }, reply) => {
        const gone = new AbortController();
        whenClosed(reply.raw, () => gone.abort());
        return lab.rooms.wake(params.name, body.timeout * 1000, gone.signal);
      },
    );
    app.post(
      "/rooms/:name/check",
      {
        schema: {
          summary: "check the network to a room's idle PCs, and say what to mend",
          params: ByName,
          body: Checked,
          response: { 200: Type.Array(Finding) },
        },
      },
      async ({ params, body }) => lab.roomChecks.check(params.name, body?.image ?? null),
    );
    app.post(
      "/rooms/:name/walk",
      {
        schema: { summary: "begin or end a seat walk", params: ByName, body: Walk, response: room },
      },
      async ({ params, body }) => lab.rooms.walk(params.name, body.on),
    );
  };
