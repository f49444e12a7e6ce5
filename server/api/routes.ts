import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { type ErrorCode, never, RoomcastError } from "../../core/errors.ts";
import { Afterwards } from "../../core/wire/control.ts";
import { RoomChange, RoomName, RoomView, Seat, seatsLimit } from "../../core/wire/rooms.ts";
import { PcView, SessionView } from "../../core/wire/views.ts";
import type { Lab } from "../rooms/lab.ts";
import type { ImageStore } from "../store/image-store.ts";
import type { ApiEvent, StatusView } from "./client.ts";
import { imageApiRoutes } from "./image-api-routes.ts";
import { requireWord } from "./require-word.ts";

const Reference = Type.String({ minLength: 1, maxLength: 128 });
const Device = Type.Union([Type.String({ maxLength: 256 }), Type.Null()]);
const ById = Type.Object({ id: Reference });

const RestoreBody = Type.Object({
  kind: Type.Literal("restore"),
  image: Reference,
  room: Type.Optional(Type.Union([RoomName, Type.Null()])),
  pcs: Type.Optional(Type.Union([Type.Array(Reference, { minItems: 1 }), Type.Null()])),
  disk: Type.Optional(Device),
  start: Type.Optional(
    Type.Union([Type.Literal("now"), Type.Literal("all"), Type.Integer({ minimum: 1 })]),
  ),
  startTimeout: Type.Optional(Type.Union([Type.Number({ minimum: 0 }), Type.Null()])),
  delta: Type.Optional(Type.Boolean()),
  verify: Type.Optional(Type.Union([Type.Literal("written"), Type.Literal("read-back")])),
  afterwards: Type.Optional(Afterwards),
  /** What is destroyed: the room's name, or the PCs' names joined by commas. */
  overwrite: Type.String({ maxLength: 65536 }),
});

export interface ApiPorts {
  readonly lab: Lab;
  readonly images: ImageStore;
  status(): Promise<StatusView>;
}

/** The REST API, without its prefix `/api/v1`. */
export const apiRoutes =
  ({ lab, images, status }: ApiPorts): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.setErrorHandler(answerError);
    app.setNotFoundHandler((request, reply) =>
      answerError(
        new RoomcastError(
          "not-found",
          `there is no ${request.method} ${request.url}`,
          "see /api/v1",
        ),
        request,
        reply,
      ),
    );

    app.get("/status", () => status());
    app.get("/events", (request, reply) => streamEvents(lab, request, reply));

    app.get("/pcs", { schema: { response: { 200: Type.Array(PcView) } } }, async () =>
      lab.inventory.pcs().map((pc) => lab.pcView(pc)),
    );
    app.get(
      "/pcs/:id",
      { schema: { params: ById, response: { 200: PcView } } },
      async ({ params }) => lab.pcView(lab.inventory.find(params.id)),
    );
    const PcChange = Type.Object(
      {
        name: Type.Optional(RoomName),
        room: Type.Optional(RoomName),
        seat: Type.Optional(Type.Union([Seat.properties.name, Type.Null()])),
      },
      { additionalProperties: false },
    );
    app.patch("/pcs/:id", { schema: { params: ById, body: PcChange } }, async ({ params, body }) =>
      lab.pcView(lab.pcs.set(params.id, body)),
    );
    app.delete("/pcs/:id", { schema: { params: ById } }, async ({ params }, reply) => {
      lab.pcs.forget(params.id);
      return reply.code(204).send();
    });
    const Power = Type.Object({
      action: Type.Union([
        Type.Literal("wake"),
        Type.Literal("reboot"),
        Type.Literal("poweroff"),
        Type.Literal("boot-disk"),
      ]),
    });
    app.post(
      "/pcs/:id/power",
      { schema: { params: ById, body: Power } },
      async (request, reply) => {
        await lab.pcs.power(request.params.id, request.body.action);
        return reply.code(204).send();
      },
    );
    for (const at of ["screen", "log"] as const) {
      app.get(`/pcs/:id/${at}`, { schema: { params: ById } }, async ({ params }) => ({
        lines: await lab.look(params.id, at),
      }));
    }
    const Wipe = Type.Object({
      method: Type.Union([Type.Literal("discard"), Type.Literal("zero")]),
      disk: Type.Optional(Device),
      /** The PC's name. */
      overwrite: Type.String(),
    });
    app.post("/pcs/:id/wipe", { schema: { params: ById, body: Wipe } }, async (request, reply) => {
      const { method, disk, overwrite } = request.body;
      requireWord(overwrite, lab.inventory.find(request.params.id).name);
      await lab.pcs.wipe(request.params.id, method, disk ?? null);
      return reply.code(204).send();
    });

    app.get("/rooms", { schema: { response: { 200: Type.Array(RoomView) } } }, async () =>
      lab.inventory.rooms().map((name) => lab.rooms.view(name)),
    );
    app.post("/rooms", { schema: { body: Type.Object({ name: RoomName }) } }, async ({ body }) =>
      lab.rooms.create(body.name),
    );
    const ByName = Type.Object({ name: RoomName });
    app.get(
      "/rooms/:name",
      { schema: { params: ByName, response: { 200: RoomView } } },
      async ({ params }) => lab.rooms.view(params.name),
    );
    app.patch(
      "/rooms/:name",
      { schema: { params: ByName, body: RoomChange, response: { 200: RoomView } } },
      async ({ params, body }) => lab.rooms.set(params.name, body),
    );
    const Seats = Type.Object({ seats: Type.Array(Seat, { maxItems: seatsLimit }) });
    app.put(
      "/rooms/:name/seats",
      { schema: { params: ByName, body: Seats, response: { 200: RoomView } } },
      async ({ params, body }) => lab.rooms.setSeats(params.name, body.seats),
    );
    app.post(
      "/rooms/:name/walk",
      {
        schema: {
          params: ByName,
          body: Type.Object({ on: Type.Boolean() }),
          response: { 200: RoomView },
        },
      },
      async ({ params, body }) => lab.rooms.walk(params.name, body.on),
    );
    app.delete("/rooms/:name", { schema: { params: ByName } }, async ({ params }, reply) => {
      lab.rooms.delete(params.name);
      return reply.code(204).send();
    });

    await app.register(imageApiRoutes({ lab, images }));

    app.get("/sessions", { schema: { response: { 200: Type.Array(SessionView) } } }, async () =>
      lab.sessions.views(),
    );
    app.get("/sessions/:id", { schema: { params: ById } }, async ({ params }) =>
      lab.sessions.find(params.id),
    );
    app.post("/sessions", { schema: { body: RestoreBody } }, async ({ body }) => {
      const room = body.room ?? null;
      const pcs = body.pcs ?? null;
      const names = lab.targets({ room, pcs }).map((pc) => pc.name);
      requireWord(body.overwrite, room ?? names.join(","));
      return lab.restore({
        image: body.image,
        room,
        pcs,
        disk: body.disk ?? null,
        start: body.start ?? "now",
        startTimeoutSeconds: body.startTimeout ?? null,
        delta: body.delta ?? false,
        verify: body.verify ?? "read-back",
        afterwards: body.afterwards ?? "stay",
      });
    });
    app.post("/sessions/:id/stop", { schema: { params: ById } }, async ({ params }) =>
      lab.sessions.stop(params.id),
    );
    app.post("/sessions/:id/start", { schema: { params: ById } }, async ({ params }) =>
      lab.sessions.start(params.id),
    );
    const Drop = Type.Object({ pc: Reference });
    app.post(
      "/sessions/:id/drop",
      { schema: { params: ById, body: Drop } },
      async ({ params, body }) => lab.sessions.drop(params.id, lab.inventory.find(body.pc).id),
    );
    const Capture = Type.Object({
      pc: Reference,
      name: Type.String({ pattern: "^[a-z0-9][a-z0-9._-]{0,62}$" }),
      disk: Type.Optional(Device),
      raw: Type.Optional(Type.Boolean()),
    });
    app.post("/captures", { schema: { body: Capture } }, async ({ body }) =>
      lab.capture({
        pc: body.pc,
        name: body.name,
        disk: body.disk ?? null,
        raw: body.raw ?? false,
      }),
    );
  };

const httpStatus = (code: ErrorCode): number => {
  switch (code) {
    case "usage":
    case "bad-input":
      return 400;
    case "not-found":
      return 404;
    case "refused":
      return 403;
    case "conflict":
      return 409;
    case "unreachable":
      return 503;
    case "no-space":
      return 507;
    case "cancelled":
    case "failed":
      return 500;
    default:
      return never(code);
  }
};

/** Every error leaves as `{code, message, next}`. A bug is logged and says no more than that it is one. */
export function answerError(
  error: FastifyError | RoomcastError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  if (error instanceof RoomcastError) {
    const { code, message, next } = error;
    return reply.code(httpStatus(code)).send({ code, message, next });
  }
  if ("statusCode" in error && error.statusCode !== undefined && error.statusCode < 500) {
    const next = "see /api/v1 in the documentation";
    return reply.code(error.statusCode).send({ code: "usage", message: error.message, next });
  }
  request.log.error({ err: error }, "request failed");
  const next = "the server's log has the cause";
  return reply.code(500).send({ code: "failed", message: "internal error", next });
}

/** A listener that cannot keep up is cut off at this many buffered bytes; it comes back and starts anew. */
const eventBacklogLimit = 8 * 1024 * 1024;

function streamEvents(lab: Lab, request: FastifyRequest, reply: FastifyReply): void {
  reply.hijack();
  const stream = reply.raw;
  stream.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  const say = (event: ApiEvent): void => {
    stream.write(`data: ${JSON.stringify(event)}\n\n`);
    if (stream.writableLength > eventBacklogLimit) stream.destroy();
  };
  for (const name of lab.inventory.rooms()) say({ type: "room", room: lab.rooms.view(name) });
  for (const pc of lab.inventory.pcs()) say({ type: "pc", pc: lab.pcView(pc) });
  for (const image of lab.images()) say({ type: "image", image });
  for (const session of lab.sessions.views()) say({ type: "session", session });
  say({ type: "ready" });
  const stopListening = lab.announcer.feed.listen(say);
  const alive = setInterval(() => stream.write(": alive\n\n"), 5000);
  request.raw.on("close", () => {
    clearInterval(alive);
    stopListening();
  });
}
