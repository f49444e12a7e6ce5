import { RoomcastError } from "../errors.ts";
import type { SessionView } from "../wire/views.ts";

/** What came of a wipe that is over. Throws `failed`, or `refused` by a safety rule, with the PC's own reason. */
export function requireWiped({ id, members }: SessionView): void {
  const [member] = members;
  if (member === undefined || member.result === "verified") return;
  throw new RoomcastError(
    member.refused ? "refused" : "failed",
    `${member.name}: ${member.reason ?? "the wipe did not succeed"}`,
    `see \`roomcast session show ${id}\`, and the PC's screen`,
  );
}
