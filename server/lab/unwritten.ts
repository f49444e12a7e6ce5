import { errorText, RoomcastError } from "../../core/errors.ts";

/** Of a fault that is not one of the state store's own. */
const unknownFault = {
  code: "failed",
  next: "see in the server's log why state.db cannot be written",
} as const;

/**
 * What an operator is told whose word the disk did not take: `what` was said, how it `stands` now, and what is
 * to do after the fault is mended.
 */
export function unwritten(
  what: string,
  fault: unknown,
  { stands, afterwards }: { readonly stands: string; readonly afterwards: string },
): RoomcastError {
  const { code, next } = fault instanceof RoomcastError ? fault : unknownFault;
  const text = `${what} cannot be written down (${errorText(fault)}): ${stands}`;
  return new RoomcastError(code, text, `${next}; ${afterwards}`, { cause: fault });
}
