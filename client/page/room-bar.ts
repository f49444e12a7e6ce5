/** The line of a room that says how far its session is. */
import { memberSecondsLeft, sessionFraction, slowest } from "../../core/screen/progress.ts";
import type { MemberView, SessionView } from "../../core/wire/views.ts";
import { speech } from "./words.ts";

export interface RoomBar {
  /** PCs that are connected, of those that the session is for. */
  readonly joined: number;
  readonly expected: number;
  readonly verified: number;
  readonly failed: number;
  /** Null: nobody waits for PCs to come up. */
  readonly cameUp: number | null;
  readonly fraction: number;
  /** Until the PC in the middle is done, and until the last one has all its data; null: not known. */
  readonly medianSeconds: number | null;
  readonly slowestSeconds: number | null;
  /** Who holds the room up, and why. */
  readonly cause: { readonly name: string; readonly why: string } | null;
}

const secondsLeftOf = (each: SessionView | MemberView): number | null =>
  "members" in each ? each.secondsLeft : memberSecondsLeft(each);

export function roomBar(session: SessionView): RoomBar {
  const { members } = session;
  // The PC in the middle is known with its reading back, the others without: the last is no sooner than that.
  const left = [session, ...members].flatMap((each) => secondsLeftOf(each) ?? []);
  const count = (accept: (member: SessionView["members"][number]) => boolean): number =>
    members.filter(accept).length;
  return {
    joined: count(({ state }) => state !== "offline" && state !== "booting"),
    expected: members.length,
    verified: count(({ result }) => result === "verified"),
    failed: count(({ result }) => result === "failed" || result === "stopped"),
    cameUp: members.every(({ boot }) => boot === null)
      ? null
      : count(({ boot }) => boot?.state === "up"),
    fraction: sessionFraction(session),
    medianSeconds: session.secondsLeft,
    slowestSeconds: left.length === 0 ? null : Math.max(...left),
    cause: slowest(session, speech()),
  };
}
