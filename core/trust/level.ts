/** What a PC may do, by what it has shown of itself (docs/security.md has the table). */
import { never } from "../errors.ts";
import type { KeyKind, KeyState, LinkLevel } from "../wire/login.ts";
import type { Secrets } from "../wire/rooms.ts";

/** `stranger`: it has proven no key. */
export type Level = "stranger" | LinkLevel;

const ranks: readonly Level[] = ["stranger", "waiting", "unproven", "placed", "attested"];

export const isAtLeast = (level: Level, needed: Level): boolean =>
  ranks.indexOf(level) >= ranks.indexOf(needed);

/** Whether a PC in a room that is set so is given what only it may know. */
export const mayHaveSecrets = (level: Level, secrets: Secrets): boolean =>
  isAtLeast(level, secrets === "proven" ? "placed" : "unproven");

/** What a level means, for whoever stands before the PC or looks at its line. */
export function levelText(level: LinkLevel): string {
  switch (level) {
    case "waiting":
      return "waiting: nobody has placed this PC yet";
    case "unproven":
      return "unproven: placed, with a key that is new at each start";
    case "placed":
      return "placed: with a key that lasts";
    case "attested":
      return "attested: started with the same software as when it was placed";
    default:
      return never(level);
  }
}

/** The level of a proven key; `quoted`: the digest of the PCRs in the quote it logged in with, or null. */
export function levelOf(
  key: {
    readonly kind: KeyKind;
    readonly state: KeyState;
    /** The digest of the PCRs when an operator placed it; null where there was none. */
    readonly pcrDigest: string | null;
  },
  quoted: string | null,
): LinkLevel {
  if (key.state !== "placed") return "waiting";
  switch (key.kind) {
    case "memory":
      return "unproven";
    case "file":
      return "placed";
    case "tpm":
      return quoted !== null && quoted === key.pcrDigest ? "attested" : "placed";
    default:
      return never(key.kind);
  }
}
