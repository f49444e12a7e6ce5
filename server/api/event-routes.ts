import type { OutgoingHttpHeaders } from "node:http";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { ApiEvent, HistoryEvent } from "../../core/wire/api.ts";
import { RoomName } from "../../core/wire/names.ts";
import type { Lab } from "../lab/lab.ts";
import type { StateStore } from "../state/state-store.ts";
import { whileLetIn } from "./access.ts";
import { closed, Reference } from "./schemas.ts";

const historyLimit = 10_000;

const Filter = Type.Object(
  {
    pc: Type.Optional(Reference),
    room: Type.Optional(RoomName),
    image: Type.Optional(Reference),
    session: Type.Optional(Reference),
    operator: Type.Optional(Reference),
    /** How many of the newest events; 200 by default. */
    limit: Type.Optional(Type.String({ pattern: "^[0-9]{1,5}$" })),
  },
  closed,
);

/** `/events`, live, and `/history`, the past. */
export const eventRoutes =
  (lab: Lab, state: StateStore): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      "/events",
      {
        schema: {
          summary: "follow the whole state and its changes as server-sent events",
          produces: ["text/event-stream"],
          response: { 200: ApiEvent },
        },
      },
      (request, reply) => streamEvents(lab, request, reply),
    );
    app.get(
      "/history",
      {
        schema: {
          summary: "list what happened to a PC, a room, an image or a session, oldest first",
          querystring: Filter,
          response: { 200: Type.Array(HistoryEvent) },
        },
      },
      async ({ query }) => {
        const { pc, image, limit, ...rest } = query;
        const events = state.events({
          ...rest,
          pc: pc === undefined ? null : lab.pcIdOf(pc),
          image: image === undefined ? null : lab.imageNameOf(image),
          limit: Math.min(historyLimit, Number(limit ?? 200)),
        });
        return events.map((event) => ({
          ...event,
          pcName: event.pc === null ? null : (lab.inventory.get(event.pc)?.name ?? null),
        }));
      },
    );
  };

/** A listener that cannot keep up is cut off at so many buffered bytes; it connects again and starts anew. */
const eventBacklogLimitBytes = 8 * 1024 * 1024;

function streamEvents(lab: Lab, request: FastifyRequest, reply: FastifyReply): void {
  reply.hijack();
  const stream = reply.raw;
  stream.writeHead(200, {
    ...(reply.getHeaders() as OutgoingHttpHeaders),
    ...{ "content-type": "text/event-stream", "cache-control": "no-store" },
  });
  const say = (event: ApiEvent): void => {
    stream.write(`data: ${JSON.stringify(event)}\n\n`);
    if (stream.writableLength > eventBacklogLimitBytes) stream.destroy();
  };
  for (const name of lab.inventory.rooms()) say({ type: "room", room: lab.rooms.view(name) });
  for (const pc of lab.inventory.pcs()) say({ type: "pc", pc: lab.pcView(pc) });
  for (const image of lab.images()) say({ type: "image", image });
  for (const session of lab.sessions.views()) say({ type: "session", session });
  for (const request of lab.requests.list()) say({ type: "request", request });
  say({ type: "warnings", texts: [...lab.announcer.warnings] });
  say({ type: "ready" });
  const stopListening = lab.announcer.feed.listen(say);
  const alive = setInterval(() => stream.write(": alive\n\n"), 5000);
  const stop = (): void => {
    stopLooking();
    clearInterval(alive);
    stopListening();
  };
  const stopLooking = whileLetIn(request, () => {
    stop();
    stream.end();
  });
  request.raw.on("close", stop);
}
