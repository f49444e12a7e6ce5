/** How far a session and its PCs are, and who holds it up. */
import { chunkBytes } from "../units/units.ts";
import type { MemberView, SessionView } from "../wire/views.ts";
import { english, type ScreenSpeech } from "../words/english.ts";
import { secondsBetween } from "./format.ts";

/**
 * 0…1; null until it is known. Of a capture: what was read. Of a restore: what is on the disk; where
 * it is read back, that and what was found right there count a half each.
 */
export function memberFraction(member: MemberView): number | null {
  if (member.result === "verified") return 1;
  const { bytesWanted, bytesReceived, bytesVerified, state } = member;
  if (bytesWanted === null || bytesWanted === 0) return null;
  if (state === "capturing" || state === "wiping") return Math.min(1, bytesReceived / bytesWanted);
  const here = Math.min(1, bytesHere(member) / bytesWanted);
  return bytesVerified === null ? here : (here + Math.min(1, bytesVerified / bytesWanted)) / 2;
}

const bytesHere = ({ bytesWritten, chunksKept }: MemberView): number =>
  bytesWritten + chunksKept * chunkBytes;

/** 0…1 over the PCs that still count: those that failed or were stopped are left out. */
export function sessionFraction(session: SessionView): number {
  let sum = 0;
  let count = 0;
  for (const member of session.members) {
    if (member.result === "failed" || member.result === "stopped") continue;
    sum += memberFraction(member) ?? 0;
    count++;
  }
  return count === 0 ? 0 : sum / count;
}

/**
 * Until it has all its data, at the rate at which its disk takes them lately; null while that is not
 * known, and while it reads back.
 */
export function memberSecondsLeft(member: MemberView): number | null {
  const { bytesWanted, writeBps, result, state } = member;
  if (
    result !== "pending" ||
    bytesWanted === null ||
    state === "verifying" ||
    state === "personalising"
  )
    return null;
  const left = Math.max(0, bytesWanted - bytesHere(member));
  if (left === 0) return 0;
  return writeBps === null || writeBps < 1 ? null : left / writeBps;
}

/** How many members have which result. */
export function resultCounts(session: SessionView): Readonly<Record<MemberView["result"], number>> {
  const counts = { pending: 0, verified: 0, failed: 0, stopped: 0 };
  for (const { result } of session.members) counts[result]++;
  return counts;
}

/** A PC holds the room up when it needs this many times as long as half of the others. */
const slowFactor = 1.25;
/** Seconds: a PC that started this much later than the others is behind for that reason. */
const laterSeconds = 10;

/**
 * The PC that holds the room up, and why: what the cast says of it (`core/cast/causes.ts`), or that it came later; null
 * when they are all about as fast, or nothing tells why they are not.
 */
export function slowest(
  session: SessionView,
  { t, told }: ScreenSpeech = english,
): { readonly name: string; readonly why: string } | null {
  const straggler = session.members.find(
    ({ result, lane }) => result === "pending" && lane === "catch-up",
  );
  if (straggler !== undefined)
    return { name: straggler.name, why: told(straggler.laneReason ?? t("slow.catchingUp")) };
  const under = session.members.flatMap((member) => {
    const left = memberSecondsLeft(member);
    return left === null ? [] : [{ member, left }];
  });
  if (under.length < 2) return null;
  under.sort((one, other) => other.left - one.left);
  const [last] = under;
  const typical = under[Math.ceil(under.length / 2)];
  if (last === undefined || typical === undefined || last.left <= typical.left * slowFactor) {
    return null;
  }
  const { name, slowReason, startedAt } = last.member;
  // An older server of the campus says none.
  if (typeof slowReason === "string") return { name, why: told(slowReason) };
  const first = under.flatMap(({ member }) => member.startedAt ?? []).sort()[0];
  if (startedAt === null || first === undefined) return null;
  return secondsBetween(first, startedAt) >= laterSeconds ? { name, why: t("slow.late") } : null;
}
