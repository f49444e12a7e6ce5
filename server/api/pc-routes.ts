import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { requireWiped } from "../../core/screen/wiped.ts";
import { PairingCode } from "../../core/wire/login.ts";
import { PcName, RoomName, SeatName } from "../../core/wire/names.ts";
import { nullable } from "../../core/wire/nullable.ts";
import { PcFields, PcView, SessionView } from "../../core/wire/views.ts";
import { WipeMethod } from "../../core/wire/wipe.ts";
import type { Lab } from "../lab/lab.ts";
import { operatorOf, orderedBy, Shown } from "./ordered-by.ts";
import { requireWord } from "./require-word.ts";
import { ById, closed, Device, FailingDisks, NoBody, Reference } from "./schemas.ts";

const PcChange = Type.Object(
  {
    name: Type.Optional(PcName),
    room: Type.Optional(RoomName),
    seat: Type.Optional(nullable(SeatName)),
    /** ADDRESS/LEN; without /LEN it is the room's. */
    address: Type.Optional(nullable(Type.String({ maxLength: 32 }))),
    /** Those that change; an empty text takes one away. */
    fields: Type.Optional(PcFields),
  },
  closed,
);

const Power = Type.Object(
  {
    action: Type.Union([
      Type.Literal("wake"),
      Type.Literal("reboot"),
      Type.Literal("poweroff"),
      Type.Literal("boot-disk"),
    ]),
  },
  closed,
);

const Wipe = Type.Object(
  {
    method: WipeMethod,
    disk: Type.Optional(Device),
    failingDisks: Type.Optional(FailingDisks),
    /** The PC's name. */
    overwrite: Type.String({ maxLength: 128 }),
    shown: Shown,
    /** Whether the answer comes when the wipe is over, as it does unless this is said, or once it is ordered. */
    wait: Type.Optional(Type.Boolean()),
  },
  closed,
);

/** The known PC that this PC is; null if it is a new one. */
const Identity = Type.Object({ as: nullable(Reference) }, closed);

/** The code that the caller was shown: a PC that has another by now is not admitted. */
const Code = Type.Object({ code: Type.Optional(nullable(PairingCode)) }, closed);

const Lines = Type.Object({ lines: Type.Array(Type.String()) });

/** `/pcs`: the inventory, and calls that act on single PCs. */
export const pcRoutes =
  (lab: Lab): FastifyPluginAsyncTypebox =>
  async (app) => {
    app.get(
      "/pcs",
      { schema: { summary: "list PCs", response: { 200: Type.Array(PcView) } } },
      async () => lab.inventory.pcs().map((pc) => lab.pcView(pc)),
    );
    app.get(
      "/pcs/:id",
      { schema: { summary: "show a PC", params: ById, response: { 200: PcView } } },
      async ({ params }) => lab.pcView(lab.inventory.find(params.id)),
    );
    app.patch(
      "/pcs/:id",
      {
        schema: {
          summary: "name or place a PC",
          params: ById,
          body: PcChange,
          response: { 200: PcView },
        },
      },
      async (request) =>
        lab.pcView(lab.pcs.set(request.params.id, request.body, operatorOf(request))),
    );
    app.delete(
      "/pcs/:id",
      { schema: { summary: "forget a PC", params: ById } },
      async ({ params }, reply) => {
        lab.pcs.forget(params.id);
        return reply.code(204).send();
      },
    );
    app.post(
      "/pcs/:id/power",
      {
        schema: {
          summary: "wake, restart or switch off a PC",
          params: ById,
          body: Power,
        },
      },
      async (request, reply) => {
        await lab.pcs.power(request.params.id, request.body.action, orderedBy(request));
        return reply.code(204).send();
      },
    );
    for (const at of ["screen", "log"] as const) {
      app.get(
        `/pcs/:id/${at}`,
        { schema: { summary: `show a PC's ${at}`, params: ById, response: { 200: Lines } } },
        async ({ params }) => ({ lines: [...(await lab.pcs.look(params.id, at))] }),
      );
    }
    app.post(
      "/pcs/:id/identify",
      {
        schema: {
          summary: "say which PC an unidentified one is",
          params: ById,
          body: Identity,
          response: { 200: PcView },
        },
      },
      async (request) =>
        lab.pcView(lab.pcs.identify(request.params.id, request.body.as, operatorOf(request))),
    );
    app.post(
      "/pcs/:id/admit",
      {
        schema: {
          summary: "let a PC have orders: its key is placed",
          params: ById,
          body: Code,
          response: { 200: PcView },
        },
      },
      async (request) => {
        const { code = null } = request.body;
        return lab.pcView(lab.pcs.admit(request.params.id, code, operatorOf(request)));
      },
    );
    app.post(
      "/pcs/:id/revoke",
      {
        schema: {
          summary: "revoke a PC's key",
          params: ById,
          body: NoBody,
          response: { 200: PcView },
        },
      },
      async (request) => lab.pcView(lab.pcs.revoke(request.params.id, operatorOf(request))),
    );
    app.post(
      "/pcs/:id/wipe",
      {
        schema: {
          summary: "wipe a PC's disk",
          params: ById,
          body: Wipe,
          response: { 200: SessionView },
        },
      },
      async (request) => {
        const { params, body } = request;
        requireWord(body.overwrite, lab.inventory.find(params.id).name);
        const { method, disk = null, failingDisks = [], wait = true } = body;
        const by = orderedBy(request, body.shown);
        const ordered = lab.orders.wipe({ pc: params.id, method, disk, failingDisks }, by);
        if (!wait) return ordered;
        const session = await lab.sessions.over(ordered.id);
        requireWiped(session);
        return session;
      },
    );
  };
