/** What happens to a session of receivers, as facts: who is waited for, when it starts, and when it is over. */
import { decideProof, type ProofFact, proving } from "./boot-proof.ts";
import { absentCanaries, canaryState } from "./canary.ts";
import type { Cause } from "./cause.ts";
import { decideMember, ended, resumed, type Surroundings } from "./decide-member.ts";
import { type Gauges, type Input, type LabTime, newGauges, type PcId } from "./kind.ts";
import { type MemberPhase, readyLimit } from "./member.ts";
import type { Census } from "./members.ts";
import type { ReceiverFact, Receivers } from "./receivers.ts";

/** The facts that follow from an input; none once the session is over. */
export function decideReceivers(
  state: Receivers,
  input: Input,
  now: LabTime,
  gauges: Gauges,
  around: Surroundings,
): readonly ReceiverFact[] {
  if (state.phase === "over") return [];
  switch (input.type) {
    case "stop":
      // Whoever is waited for is verified already: only the wait ends.
      if (state.phase === "proving") return proofsOf(state, input, now, gauges);
      return [
        ...proofsOf(state, input, now, gauges),
        ...endAll(state, gauges, "stopped", { code: "stopped" }),
        { type: "closed", pc: null, verdict: "stopped", cause: { code: "stopped" } },
      ];
    case "cast-broken": {
      if (state.phase === "proving") return [];
      const cause: Cause = { code: "cast", text: input.reason };
      return [...proofsOf(state, { type: "stop" }, now, gauges), ...failAll(state, gauges, cause)];
    }
    case "start":
      return state.phase === "gathering" ? [opened(state, "operator")] : [];
    case "resumed":
      return [
        ...[...state.members].flatMap(([pc, { phase }]) => resumed(pc, phase, now)),
        ...proofsOf(state, input, now, gauges),
      ];
    case "tick":
      return follows(state, now, gauges, around);
    default: {
      if (!("pc" in input)) return [];
      const member = state.members.get(input.pc);
      if (input.type === "admit") {
        if (state.phase === "proving") return [];
        const isVerified = member?.phase.name === "ended" && member.phase.result === "verified";
        const isIn = member !== undefined && member.phase.name !== "ended";
        return isIn || isVerified ? [] : [{ ...input, type: "admitted" }];
      }
      if (member === undefined) return [];
      if (member.boot !== null) return proofOf(state, input.pc, input, now, gauges);
      // All have ended: whoever is late now is too late.
      if (state.phase === "proving" && input.type !== "taken") return [];
      const mayOrder = around.mayOrder && mayBeOrdered(state, input.pc);
      return decideMember(member, input, now, gauges, { ...around, mayOrder });
    }
  }
}

/** Before the canaries are through, nobody but them is ordered. */
const mayBeOrdered = ({ phase, canary }: Receivers, pc: PcId): boolean =>
  phase !== "canary" || canary.some((first) => first.pc === pc);

function proofOf(
  { members, proveBootMs }: Receivers,
  pc: PcId,
  input: Input,
  now: LabTime,
  gauges: Gauges,
): readonly ProofFact[] {
  const boot = members.get(pc)?.boot ?? null;
  if (boot === null || proveBootMs === null) return [];
  return decideProof(pc, boot, proveBootMs, input, now, gauges.members.get(pc));
}

const proofsOf = (
  state: Receivers,
  input: Input,
  now: LabTime,
  gauges: Gauges,
): readonly ProofFact[] =>
  [...state.members].flatMap(([pc]) => proofOf(state, pc, input, now, gauges));

const endAll = (
  state: Receivers,
  gauges: Gauges,
  result: "failed" | "stopped",
  cause: Cause,
): ReceiverFact[] =>
  state.members.where(hasAnyLeft).map(([pc]) => ended(pc, result, cause, gauges));

/** One of them has not ended. */
export const hasAnyLeft = ({ all, ended }: Census): boolean => ended < all;

/** Nothing comes of the session, for this reason. */
export const failAll = (state: Receivers, gauges: Gauges, cause: Cause): ReceiverFact[] => [
  ...endAll(state, gauges, "failed", cause),
  { type: "closed", pc: null, verdict: "failed", cause },
];

/** What follows from the state and the time alone. It looks at those for whom something does. */
function follows(
  state: Receivers,
  now: LabTime,
  gauges: Gauges,
  around: Surroundings,
): readonly ReceiverFact[] {
  const isCast = state.phase === "casting" || state.phase === "canary";
  const { members, proveBootMs } = state;
  const due = members.where(
    ({ dueAt, unproven, ready }) =>
      dueAt <= now || (proveBootMs !== null && unproven > 0) || (isCast && ready > 0),
  );
  const facts: ReceiverFact[] = due.flatMap(([pc]) =>
    proofOf(state, pc, { type: "tick" }, now, gauges),
  );
  for (const [pc, { phase, boot }] of due) {
    const isVerified = phase.name === "ended" && phase.result === "verified";
    if (isVerified && boot === null && proveBootMs !== null)
      facts.push(proving(pc, proveBootMs, now));
    if (phase.name === "lost" && now >= phase.until)
      facts.push(ended(pc, "failed", phase.cause, gauges));
    if (phase.name === "ordered" && now >= phase.heardAt + readyLimit)
      facts.push(ended(pc, "failed", { code: "unready" }, gauges));
    if (phase.name === "ready" && isCast) facts.push({ type: "joined", pc });
  }
  if (facts.length > 0) return facts;
  switch (state.phase) {
    case "canary":
      return followCanaries(state, now, gauges);
    case "gathering":
      return gather(state, now);
    default:
      return closeIfAllEnded(state, now, around);
  }
}

function followCanaries(state: Receivers, now: LabTime, gauges: Gauges): readonly ReceiverFact[] {
  const { canary, members, startBy, proveBootMs } = state;
  const absent = startBy !== null && now >= startBy ? absentCanaries(canary, members, now) : [];
  if (absent.length > 0) return absent.map((pc) => absentEnded(pc, members.get(pc)?.phase));
  const at = canaryState(canary, members, proveBootMs !== null);
  switch (at.name) {
    case "waiting":
      return [];
    case "passed":
      return [{ type: "canary-passed", pc: null }];
    case "failed":
      return [
        ...endAll(state, gauges, "stopped", at.cause),
        { type: "closed", pc: null, verdict: "failed", cause: at.cause },
      ];
  }
}

function gather(state: Receivers, now: LabTime): readonly ReceiverFact[] {
  const { start, startBy, members } = state;
  const { all, ready, ended } = members.census;
  // Nobody waits for more PCs than there can be.
  const most = all - ended;
  const needed = start === "now" ? 1 : start === "all" ? most : Math.min(start, most);
  if (ready > 0 && ready >= needed) return [opened(state, "ready")];
  if (startBy !== null && now >= startBy) return [opened(state, "timeout")];
  return most === 0 ? [opened(state, "nobody")] : [];
}

function opened(state: Receivers, why: "ready" | "operator" | "timeout" | "nobody"): ReceiverFact {
  const { members } = state;
  return {
    type: "opened",
    pc: null,
    why,
    ready: members.census.ready,
    missing: [...members].flatMap(([pc, { phase }]) => {
      const cause = howFar(phase);
      return cause === null ? [] : [{ pc, cause }];
    }),
  };
}

/** How far a PC got that is not ready yet; null for one that is, or has ended. */
function howFar(phase: MemberPhase): Cause | "choosing" | null {
  switch (phase.name) {
    case "absent":
      return { code: "absent", asked: phase.asked };
    case "ordered":
      return "choosing";
    case "lost":
      return phase.cause;
    default:
      return null;
  }
}

function closeIfAllEnded(
  state: Receivers,
  now: LabTime,
  { mustWait, hasFailed }: Surroundings,
): readonly ReceiverFact[] {
  if (mustWait) return [];
  const { members } = state;
  const { all, ended, absent, awaitedUntil, pending, verified } = members.census;
  if (ended + absent < all || now < awaitedUntil) return [];
  if (absent > 0)
    return members
      .where((census) => census.absent > 0)
      .map(([pc, { phase }]) => absentEnded(pc, phase));
  if (pending > 0) return state.phase === "casting" ? [{ type: "settled", pc: null }] : [];
  const verdict = verified > 0 && !hasFailed ? "done" : "failed";
  return [{ type: "closed", pc: null, verdict, cause: null }];
}

/** It never came, so nothing was counted of it. */
const absentEnded = (pc: PcId, phase: MemberPhase | undefined): ReceiverFact => {
  const asked = phase?.name === "absent" && phase.asked;
  return ended(pc, "failed", { code: "absent", asked }, newGauges());
};
