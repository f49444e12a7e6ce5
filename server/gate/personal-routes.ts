import type { FastifyInstance } from "fastify";
import { assert } from "../../core/errors.ts";
import type { Personals } from "../lab/personals.ts";

/** Registers `GET /gate/v2/personal/SESSION`: what the PC that asks is to be, and no other. */
export async function personalRoutes(app: FastifyInstance, personals: Personals): Promise<void> {
  app.get("/gate/v2/personal/:task", async ({ grant }, reply) => {
    // Which PC asks is what its grant says: nothing of the request could be another's.
    assert(grant !== null && "session" in grant, "the table asks for a grant to work");
    return reply.header("cache-control", "no-store").send(personals.give(grant.pc, grant.session));
  });
}
