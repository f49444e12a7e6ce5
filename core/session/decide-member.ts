/** What a PC does, and what is done to it, as facts of its membership. */
import { millis } from "../units/units.ts";
import type { End, Report } from "../wire/work.ts";
import { type Cause, causeText, endText, isLateness } from "./cause.ts";
import type { Gauges, Input, LabTime, PcId } from "./kind.ts";
import {
  bootGrace,
  isServed,
  type Member,
  type MemberPhase,
  readyLimit,
  rejoinGrace,
  restartGrace,
} from "./member.ts";
import type { ReceiverFact } from "./receivers.ts";

/** A PC whose connection breaks so soon after it asked for boot files was restarted: a link needs 10 s to be missed. */
const askedLately = millis(60_000);

/** Of an ordered PC that is heard, one fact in this time is enough to keep it from being taken for hung. */
const heardEvery = millis(readyLimit / 3);

/** What a PC did, or what was done to it. */
export type MemberInput = Extract<Input, { readonly pc: PcId }>;

/** What the session around the receivers adds. */
export interface Surroundings {
  /** What every disk has to be at the end; null: not known yet. */
  readonly rootHash: string | null;
  /** PCs may be ordered: false while a live cast's sender is still mapping its disk. */
  readonly mayOrder: boolean;
  /** Something else has to end first: a live cast that is still being stored. */
  readonly mustWait: boolean;
  /** Something that was asked for did not succeed, whatever became of the PCs. */
  readonly hasFailed: boolean;
}

/** What follows for one member from what happens to its PC. */
export function decideMember(
  member: Member,
  input: MemberInput,
  now: LabTime,
  gauges: Gauges,
  around: Surroundings,
): readonly ReceiverFact[] {
  const { phase, attempt } = member;
  const { pc } = input;
  const isAtWork = isServed(phase) || phase.name === "ordered" || phase.name === "ready";
  if ("attempt" in input && input.attempt !== attempt) return [];
  switch (input.type) {
    case "connected":
      return connected(member, pc, input.report, gauges, around);
    case "reported":
      return input.report.attempt === attempt && input.report.end !== null && mayGoOn(phase)
        ? [ending(member, pc, input.report.end, gauges, around)]
        : [];
    case "lost":
      return isAtWork
        ? [{ type: "went", pc, cause: { code: "lost", text: input.reason }, until: awaitedUntil() }]
        : [];
    case "booting": {
      if (phase.name !== "absent" && phase.name !== "lost") return [];
      const until = millis(now + bootGrace);
      // Anyone can ask in a PC's name: a request moves the time only when there is less than half of it left.
      if (phase.until !== null && phase.until > now + bootGrace / 2) return [];
      return [{ type: "awaited", pc, until, asked: true }];
    }
    case "ready": {
      if (phase.name !== "ordered") return [];
      const { disk, counters } = input;
      return [{ type: "readied", pc, disk, bytesWanted: counters.bytesWanted }];
    }
    case "progress": {
      const facts: ReceiverFact[] = [];
      if (!isAtWork) return facts;
      const overdue = gauges.members.get(pc)?.slowWork.overdue ?? null;
      if (overdue !== null) return [ended(pc, "failed", overdue, gauges)];
      if (input.trouble !== member.trouble)
        facts.push({ type: "troubled", pc, text: input.trouble });
      if (phase.name === "ordered" && now >= phase.heardAt + heardEvery)
        facts.push({ type: "heard", pc });
      const isReceived = ["verifying", "growing", "personalising"].includes(input.phase);
      if (isReceived && phase.name === "receiving") facts.push({ type: "received", pc });
      return facts;
    }
    case "delivery":
      if (!isServed(phase) && phase.name !== "ready") return [];
      return (input.reason === null) === (member.unicast === null)
        ? []
        : [{ type: "unicast", pc, reason: input.reason }];
    case "lane":
      if (!isServed(phase)) return [];
      return (input.reason === null) === (member.straggling === null)
        ? []
        : [{ type: "straggled", pc, reason: input.reason }];
    case "no-wants":
      return isAtWork ? [ended(pc, "failed", { code: "no-wants" }, gauges)] : [];
    case "drop":
      return phase.name === "ended"
        ? []
        : [
            input.by === "operator"
              ? ended(pc, "stopped", { code: "dropped" }, gauges)
              : ended(pc, "stopped", { code: "stopped-at-pc", text: "stopped at the PC" }, gauges),
          ];
    case "taken":
      return phase.name === "ended" && isLateness(phase.cause)
        ? [{ type: "taken", pc, cause: { code: "taken", text: causeText(phase.cause) ?? "" } }]
        : [];
    case "seen":
    case "admit":
      return [];
  }

  /** A PC that asked for its boot files just before its connection was missed is starting anew. */
  function awaitedUntil(): LabTime {
    const askedAt = gauges.members.get(pc)?.askedAt ?? null;
    const isBooting = askedAt !== null && now - askedAt < askedLately;
    return millis(now + (isBooting ? bootGrace : rejoinGrace));
  }
}

/** A PC is there, newly or again: it goes on where it is, or is ordered anew. */
function connected(
  member: Member,
  pc: PcId,
  report: Report | null,
  gauges: Gauges,
  around: Surroundings,
): readonly ReceiverFact[] {
  const { phase, attempt, started } = member;
  const facts: ReceiverFact[] = [];
  if (phase.name === "ended") {
    if (phase.result !== "failed" || !isLateness(phase.cause)) return [];
    facts.push({ type: "admitted", pc });
  }
  const isAtIt = report !== null && report.attempt === attempt && mayReturn(phase);
  if (isAtIt && report.end !== null) {
    return [...facts, ending(member, pc, report.end, gauges, around)];
  }
  if (isAtIt) return phase.name === "ordered" ? facts : [...facts, { type: "returned", pc }];
  if (!around.mayOrder) return facts;
  return [...facts, { type: "ordered", pc, attempt: attempt + 1, scan: started }];
}

/** The newest attempt is not over for us. One that was let in again begins another. */
const mayGoOn = ({ name }: MemberPhase): boolean => name !== "ended" && name !== "absent";

/** So is that of a PC that we took for gone; an agent that we took for hung has been told to stop. */
const mayReturn = (phase: MemberPhase): boolean =>
  mayGoOn(phase) || (phase.name === "ended" && phase.cause?.code !== "unready");

/** How the agent says that its work ended, as a fact; its word alone is not enough for `verified`. */
function ending(
  member: Member,
  pc: PcId,
  end: End,
  gauges: Gauges,
  { rootHash }: Surroundings,
): ReceiverFact {
  const text = endText(end);
  const { outcome } = end;
  const isImage = end.rootHash !== null && end.rootHash === rootHash;
  const fact = (result: "verified" | "failed" | "stopped", cause: Cause | null): ReceiverFact => ({
    type: "ended",
    pc,
    result,
    cause,
    rootHash: end.rootHash,
    counters: end.counters ?? gauges.members.get(pc)?.counters ?? member.counters,
    steps: end.steps ?? [],
  });
  switch (outcome) {
    case "verified":
      return isImage ? fact("verified", null) : fact("failed", { code: "root-hash" });
    case "refused":
      return fact("failed", { code: "refused", text });
    case "stopped":
      return fact("stopped", { code: "stopped-at-pc", text });
    case "done":
    case "failed":
      return fact("failed", { code: "agent", text });
  }
}

/** It has ended otherwise than by its agent's word. */
export function ended(
  pc: PcId,
  result: "failed" | "stopped",
  cause: Cause,
  gauges: Gauges,
): ReceiverFact {
  const counters = gauges.members.get(pc)?.counters ?? null;
  return { type: "ended", pc, result, cause, rootHash: null, counters, steps: [] };
}

/** What follows from a start of the server. */
export function resumed(pc: PcId, phase: MemberPhase, now: LabTime): readonly ReceiverFact[] {
  const until = millis(now + restartGrace);
  switch (phase.name) {
    case "ended":
      return [];
    case "absent":
      // One that nobody has heard of has nothing to begin anew.
      return phase.asked
        ? [{ type: "awaited", pc, until, asked: true }]
        : [{ type: "awaited", pc, until: millis(now + rejoinGrace), asked: false }];
    case "lost":
      return [{ type: "awaited", pc, until, asked: false }];
    default:
      return [{ type: "went", pc, cause: { code: "server-restarted" }, until }];
  }
}
