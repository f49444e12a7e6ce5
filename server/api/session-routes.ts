import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { proofSecondsLimit, usualProofSeconds } from "../../core/session/boot-proof.ts";
import { FitMode } from "../../core/wire/fit-size.ts";
import { ImageName, RoomName } from "../../core/wire/names.ts";
import { nullable } from "../../core/wire/nullable.ts";
import { Afterwards, Personalise, startTimeoutLimit } from "../../core/wire/orders.ts";
import { SessionView } from "../../core/wire/views.ts";
import type { Lab } from "../lab/lab.ts";
import { orderedBy, Shown } from "./ordered-by.ts";
import { requireWord } from "./require-word.ts";
import { ById, closed, Device, FailingDisks, NoBody, Reference } from "./schemas.ts";

/** What will be destroyed: the room's name, or the PCs' names joined by commas. */
const Overwrite = Type.String({ maxLength: 65536 });

/** An image's name. */

/** The targets and options of restores and live casts. */
const targetFields = {
  room: Type.Optional(nullable(RoomName)),
  pcs: Type.Optional(nullable(Type.Array(Reference, { minItems: 1, maxItems: 1000 }))),
  disk: Type.Optional(Device),
  failingDisks: Type.Optional(FailingDisks),
  start: Type.Optional(
    Type.Union([Type.Literal("now"), Type.Literal("all"), Type.Integer({ minimum: 1 })]),
  ),
  /** Seconds. */
  startTimeout: Type.Optional(nullable(Type.Number({ minimum: 0, maximum: startTimeoutLimit }))),
  delta: Type.Optional(Type.Boolean()),
  verify: Type.Optional(Type.Union([Type.Literal("written"), Type.Literal("read-back")])),
  afterwards: Type.Optional(Afterwards),
  personalise: Type.Optional(Personalise),
  /** For smaller disks; `auto` unless it is said, but of a live cast, which has none. */
  fit: Type.Optional(FitMode),
  /** Seconds in which a verified PC has to be seen to come up; null: nobody waits for that. */
  proveBoot: Type.Optional(nullable(Type.Number({ minimum: 1, maximum: proofSecondsLimit }))),
  /** The PC that is first, or how many. */
  canary: Type.Optional(
    nullable(Type.Union([Reference, Type.Integer({ minimum: 1, maximum: 1000 })])),
  ),
  overwrite: Overwrite,
  shown: Shown,
};

const RestoreBody = Type.Object(
  { kind: Type.Literal("restore"), image: Reference, ...targetFields },
  closed,
);

/** A live cast: a PC sends its own disk to the others. */
const CastBody = Type.Object(
  {
    kind: Type.Literal("cast"),
    sender: Reference,
    /** The image that the server also stores; null: none. */
    saveAs: Type.Optional(nullable(ImageName)),
    /** The sender's disk; null lets its agent choose. */
    sourceDisk: Type.Optional(Device),
    raw: Type.Optional(Type.Boolean()),
    ...targetFields,
  },
  closed,
);

const CaptureBody = Type.Object(
  {
    pc: Reference,
    name: ImageName,
    disk: Type.Optional(Device),
    raw: Type.Optional(Type.Boolean()),
    shown: Shown,
  },
  closed,
);

const OnePc = Type.Object({ pc: Reference }, closed);
/** `overwrite`: the PC's name. */
const Admit = Type.Object({ pc: Reference, overwrite: Overwrite, shown: Shown }, closed);
const Retry = Type.Object({ overwrite: Overwrite }, closed);
/** `brief`: members come without what was done to their systems, which is most of a long list. */
const Brief = Type.Object({ brief: Type.Optional(Type.Literal("true")) }, closed);
const session = { 200: SessionView };

/** `/sessions` and `/captures`. */
export const sessionRoutes =
  (lab: Lab): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      "/sessions",
      {
        schema: {
          summary: "list sessions",
          querystring: Brief,
          response: { 200: Type.Array(SessionView) },
        },
      },
      async ({ query }) =>
        query.brief === "true" ? lab.sessions.views().map(withoutSteps) : lab.sessions.views(),
    );
    app.get(
      "/sessions/:id",
      { schema: { summary: "show a session", params: ById, response: session } },
      async ({ params }) => lab.sessions.find(params.id),
    );
    app.post(
      "/sessions",
      {
        schema: {
          summary: "restore an image, or cast a PC's disk live",
          body: Type.Union([RestoreBody, CastBody]),
          response: session,
        },
      },
      async (request) => {
        const { body } = request;
        const room = body.room ?? null;
        const pcs = body.pcs ?? null;
        const by = orderedBy(request, body.shown);
        const names = lab.orders.targets({ room, pcs }, by).map((pc) => pc.name);
        requireWord(body.overwrite, room ?? names.join(","));
        const { afterwards = "stay", proveBoot = usualProofSeconds(afterwards) } = body;
        const order = {
          room,
          pcs,
          disk: body.disk ?? null,
          failingDisks: body.failingDisks ?? [],
          start: body.start ?? "now",
          startTimeoutSeconds: body.startTimeout ?? null,
          delta: body.delta ?? false,
          verify: body.verify ?? "read-back",
          afterwards,
          personalise: body.personalise ?? "auto",
          proveBootSeconds: proveBoot,
          canary: body.canary ?? null,
        };
        if (body.kind === "restore") {
          const { image, fit = "auto" } = body;
          return lab.orders.restore({ ...order, image, fit }, by);
        }
        const { sender, saveAs = null, sourceDisk = null, raw = false, fit = "never" } = body;
        return lab.orders.cast({ ...order, sender, saveAs, sourceDisk, raw, fit }, by);
      },
    );
    app.post(
      "/captures",
      { schema: { summary: "capture a PC", body: CaptureBody, response: session } },
      async (request) => {
        const { pc, name, disk = null, raw = false, shown } = request.body;
        return lab.orders.capture({ pc, name, disk, raw }, orderedBy(request, shown));
      },
    );
    app.post(
      "/sessions/:id/start",
      {
        schema: {
          summary: "start a session with the PCs that are ready",
          params: ById,
          body: NoBody,
          response: session,
        },
      },
      async ({ params }) => lab.sessions.start(params.id),
    );
    app.post(
      "/sessions/:id/stop",
      { schema: { summary: "stop a session", params: ById, body: NoBody, response: session } },
      async ({ params }) => lab.sessions.stop(params.id),
    );
    app.post(
      "/sessions/:id/drop",
      {
        schema: {
          summary: "take a PC out of a session",
          params: ById,
          body: OnePc,
          response: session,
        },
      },
      async ({ params, body }) => lab.sessions.drop(params.id, lab.inventory.find(body.pc).id),
    );
    app.post(
      "/sessions/:id/admit",
      {
        schema: {
          summary: "let a PC into a session, or back into it",
          params: ById,
          body: Admit,
          response: session,
        },
      },
      async (request) => {
        const { params, body } = request;
        const pc = lab.inventory.find(body.pc);
        requireWord(body.overwrite, pc.name);
        return lab.orders.admit(params.id, [pc], orderedBy(request, body.shown));
      },
    );
    app.post(
      "/sessions/:id/retry",
      {
        schema: {
          summary: "start a session for the PCs that are not verified",
          params: ById,
          body: Retry,
          response: session,
        },
      },
      async (request) => {
        const { params, body } = request;
        const names = lab.orders.retryable(params.id).map(({ name }) => name);
        requireWord(body.overwrite, names.join(","));
        return lab.orders.retry(params.id, orderedBy(request));
      },
    );
  };

const withoutSteps = (view: SessionView): SessionView => ({
  ...view,
  members: view.members.map((member) => ({ ...member, steps: [] })),
});
