import type { FastifyReply } from "fastify";

/**
 * Calls `then` once the answer is over or nobody is there any more to take it: at once, where who asked has left
 * before, as amid the check of a token.
 */
export function whenClosed({ raw }: FastifyReply, then: () => void): void {
  if (raw.destroyed) then();
  else raw.once("close", then);
}
