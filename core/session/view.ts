/** What a session looks like from outside, made from what it is. */
import type { CastSenderStats } from "../cast/ends.ts";
import type { MemberView, PcState, SessionState } from "../wire/views.ts";
import { isOver, type Member, type Session } from "./session.ts";

/** The contract's word for where the whole session is. `imageStoredBytes`: what one pass puts on the wire. */
export function sessionState(
  session: Session,
  stats: Pick<CastSenderStats, "bytesSent" | "repairBytes"> | null,
  imageStoredBytes: number,
): SessionState {
  if (isOver(session) || session.phase === "gathering") return session.phase;
  const active = session.members.filter(
    ({ phase }) => phase.name === "receiving" || phase.name === "verifying",
  );
  if (active.length > 0 && active.every(({ phase }) => phase.name === "verifying")) {
    return "verifying";
  }
  const firstPassSent = stats !== null && stats.bytesSent - stats.repairBytes >= imageStoredBytes;
  return firstPassSent && active.length > 0 ? "repairing" : "casting";
}

/** What the operator has to know of the session as a whole, in words; empty when all is as it should be. */
export function sessionNotices({ members }: Session): string[] {
  const served = members.filter(({ startedAt }) => startedAt !== null);
  const unreached = served.filter(({ fallback }) => typeof fallback === "string").length;
  if (unreached * 2 <= served.length) return [];
  const whom =
    unreached === served.length
      ? `none of the ${served.length} PCs`
      : `only ${served.length - unreached} of the ${served.length} PCs`;
  return [
    `multicast reaches ${whom}: the others are served over HTTP, each with a copy of its own, ` +
      `which takes ${unreached} times the data and time. Turn on an IGMP querier on the room's switch ` +
      "(or its IGMP snooping off), and check that server and PCs are in one VLAN and not on Wi-Fi",
  ];
}

/** A member as the contract shows it. `pcState` is what the PC says of itself now. */
export function memberView(member: Member, name: string, pcState: PcState): MemberView {
  const { phase, counters } = member;
  const [lane, laneReason] = laneOf(member);
  return {
    pc: member.pc,
    name,
    state: memberState(member, pcState),
    result: phase.name === "ended" ? phase.result : phase.name === "lost" ? "failed" : "pending",
    reason:
      phase.name === "ended" || phase.name === "lost"
        ? phase.reason
        : (member.trouble ?? laneReason),
    lane,
    laneReason,
    // Sessions that were stored before there was this field have none.
    refused: phase.name === "ended" && (phase.refused ?? false),
    disk: member.disk,
    bytesWanted: counters?.bytesWanted ?? null,
    bytesReceived: counters?.bytesReceived ?? 0,
    bytesWritten: counters?.bytesWritten ?? 0,
    bytesVerified: counters?.bytesVerified ?? 0,
    chunksKept: counters?.chunksKept ?? 0,
    chunksWritten: counters?.chunksWritten ?? 0,
    lossRatio: counters?.lossRatio ?? null,
    writeBps: counters?.writeBps ?? null,
    startedAt: member.startedAt,
    endedAt: member.endedAt,
    rootHash: member.rootHash,
    steps: [...(member.steps ?? [])],
  };
}

/** By which way it is served, and why not as the others. */
function laneOf({ phase, fallback, laggard }: Member): [MemberView["lane"], string | null] {
  if (typeof fallback === "string") return ["http", fallback];
  const isServed = phase.name === "receiving" || phase.name === "verifying";
  if (!isServed) return [null, null];
  // Sessions that an older server stored have neither.
  return typeof laggard === "string" ? ["catch-up", laggard] : ["main", null];
}

function memberState({ phase }: Member, pcState: PcState): PcState {
  switch (phase.name) {
    case "absent":
      return pcState;
    case "ordered":
    case "ready":
      return "waiting";
    case "receiving":
    case "verifying":
      return phase.name;
    case "lost":
      return "offline";
    case "ended":
      return phase.result === "failed" ? "failed" : pcState;
  }
}
