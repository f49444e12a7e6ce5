import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { assert } from "../../core/errors.ts";
import { ScheduleRequest, ScheduleView } from "../../core/wire/api.ts";
import type { Schedule } from "../lab/schedule.ts";
import { requireWord } from "./require-word.ts";
import { ById, closed } from "./schemas.ts";

/** `overwrite`: the room's name. */
const Body = Type.Object(
  { ...ScheduleRequest.properties, overwrite: Type.String({ maxLength: 128 }) },
  closed,
);

/** `/schedule`: restores by the clock. */
export const scheduleRoutes =
  (schedule: Schedule): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      "/schedule",
      { schema: { summary: "list the schedule", response: { 200: Type.Array(ScheduleView) } } },
      async () => schedule.list(),
    );
    app.post(
      "/schedule",
      { schema: { summary: "schedule a restore", body: Body, response: { 200: ScheduleView } } },
      async ({ body, caller }) => {
        assert(caller !== null, "the guard knows who calls");
        const { overwrite, ...request } = body;
        requireWord(overwrite, request.room);
        return schedule.add(request, caller.name);
      },
    );
    app.delete(
      "/schedule/:id",
      { schema: { summary: "take a restore off the schedule", params: ById } },
      async ({ params }, reply) => {
        schedule.remove(params.id);
        return reply.code(204).send();
      },
    );
  };
