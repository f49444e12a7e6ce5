import type { ServerResponse } from "node:http";

/**
 * Calls `then` once the answer is over or nobody is there any more to take it: at once, where who asked has left
 * before, as amid the check of a token.
 */
export function whenClosed(
  answer: Pick<ServerResponse, "destroyed" | "once">,
  then: () => void,
): void {
  if (answer.destroyed) then();
  else answer.once("close", then);
}
