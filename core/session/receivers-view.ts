/** What the receivers of a session look like from outside, and what happened to them in words. */
import { chunkBytes } from "../units/units.ts";
import type { MemberView, PcState, SessionState } from "../wire/views.ts";
import type { Counters } from "../wire/work.ts";
import { bootView, missingNotices, proofText } from "./boot-proof-view.ts";
import { canaryText } from "./canary.ts";
import { causeText, lostText } from "./cause.ts";
import type { CastTotals, Gauges, MemberGauges, Names, PcId } from "./kind.ts";
import { isServed, type Member } from "./member.ts";
import type { ReceiverFact, Receivers } from "./receivers.ts";

/** A fraction of what the PCs want: before they have as much, what is sent is not only repairs. */
const mostlyHere = 0.9;

/** The contract's word for where the whole session is. `storedBytes`: what one pass puts on the wire. */
export function sessionState(
  state: Receivers,
  { totals, members }: Gauges,
  storedBytes: number,
): SessionState {
  if (state.verdict !== null) return state.verdict;
  if (state.phase === "gathering") return "gathering";
  // The contract has no word of its own for a room that is waited for to come up.
  if (state.phase === "proving") return "verifying";
  const served = state.members.where((census) => census.served > 0);
  if (served.length > 0 && served.every(([, { phase }]) => phase.name === "verifying"))
    return "verifying";
  const firstPassSent = totals !== null && totals.bytesSent - totals.repairBytes >= storedBytes;
  if (!firstPassSent || served.length === 0) return "casting";
  const sum = (of: (counters: Counters) => number): number =>
    served.reduce((total, [pc]) => {
      const counters = members.get(pc)?.counters ?? null;
      return total + (counters === null ? 0 : of(counters));
    }, 0);
  const here = sum(
    ({ bytesReceived, bytesWritten, chunksKept }) =>
      Math.max(bytesReceived, bytesWritten) + chunksKept * chunkBytes,
  );
  return here >= mostlyHere * sum(({ bytesWanted }) => bytesWanted) ? "repairing" : "casting";
}

/** What the operator has to know of the session as a whole, in words; empty when all is as it should be. */
export function sessionNotices(state: Receivers, gauges: Gauges, names: Names): string[] {
  const forged = forgedPackets(state, gauges);
  return [
    ...canaryNotices(state),
    ...reachNotices(state),
    ...(forged === 0 ? [] : [forgedText(forged)]),
    ...missingNotices(
      [...state.members].map(([pc, { boot }]) => ({
        name: names.nameOf(pc),
        boot: bootView(boot),
      })),
    ),
  ];
}

const canaryNotices = ({ phase, canary, proveBootMs }: Receivers): string[] =>
  phase === "canary"
    ? [
        `${canaryText(canary)} first: the others are ordered once ${canary.length === 1 ? "it is" : "they are"} verified` +
          (proveBootMs === null ? "" : " and seen to come up"),
      ]
    : [];

/** Packets that somebody forged, in words. */
export const forgedText = (count: number): string =>
  `packets were forged: ${count}. Something on this network sends packets in the sender's name; they are ` +
  "thrown away and reach no disk, but they take up the wire";

/** The same packets come to every PC of the room: the most that one has heard. */
const forgedPackets = ({ members }: Receivers, gauges: Gauges): number =>
  Math.max(
    0,
    ...[...members].map(
      ([pc, member]) => countersOf(member, gauges.members.get(pc))?.forgedPackets ?? 0,
    ),
  );

function reachNotices(state: Receivers): string[] {
  const served = [...state.members].filter(([, { startedAt }]) => startedAt !== null);
  const unreached = served.filter(([, { unicast }]) => unicast !== null).length;
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

/** What the cast has sent, and what came in its name; of one that is over its rate is no figure any more. */
export const totalsView = (state: Receivers, gauges: Gauges, endedAt: string | null) => ({
  forgedPackets: forgedPackets(state, gauges),
  ...sentView(gauges.totals, endedAt),
  secondsLeft: endedAt === null ? gauges.timeLeft.seconds : null,
});

const sentView = (totals: CastTotals | null, endedAt: string | null) => ({
  rateBps: endedAt === null && totals !== null ? totals.rateBps / 8 : null,
  bytesSent: totals?.bytesSent ?? 0,
  parityBytes: totals?.parityBytes ?? 0,
  repairBytes: totals?.repairBytes ?? 0,
  passes: totals?.passes ?? 0,
});

export const memberViews = (
  state: Receivers,
  gauges: Gauges,
  names: Names,
  verify: "written" | "read-back",
  /** Why nobody is ordered yet; null: there is no such reason. */
  waiting: string | null = null,
): MemberView[] =>
  [...state.members].map(([pc, member]) => {
    const reason = waiting ?? waitsFor(state, pc);
    const view = memberView(pc, member, gauges.members.get(pc), names, reason);
    return verify === "written" ? { ...view, bytesVerified: null } : view;
  });

/** What a PC is not ordered before; null: nothing. */
const waitsFor = ({ phase, canary }: Receivers, pc: PcId): string | null =>
  phase === "canary" && !canary.some((first) => first.pc === pc)
    ? `waits for ${canaryText(canary)}`
    : null;

/** A member as the contract shows it. `waiting`: why it is not ordered yet. */
function memberView(
  pc: PcId,
  member: Member,
  gauge: MemberGauges | undefined,
  names: Names,
  waiting: string | null,
): MemberView {
  const { phase } = member;
  const counters = countersOf(member, gauge);
  const [lane, laneReason] = laneOf(member, gauge);
  return {
    pc,
    name: names.nameOf(pc),
    state: memberState(member, names.stateOf(pc)),
    result: phase.name === "ended" ? phase.result : phase.name === "lost" ? "failed" : "pending",
    reason: reasonOf(member, gauge?.slowWork.text ?? laneReason ?? waiting),
    lane,
    laneReason,
    slowReason: isServed(phase) ? (gauge?.slow ?? null) : null,
    refused: phase.name === "ended" && phase.cause?.code === "refused",
    disk: member.disk,
    bytesWanted: counters?.bytesWanted ?? member.bytesWanted,
    bytesReceived: counters?.bytesReceived ?? 0,
    bytesWritten: counters?.bytesWritten ?? 0,
    bytesVerified: counters?.bytesVerified ?? 0,
    chunksKept: counters?.chunksKept ?? 0,
    chunksWritten: counters?.chunksWritten ?? 0,
    forgedPackets: counters?.forgedPackets ?? 0,
    lossRatio: counters?.lossRatio ?? null,
    writeBps: counters?.writeBps ?? null,
    startedAt: member.startedAt,
    endedAt: member.endedAt,
    rootHash: member.rootHash,
    steps: [...member.steps],
    boot: bootView(member.boot),
  };
}

/** Why it is where it is. `underWay`: what else is to be said of one that has not ended. */
function reasonOf({ phase, trouble }: Member, underWay: string | null): string | null {
  if (phase.name === "ended") return causeText(phase.cause);
  return phase.name === "lost" ? lostText(phase.cause) : (trouble ?? underWay);
}

/** Those it ended with, or the newest that were heard. */
const countersOf = (
  { phase, counters }: Member,
  gauge: MemberGauges | undefined,
): Counters | null => (phase.name === "ended" ? counters : (gauge?.counters ?? counters));

/** By which way it is served, and why not as the others; the newest words are among the gauges. */
function laneOf(
  { phase, unicast, straggling }: Member,
  gauge: MemberGauges | undefined,
): [MemberView["lane"], string | null] {
  if (unicast !== null) return ["http", gauge?.unicast ?? unicast];
  if (!isServed(phase)) return [null, null];
  return straggling !== null ? ["catch-up", gauge?.straggling ?? straggling] : ["main", null];
}

function memberState({ phase }: Member, pcState: PcState): PcState {
  switch (phase.name) {
    case "absent":
      return pcState;
    case "ordered":
    case "ready":
      return "waiting";
    case "receiving":
      return "receiving";
    case "verifying":
      return pcState === "personalising" ? "personalising" : "verifying";
    case "lost":
      return "offline";
    case "ended":
      return phase.result === "failed" ? "failed" : pcState;
  }
}

/** A fact in words, for the history; null: too small to tell, or told otherwise. */
export function receiverText(fact: ReceiverFact): string | null {
  switch (fact.type) {
    case "admitted":
      return "let in";
    case "went":
      return lostText(fact.cause);
    case "troubled":
      return fact.text ?? "its disk answers again";
    case "unicast":
      return fact.reason === null
        ? "multicast reaches it again"
        : `gets its chunks over HTTP: ${fact.reason}`;
    case "straggled":
      return fact.reason === null
        ? "keeps up again, back in the main lane"
        : `in the catch-up lane: ${fact.reason}`;
    case "ended": {
      const reason = causeText(fact.cause);
      const steps = fact.steps.map(({ name, result, detail }) =>
        detail === "" ? `${name}: ${result}` : `${name}: ${result}, ${detail}`,
      );
      return [reason === null ? fact.result : `${fact.result}: ${reason}`, ...steps].join("; ");
    }
    case "opened":
      return openedText(fact);
    case "closed":
      if (fact.cause?.code === "canary") return `nobody else was ordered: ${fact.cause.text}`;
      return fact.cause?.code === "cast" ? `the cast broke: ${fact.cause.text}` : null;
    case "canary-passed":
      return "whoever is first is through: the others are ordered";
    case "proving":
    case "left":
    case "came-back":
    case "booted":
    case "unbooted":
      return proofText(fact);
    case "settled":
    case "awaited":
    case "ordered":
    case "returned":
    case "heard":
    case "readied":
    case "joined":
    case "received":
    case "taken":
      return null;
  }
}

function openedText({ why, ready, missing }: Extract<ReceiverFact, { type: "opened" }>) {
  if (why !== "timeout") return null;
  return `the start timeout is over: ${ready} of ${ready + missing.length} PCs are ready`;
}

/** Which PCs were missing when the start timeout was over, and why, a line a PC. */
export const missingTexts = (fact: ReceiverFact): { readonly pc: PcId; readonly text: string }[] =>
  fact.type !== "opened" || fact.why !== "timeout"
    ? []
    : fact.missing.map(({ pc, cause }) => ({
        pc,
        text: `missing at the start: ${
          cause === "choosing"
            ? "it is connected, and still choosing or hashing its disk"
            : causeText(cause)
        }`,
      }));
