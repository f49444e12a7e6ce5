import type { OutgoingHttpHeaders } from "node:http";
import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyReply, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { whenClosed } from "../../core/node/when-closed.ts";
import { type ApiEvent, HistoryEvent, LiveEvent } from "../../core/wire/api.ts";
import type { ToldFilter, ToldSession } from "../../core/wire/campus.ts";
import { RoomName } from "../../core/wire/names.ts";
import type { Lab } from "../lab/lab.ts";
import type { StateStore } from "../state/state-store.ts";
import { AsWall, whileLetIn } from "./access.ts";
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
    /** Of a campus: what this server's name is, or another one's. */
    server: Type.Optional(Type.String({ maxLength: 63 })),
    /** How many of the newest events; 200 by default. */
    limit: Type.Optional(Type.String({ pattern: "^[0-9]{1,5}$" })),
  },
  closed,
);

/** The sessions that are over at the other servers of a campus. */
export interface HistoryPort {
  /** This server's name. */
  readonly server: string;
  /** None while that cannot be asked. */
  list(filter: ToldFilter): Promise<readonly ToldSession[]>;
}

export interface EventPorts {
  readonly lab: Lab;
  readonly state: StateStore;
  readonly live: LiveEvents;
  /** Null: the server belongs to no campus. */
  readonly history: HistoryPort | null;
}

/** `/events`, live, and `/history`, the past. */
export const eventRoutes =
  (ports: EventPorts): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { lab, state, history } = ports;
    app.get(
      "/events",
      {
        config: { wall: true, ordered: false },
        schema: {
          summary: "follow the whole state and its changes as server-sent events",
          produces: ["text/event-stream"],
          querystring: AsWall,
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
        const { pc, image, limit, server = null, ...rest } = query;
        const wanted = {
          ...rest,
          image: image === undefined ? null : lab.images.nameOf(image),
          limit: Math.min(historyLimit, Number(limit ?? 200)),
        };
        const isOwn = server === null || server === (history?.server ?? null);
        const events = isOwn
          ? state.events({ ...wanted, pc: pc === undefined ? null : lab.inventory.idOf(pc) })
          : [];
        const own = events.map((event) => ({
          ...event,
          pcName: event.pc === null ? null : (lab.inventory.get(event.pc)?.name ?? null),
          ...(history === null ? {} : { server: history.server }),
        }));
        // What PCs did at another server only that one knows.
        if (history === null || pc !== undefined || server === history.server) return own;
        const others = await othersOf(history, server, wanted);
        return [...own, ...others].sort(byTime).slice(-wanted.limit);
      },
    );
  };

const byTime = (one: HistoryEvent, other: HistoryEvent): number =>
  one.at < other.at ? -1 : one.at > other.at ? 1 : 0;

/** A session's number is each server's own: without a server's name it means this one's. */
async function othersOf(
  history: HistoryPort,
  server: string | null,
  wanted: {
    room?: string;
    session?: string;
    operator?: string;
    image: string | null;
    limit: number;
  },
): Promise<HistoryEvent[]> {
  const { room = null, session, operator = null, image, limit } = wanted;
  if (session !== undefined && (server === null || !/^s\d{1,9}$/.test(session))) return [];
  const number = session === undefined ? null : Number(session.slice(1));
  const but = history.server;
  const told = await history.list({ server, but, room, image, operator, number, limit });
  return told.map((each) => ({
    ...{ at: each.ended, session: `s${each.number}`, pc: null, pcName: null, room: each.room },
    ...{ image: each.image, operator: each.operator, text: each.text, server: each.server },
  }));
}

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
  whenClosed(reply.raw, stop);
}

function* wholeState(lab: Lab): Generator<ApiEvent> {
  for (const name of lab.inventory.rooms()) yield { type: "room", room: lab.rooms.view(name) };
  for (const pc of lab.inventory.pcs()) yield { type: "pc", pc: lab.pcView(pc) };
  for (const image of lab.images.views()) yield { type: "image", image };
  for (const session of lab.sessions.views()) yield { type: "session", session };
  for (const request of lab.requests.list()) yield { type: "request", request };
  yield { type: "warnings", texts: [...lab.announcer.warnings] };
}
