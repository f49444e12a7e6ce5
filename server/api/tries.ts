/** How often somebody may try to be let in. */
import rateLimit from "@fastify/rate-limit";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { RoomcastError } from "../../core/errors.ts";

/** Tokens, passwords and links that one address may try in a minute: enough for people, too few for guessing. */
const perAddress = { max: 20, timeWindow: 60_000 };
/** Passwords that may be tried for one name in ten minutes, from wherever: 4320 a day. */
const perName = { max: 30, timeWindow: 600_000 };

/** Counts a try before it is looked at; rejects with `too-many` when there were too many. */
export type CountTry = (request: FastifyRequest, reply?: FastifyReply) => Promise<void>;

/** The limits of the application. Names count whether there is such an operator or not. */
export async function countTries(
  app: FastifyInstance,
): Promise<{ readonly address: CountTry; readonly name: CountTry }> {
  await app.register(rateLimit, { global: false });
  const count =
    (limit: ReturnType<typeof app.createRateLimit>, what: string): CountTry =>
    async (request, reply) => {
      const tries = await limit(request);
      if (tries.isAllowed || !tries.isExceeded) return;
      reply?.header("retry-after", tries.ttlInSeconds);
      throw new RoomcastError("too-many", what, `try again in ${tries.ttlInSeconds} s`);
    };
  const keyGenerator = ({ body }: FastifyRequest): string => (body as { name: string }).name;
  return {
    address: count(
      app.createRateLimit(perAddress),
      "too many tokens or passwords were tried from this address",
    ),
    name: count(
      app.createRateLimit({ ...perName, keyGenerator }),
      "too many passwords were tried for this operator",
    ),
  };
}
