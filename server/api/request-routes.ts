import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { assert } from "../../core/errors.ts";
import { RequestView } from "../../core/wire/trust.ts";
import { SessionView } from "../../core/wire/views.ts";
import type { Requests } from "../lab/requests.ts";
import { requireWord } from "./require-word.ts";
import { ById, closed, NoBody } from "./schemas.ts";

/** `overwrite`: the request's `word`, where it has one. */
const Yes = Type.Object({ overwrite: Type.Optional(Type.String({ maxLength: 128 })) }, closed);

/** `/requests`: what people at PCs have asked for, and the operators' answers. */
export const requestRoutes =
  (requests: Requests): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      "/requests",
      {
        schema: {
          summary: "list what waits for an operator's yes",
          response: { 200: Type.Array(RequestView) },
        },
      },
      async () => requests.list(),
    );
    app.post(
      "/requests/:id/yes",
      {
        schema: {
          summary: "say yes to a request of a PC",
          params: ById,
          body: Yes,
          response: { 200: SessionView },
        },
      },
      async ({ params, body, caller }) => {
        assert(caller !== null, "the guard knows who calls");
        const { word } = requests.find(params.id);
        if (word !== null) requireWord(body.overwrite ?? "", word);
        return requests.yes(params.id, caller.name);
      },
    );
    app.post(
      "/requests/:id/no",
      { schema: { summary: "say no to a request of a PC", params: ById, body: NoBody } },
      async ({ params, caller }, reply) => {
        assert(caller !== null, "the guard knows who calls");
        requests.no(params.id, caller.name);
        return reply.code(204).send();
      },
    );
  };
