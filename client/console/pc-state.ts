/** What a PC is doing, or its result, in one word. */
import type { Style } from "../../core/screen/row.ts";
import type { PcView, SessionKind } from "../../core/wire/views.ts";
import type { Part } from "./model.ts";
import { isRunning } from "./state.ts";

export interface PcWord {
  /** Results are in capitals: VERIFIED, FAILED. */
  readonly word: string;
  readonly style: Style;
  /** Whether it is in a running session, without a result yet. */
  readonly isAtWork: boolean;
}

export const isPending = ({ session, member }: Part): boolean =>
  isRunning(session) && member.result === "pending";

/** What a PC is once its part in a session is done. */
export const doneWord: Readonly<Record<SessionKind, string>> = {
  restore: "VERIFIED",
  cast: "VERIFIED",
  capture: "CAPTURED",
  wipe: "WIPED",
};

export function stateOf(pc: PcView, part: Part | undefined): PcWord {
  if (part !== undefined && isPending(part)) {
    return { word: part.member.state, style: "accent", isAtWork: true };
  }
  const over = { isAtWork: false } as const;
  if (pc.doubt !== null) return { word: "WHICH ONE?", style: "warn", ...over };
  switch (pc.identity?.state) {
    case "waiting":
      return { word: "NEW", style: "warn", ...over };
    case "doubt":
    case "revoked":
      return { word: pc.identity.state.toUpperCase(), style: "warn", ...over };
  }
  // It is still shown as booting for a while after its own system was seen.
  const boot = part?.member.boot?.state;
  if (boot === "up" && (pc.state === "offline" || pc.state === "booting"))
    return { word: "CAME UP", style: "good", ...over };
  // What it does now counts for more than what became of it an hour ago.
  if (pc.state !== "idle" && pc.state !== "offline" && pc.state !== "failed") {
    return { word: pc.state, style: "accent", ...over };
  }
  switch (part?.member.result) {
    case "verified":
      if (boot === "missing") return { word: "NOT UP", style: "bad", ...over };
      return {
        word: doneWord[part.session.kind],
        style: "good",
        ...over,
      };
    case "failed":
      return { word: "FAILED", style: "bad", ...over };
    case "stopped":
      return { word: "STOPPED", style: "warn", ...over };
    default:
      if (pc.state === "failed") return { word: "FAILED", style: "bad", ...over };
      return { word: pc.state === "offline" ? "off" : pc.state, style: "plain", ...over };
  }
}
