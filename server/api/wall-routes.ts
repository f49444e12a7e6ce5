import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { RoomcastError } from "../../core/errors.ts";
import { MadeWallLink, WallLink } from "../../core/wire/api.ts";
import { RoomName } from "../../core/wire/names.ts";
import { nullable } from "../../core/wire/nullable.ts";
import type { Lab } from "../lab/lab.ts";
import type { Logins } from "./logins.ts";
import { operatorOf } from "./ordered-by.ts";
import { NoBody } from "./schemas.ts";

const ByName = Type.Object({ name: RoomName });

/** `/rooms/R/wall-link`; `gateUrl` is the server's address for who comes by the local socket. */
export const wallRoutes =
  (lab: Lab, logins: Logins, gateUrl: () => string): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      "/rooms/:name/wall-link",
      {
        config: { role: "operator", audit: false, ordered: false },
        schema: {
          summary: "show who made the link to the wall of a room",
          ...{ params: ByName, response: { 200: nullable(MadeWallLink) } },
        },
      },
      async ({ params }) => logins.wallLink(lab.rooms.view(params.name).name),
    );
    app.post(
      "/rooms/:name/wall-link",
      {
        config: { ordered: false },
        schema: {
          summary: "make a link to the wall of a room, in place of an earlier one",
          params: ByName,
          body: NoBody,
          response: { 200: WallLink },
        },
      },
      async (request) => {
        const { name } = lab.rooms.view(request.params.name);
        const secret = logins.makeWallLink(name, operatorOf(request));
        const isLocal = request.caller?.address === null;
        const server = isLocal ? gateUrl() : `https://${request.headers.host}`;
        // Behind the #: no server, log or other page is told it.
        return { url: `${server}/?wall#${secret}` };
      },
    );
    app.delete(
      "/rooms/:name/wall-link",
      {
        config: { ordered: false },
        schema: { summary: "end the link to the wall of a room", params: ByName },
      },
      async ({ params }, reply) => {
        const { name } = lab.rooms.view(params.name);
        if (logins.endWallLink(name)) return reply.code(204).send();
        const next = `make one with \`roomcast room wall-link ${name}\``;
        throw new RoomcastError("not-found", `there is no link to the wall of ${name}`, next);
      },
    );
  };
