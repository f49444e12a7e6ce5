import { RoomcastError } from "../errors.ts";

/** What a failure of Node's sockets is for people. */
export const dgramFailure = (what: string, cause: unknown): RoomcastError =>
  new RoomcastError(
    "failed",
    `the cast's socket: ${what}: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`,
    "check that the interface is up and has its IPv4 address (ip address)",
    { cause },
  );
