import type { OutgoingHttpHeaders } from "node:http";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { type ApiEvent, HistoryEvent, LiveEvent } from "../../core/wire/api.ts";
import { RoomName } from "../../core/wire/names.ts";
import type { Lab } from "../lab/lab.ts";
import type { StateStore } from "../state/state-store.ts";
import { whileLetIn } from "./access.ts";
import { EventStream } from "./event-stream.ts";
import type { LiveEvents } from "./live-events.ts";
import { closed, Reference } from "./schemas.ts";
import { WallEvents } from "./wall-events.ts";

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

export interface EventPorts {
  readonly lab: Lab;
  readonly state: StateStore;
  readonly live: LiveEvents;
}

/** `/events`, live, and `/history`, the past. */
export const eventRoutes =
  (ports: EventPorts): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { lab, state } = ports;
    app.get(
      "/events",
      {
        config: { wall: true, ordered: false },
        schema: {
          summary: "follow the whole state and its changes as server-sent events",
          produces: ["text/event-stream"],
          response: { 200: LiveEvent },
        },
      },
      (request, reply) => streamEvents(ports, request, reply),
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
          pc: pc === undefined ? null : lab.inventory.idOf(pc),
          image: image === undefined ? null : lab.images.nameOf(image),
          limit: Math.min(historyLimit, Number(limit ?? 200)),
        });
        return events.map((event) => ({
          ...event,
          pcName: event.pc === null ? null : (lab.inventory.get(event.pc)?.name ?? null),
        }));
      },
    );
  };

/** Between two signs of life, in milliseconds. */
const aliveEveryMs = 5000;

/**
 * To whoever was here before, what was missed, if that is known; else `reset`, and everything anew. To whoever
 * comes for the first time, everything.
 */
function streamEvents(
  { lab, live }: EventPorts,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  reply.hijack();
  reply.raw.writeHead(200, {
    ...(reply.getHeaders() as OutgoingHttpHeaders),
    ...{ "content-type": "text/event-stream", "cache-control": "no-store" },
  });
  const stream = new EventStream(reply.raw, (number) => live.idOf(number));
  const room = request.caller?.room ?? null;
  const wall = room === null ? null : new WallEvents(lab, room);
  const { "last-event-id": last } = request.headers;
  // What a wall is shown depends on what it was shown.
  const missed = typeof last === "string" && wall === null ? live.missed(last) : null;
  if (last !== undefined && missed === null) stream.say({ type: "reset" });
  if (missed !== null) for (const change of missed) stream.tell(change);
  else {
    for (const event of wholeState(lab)) {
      const told = wall === null ? event : wall.take(event);
      if (told !== null) stream.say(told);
    }
    stream.sayReady(live.latest);
  }
  const stopListening = live.listen((event, change) => {
    if (wall === null) return stream.tell(change);
    const told = wall.take(event);
    if (told !== null) stream.tell({ ...change, text: JSON.stringify(told) });
  });
  const alive = setInterval(() => stream.keepAlive(), aliveEveryMs);
  const stop = (): void => {
    stopLooking();
    clearInterval(alive);
    stopListening();
  };
  const stopLooking = whileLetIn(request, () => {
    stop();
    reply.raw.end();
  });
  request.raw.on("close", stop);
}

function* wholeState(lab: Lab): Generator<ApiEvent> {
  for (const name of lab.inventory.rooms()) yield { type: "room", room: lab.rooms.view(name) };
  for (const pc of lab.inventory.pcs()) yield { type: "pc", pc: lab.pcView(pc) };
  for (const image of lab.images.views()) yield { type: "image", image };
  for (const session of lab.sessions.views()) yield { type: "session", session };
  for (const request of lab.requests.list()) yield { type: "request", request };
  yield { type: "warnings", texts: [...lab.announcer.warnings] };
}
