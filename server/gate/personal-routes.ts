import type { FastifyInstance } from "fastify";
import { assert, RoomcastError } from "../../core/errors.ts";
import type { Grant, WorkGrant } from "../../core/trust/grant.ts";
import type { Personal } from "../../core/wire/personal.ts";
import type { ImageOrders } from "../lab/image-orders.ts";
import type { Personals } from "../lab/personals.ts";
import type { WindowsPcs } from "../lab/windows.ts";

interface PersonalPorts {
  readonly images: Pick<ImageOrders, "mayHoldWindows">;
  readonly personals: Personals;
  readonly windows: WindowsPcs;
}

/**
 * Registers `GET /gate/v2/personal/SESSION`: what the PC that asks is to be, and no other; and
 * `GET /gate/v2/drivers/SESSION/PATH?piece=N`: drivers for its model.
 */
export async function personalRoutes(
  app: FastifyInstance,
  { images, personals, windows }: PersonalPorts,
): Promise<void> {
  app.get("/gate/v2/personal/:task", async ({ grant }, reply) => {
    const { pc, session } = workOf(grant);
    const seat = await personals.give(pc, session);
    // What is wrong with it is no reason to fail a Linux.
    const own: Personal = {
      ...seat,
      windows: images.mayHoldWindows(session) ? await windows.give(pc) : null,
    };
    return reply.header("cache-control", "no-store").send(own);
  });
  app.get<{ Params: { "*": string }; Querystring: { piece?: unknown } }>(
    "/gate/v2/drivers/:task/*",
    async ({ grant, params, query }, reply) => {
      const piece = String(query.piece);
      if (!/^\d{1,6}$/.test(piece))
        throw new RoomcastError("usage", "it is not said which piece", "ask with ?piece=0");
      const content = await windows.driver(workOf(grant).pc, params["*"], Number(piece));
      return reply.type("application/octet-stream").send(content);
    },
  );
}

/** Which PC asks is what its grant says: nothing of the request could be another's. */
function workOf(grant: Grant | null): WorkGrant {
  assert(grant !== null && "session" in grant, "the table asks for a grant to work");
  return grant;
}
