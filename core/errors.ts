/**
 * What can go wrong in the field, as opposed to a bug. The code decides the exit status of the
 * command line (`exitStatus`) and the HTTP status of the API.
 */
export type ErrorCode =
  | "usage" // wrong usage of the command line
  | "unreachable" // server not reached
  | "pc-unreachable" // PC not connected to the server, or it does not answer there
  | "other-key" // what answers in the server's place has another key than the server's
  | "unauthorized" // no operator's token, or none that is known
  | "not-granted" // to this PC, or not any more
  | "too-many" // tries: wait
  | "refused" // by a safety rule: target too small, ambiguous disk, no confirmation
  | "bad-input" // corrupt image, unreadable file, packet or manifest that lies
  | "not-found" // no such PC, room, image, session
  | "conflict" // the thing is busy with something else
  | "away" // what the servers of a campus share is not reached, or does not answer
  | "no-space" // the store or the data folder is full
  | "cancelled" // an operator stopped it
  | "failed"; // the work was tried and did not succeed

/** An operational error: one line that says what and why, and `next`: what to do about it. */
export class RoomcastError extends Error {
  readonly code: ErrorCode;
  readonly next: string;

  constructor(code: ErrorCode, message: string, next: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "RoomcastError";
    this.code = code;
    this.next = next;
  }
}

/** The exit status of the command line for an error (see `docs/protocol.md`, exit codes). */
export function exitStatus(code: ErrorCode): number {
  switch (code) {
    case "failed":
    case "cancelled":
    case "no-space":
    case "conflict":
    case "away":
    case "pc-unreachable":
      return 1;
    case "usage":
    case "not-found":
      return 2;
    case "unreachable":
      return 3;
    case "other-key":
    case "unauthorized":
    case "not-granted":
    case "too-many":
    case "refused":
      return 4;
    case "bad-input":
      return 5;
    default:
      return never(code);
  }
}

/** What a thing that was thrown says, in words. */
export const errorText = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** Crashes on a broken invariant: a bug, never an input. Stays on in production. */
export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${what}`);
}

/** Makes a switch exhaustive at compile time, and crashes if it is reached at run time. */
export function never(value: never): never {
  throw new Error(`unexpected value: ${JSON.stringify(value)}`);
}

/** What a decoder of bytes answers; it never throws. */
export type Decoded<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: string };
