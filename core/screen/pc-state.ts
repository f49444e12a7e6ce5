/** What a PC is doing, or its result, in one word. */
import type { MemberView, PcState, PcView, SessionKind, SessionView } from "../wire/views.ts";
import type { ScreenKey } from "../words/en.ts";
import type { Style } from "./row.ts";

/** A PC's part in a session. */
export interface Part {
  readonly session: SessionView;
  readonly member: MemberView;
}

/** Results, and what a human has to look at, are in capitals. */
export type StateWord =
  | Exclude<PcState, "offline">
  | "off"
  | "VERIFIED"
  | "CAPTURED"
  | "WIPED"
  | "FAILED"
  | "STOPPED"
  | "CAME UP"
  | "NOT UP"
  | "NEW"
  | "WHICH ONE?"
  | "DOUBT"
  | "REVOKED";

export interface PcWord {
  readonly word: StateWord;
  readonly style: Style;
  /** Whether it is in a running session, without a result yet. */
  readonly isAtWork: boolean;
}

export const isRunning = (session: Pick<SessionView, "endedAt">): boolean =>
  session.endedAt === null;

export const isPending = ({ session, member }: Part): boolean =>
  isRunning(session) && member.result === "pending";

/** What a PC is once its part in a session is done. */
export const doneWord = {
  restore: "VERIFIED",
  cast: "VERIFIED",
  capture: "CAPTURED",
  wipe: "WIPED",
} as const satisfies Readonly<Record<SessionKind, StateWord>>;

/** Whether a session is the one that its PCs are shown in: the latest that they were in. */
export const isLatest = (session: SessionView, known: SessionView | undefined): boolean =>
  known === undefined || known.id === session.id || known.startedAt <= session.startedAt;

const stateWord = (state: PcState): Exclude<PcState, "offline"> | "off" =>
  state === "offline" ? "off" : state;

/** What a state is said by. */
export const stateKey = (state: PcState): ScreenKey => `state.${stateWord(state)}`;

export function stateOf(pc: PcView, part: Part | undefined): PcWord {
  if (part !== undefined && isPending(part)) {
    return { word: stateWord(part.member.state), style: "accent", isAtWork: true };
  }
  const over = { isAtWork: false } as const;
  if (pc.doubt !== null) return { word: "WHICH ONE?", style: "warn", ...over };
  switch (pc.identity?.state) {
    case "waiting":
      return { word: "NEW", style: "warn", ...over };
    case "doubt":
      return { word: "DOUBT", style: "warn", ...over };
    case "revoked":
      return { word: "REVOKED", style: "warn", ...over };
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
      return { word: stateWord(pc.state), style: "plain", ...over };
  }
}
