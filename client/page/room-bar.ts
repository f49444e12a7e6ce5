/** The line of a room that says how far its session is. */
import { memberSecondsLeft, sessionFraction, slowest } from "../../core/screen/progress.ts";
import type { SessionView } from "../../core/wire/views.ts";

export interface RoomBar {
  /** PCs that are connected, of those that the session is for. */
  readonly joined: number;
  readonly expected: number;
  readonly verified: number;
  readonly failed: number;
  /** Null: nobody waits for PCs to come up. */
  readonly cameUp: number | null;
  readonly fraction: number;
  /** Until half of the PCs have all their data, and until the last one has; null: not known. */
  readonly medianSeconds: number | null;
  readonly slowestSeconds: number | null;
  /** Who holds the room up, and why. */
  readonly cause: { readonly name: string; readonly why: string } | null;
}

export function roomBar(
  session: SessionView,
  linkMbps: (pc: string) => number | null = () => null,
): RoomBar {
  const { members } = session;
  const left = members
    .flatMap((member) => memberSecondsLeft(member) ?? [])
    .sort((one, other) => one - other);
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
    medianSeconds: left[Math.floor((left.length - 1) / 2)] ?? null,
    slowestSeconds: left.at(-1) ?? null,
    cause: slowest(session, linkMbps),
  };
}
