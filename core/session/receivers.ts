/**
 * The PCs of a session that receive an image: what a restore and a live cast share. Nobody waits for a
 * head-count: a PC that is ready is served, one that comes late joins, one that vanishes is awaited for
 * `rejoinGrace` and may come back for as long as the session runs.
 */

import { type Millis, millis } from "../units/units.ts";
import type { Counters, End, Report } from "../wire/control.ts";
import type { DiskView, MemberResult, StepView } from "../wire/views.ts";
import {
  type BootProof,
  deadlineOfProof,
  decideProof,
  evolveProof,
  isOfProof,
  isProofPending,
  type ProofFact,
  proving,
} from "./boot-proof.ts";
import { absentCanaries, type Canary, canaryState } from "./canary.ts";
import { type Cause, causeText, endText, isLateness } from "./cause.ts";
import {
  type Gauges,
  type Input,
  type LabTime,
  newGauges,
  type PcId,
  type Stamp,
  type Wanted,
} from "./kind.ts";
import type { StartPolicy } from "./start-policy.ts";
import { move, type Table } from "./table.ts";

/** How long a session whose other PCs are done waits for one that stopped answering. */
export const rejoinGrace = millis(30_000);
/** How long a PC that asked for its boot files may take to its agent: the slowest firmware measured takes 60 s. */
export const bootGrace = millis(180_000);
/** An ordered PC that says neither `ready` nor an end in this time is taken for hung. Hashing a disk counts as progress. */
export const readyLimit = millis(60_000);
/** A PC whose connection breaks so soon after it asked for boot files was restarted: a link needs 10 s to be missed. */
const askedLately = millis(60_000);
/** Of an ordered PC that is heard, one fact in this time is enough to keep it from being taken for hung. */
const heardEvery = millis(readyLimit / 3);

type Life = "absent" | "ordered" | "ready" | "receiving" | "verifying" | "lost" | "ended";
type Word = OwnFact["type"];

export const memberTable: Table<Life, Word> = {
  absent: { awaited: "absent", ordered: "ordered", returned: "ordered", ended: "ended" },
  ordered: {
    ordered: "ordered",
    heard: "ordered",
    readied: "ready",
    went: "lost",
    ended: "ended",
    troubled: "ordered",
  },
  ready: {
    ordered: "ordered",
    returned: "ordered",
    joined: "receiving",
    went: "lost",
    ended: "ended",
    troubled: "ready",
    unicast: "ready",
  },
  receiving: {
    ordered: "ordered",
    returned: "ordered",
    received: "verifying",
    went: "lost",
    ended: "ended",
    troubled: "receiving",
    unicast: "receiving",
    straggled: "receiving",
  },
  verifying: {
    ordered: "ordered",
    returned: "ordered",
    went: "lost",
    ended: "ended",
    troubled: "verifying",
    unicast: "verifying",
    straggled: "verifying",
  },
  lost: { awaited: "lost", ordered: "ordered", returned: "ordered", ended: "ended" },
  ended: { admitted: "absent", taken: "ended" },
};

/**
 * `canary`: some PCs are first, and the others wait for them. `proving`: all have ended, and those that are
 * verified are waited for to come up; nobody is let in any more.
 */
export type RoomPhase = "canary" | "gathering" | "casting" | "proving" | "over";

export const roomTable: Table<RoomPhase, RoomFact["type"]> = {
  canary: { "canary-passed": "gathering", closed: "over" },
  gathering: { opened: "casting", closed: "over" },
  casting: { settled: "proving", closed: "over" },
  proving: { closed: "over" },
  over: {},
};

type OwnFact = { readonly pc: PcId } & (
  | { readonly type: "admitted" }
  /** It is given this long to come; `asked`: it has asked for its boot files. */
  | { readonly type: "awaited"; readonly until: LabTime; readonly asked: boolean }
  | { readonly type: "ordered"; readonly attempt: number; readonly scan: boolean }
  /** It is still at the attempt that it was ordered, after its connection broke. */
  | { readonly type: "returned" }
  | { readonly type: "heard" }
  | { readonly type: "readied"; readonly disk: DiskView; readonly bytesWanted: number }
  | { readonly type: "joined" }
  | { readonly type: "received" }
  | { readonly type: "went"; readonly cause: Cause; readonly until: LabTime }
  /** It is not let in again when it comes back. */
  | { readonly type: "taken"; readonly cause: Cause }
  | { readonly type: "troubled"; readonly text: string | null }
  | { readonly type: "unicast"; readonly reason: string | null }
  | { readonly type: "straggled"; readonly reason: string | null }
  | {
      readonly type: "ended";
      readonly result: Exclude<MemberResult, "pending">;
      readonly cause: Cause | null;
      readonly rootHash: string | null;
      readonly counters: Counters | null;
      readonly steps: readonly StepView[];
    }
);

type MemberFact = OwnFact | ProofFact;

type RoomFact = { readonly pc: null } & (
  | { readonly type: "canary-passed" | "settled" }
  | {
      readonly type: "opened";
      readonly why: "ready" | "operator" | "timeout" | "nobody";
      /** How many were ready, and why the others were not, when the start timeout was over. */
      readonly ready: number;
      readonly missing: readonly { readonly pc: PcId; readonly cause: Cause | "choosing" }[];
    }
  | { readonly type: "closed"; readonly verdict: Verdict; readonly cause: Cause | null }
);

export type ReceiverFact = MemberFact | RoomFact;
export type Verdict = "done" | "failed" | "stopped";

/** Where a member is. `ended` is final but for `admitted`, which starts it again. */
export type MemberPhase =
  | { readonly name: "absent"; readonly until: LabTime | null; readonly asked: boolean }
  | { readonly name: "ordered"; readonly heardAt: LabTime }
  | { readonly name: "ready" | "receiving" | "verifying" }
  | { readonly name: "lost"; readonly until: LabTime; readonly cause: Cause }
  | {
      readonly name: "ended";
      readonly result: Exclude<MemberResult, "pending">;
      readonly cause: Cause | null;
    };

export interface Member {
  readonly phase: MemberPhase;
  /** Of the newest order; 0: none yet. */
  readonly attempt: number;
  /** The newest order has the disk hashed first. */
  readonly scan: boolean;
  /** It has taken part before, so its disk holds some of the image: it hashes before it wants. */
  readonly started: boolean;
  /** How often it has joined the cast. */
  readonly joins: number;
  readonly disk: DiskView | null;
  readonly bytesWanted: number | null;
  /** Its disk does not answer, in words. */
  readonly trouble: string | null;
  /** Why it gets its chunks over HTTP; null: by multicast. */
  readonly unicast: string | null;
  /** Why the others do not wait for it; null: it keeps up. */
  readonly straggling: string | null;
  /** Counters, root hash and steps as it ended. */
  readonly counters: Counters | null;
  readonly rootHash: string | null;
  readonly steps: readonly StepView[];
  /** Whether it comes up as itself; null: it is not waited for. */
  readonly boot: BootProof | null;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
}

export interface Receivers {
  readonly phase: RoomPhase;
  readonly verdict: Verdict | null;
  readonly start: StartPolicy;
  /** When it starts with the PCs that are ready then; null: not by time. */
  readonly startBy: LabTime | null;
  readonly startTimeoutMs: number | null;
  /** How long a verified PC may take to come up; null: nobody waits for that. */
  readonly proveBootMs: number | null;
  /** The PCs that are first; empty: all are alike. */
  readonly canary: readonly Canary[];
  /** As plain data: an object by PC. The order is that in which they were asked for. */
  readonly members: Readonly<Record<PcId, Member>>;
}

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

const newMember: Member = {
  phase: { name: "absent", until: null, asked: false },
  attempt: 0,
  scan: false,
  started: false,
  joins: 0,
  disk: null,
  bytesWanted: null,
  trouble: null,
  unicast: null,
  straggling: null,
  counters: null,
  rootHash: null,
  steps: [],
  boot: null,
  startedAt: null,
  endedAt: null,
};

export function beginReceivers(
  options: {
    readonly pcs: readonly PcId[];
    readonly start: StartPolicy;
    readonly startTimeoutMs: number | null;
    readonly proveBootMs: number | null;
    readonly canary?: readonly Canary[];
  },
  at: LabTime,
): Receivers {
  const { pcs, start, startTimeoutMs, proveBootMs, canary = [] } = options;
  return {
    phase: canary.length === 0 ? "gathering" : "canary",
    verdict: null,
    ...{ start, startTimeoutMs, proveBootMs, canary },
    startBy: startTimeoutMs === null ? null : millis(at + startTimeoutMs),
    members: Object.fromEntries(pcs.map((pc) => [pc, newMember])),
  };
}

// --- what follows from what happens

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
        ...Object.entries(state.members).flatMap(([pc, { phase }]) => resumed(pc, phase, now)),
        ...proofsOf(state, input, now, gauges),
      ];
    case "tick":
      return follows(state, now, gauges, around);
    default: {
      if (!("pc" in input)) return [];
      const member = state.members[input.pc];
      if (input.type === "admit") {
        if (state.phase === "proving") return [];
        const isVerified = member?.phase.name === "ended" && member.phase.result === "verified";
        const isIn = member !== undefined && member.phase.name !== "ended";
        return isIn || isVerified ? [] : [{ type: "admitted", pc: input.pc }];
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
  const boot = members[pc]?.boot ?? null;
  if (boot === null || proveBootMs === null) return [];
  return decideProof(pc, boot, proveBootMs, input, now, gauges.members.get(pc));
}

const proofsOf = (
  state: Receivers,
  input: Input,
  now: LabTime,
  gauges: Gauges,
): readonly ProofFact[] =>
  Object.keys(state.members).flatMap((pc) => proofOf(state, pc, input, now, gauges));

type MemberInput = Extract<Input, { readonly pc: PcId }>;

function decideMember(
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

function ended(pc: PcId, result: "failed" | "stopped", cause: Cause, gauges: Gauges): ReceiverFact {
  const counters = gauges.members.get(pc)?.counters ?? null;
  return { type: "ended", pc, result, cause, rootHash: null, counters, steps: [] };
}

const endAll = (
  state: Receivers,
  gauges: Gauges,
  result: "failed" | "stopped",
  cause: Cause,
): ReceiverFact[] =>
  Object.entries(state.members).flatMap(([pc, { phase }]) =>
    phase.name === "ended" ? [] : [ended(pc, result, cause, gauges)],
  );

/** Nothing comes of the session, for this reason. */
export const failAll = (state: Receivers, gauges: Gauges, cause: Cause): ReceiverFact[] => [
  ...endAll(state, gauges, "failed", cause),
  { type: "closed", pc: null, verdict: "failed", cause },
];

function resumed(pc: PcId, phase: MemberPhase, now: LabTime): readonly ReceiverFact[] {
  const until = millis(now + rejoinGrace);
  switch (phase.name) {
    case "ended":
      return [];
    case "absent":
      return [{ type: "awaited", pc, until, asked: phase.asked }];
    case "lost":
      return [{ type: "awaited", pc, until, asked: false }];
    default:
      return [{ type: "went", pc, cause: { code: "server-restarted" }, until }];
  }
}

/** What follows from the state and the time alone. */
function follows(
  state: Receivers,
  now: LabTime,
  gauges: Gauges,
  around: Surroundings,
): readonly ReceiverFact[] {
  const facts: ReceiverFact[] = [...proofsOf(state, { type: "tick" }, now, gauges)];
  const isCast = state.phase === "casting" || state.phase === "canary";
  const { proveBootMs } = state;
  for (const [pc, { phase, boot }] of Object.entries(state.members)) {
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
  if (absent.length > 0) return absent.map((pc) => absentEnded(pc, members[pc]?.phase));
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
  const members = Object.values(state.members);
  const { start, startBy } = state;
  const ready = members.filter(({ phase }) => phase.name === "ready").length;
  const over = members.filter(({ phase }) => phase.name === "ended").length;
  // Nobody waits for more PCs than there can be.
  const most = members.length - over;
  const needed = start === "now" ? 1 : start === "all" ? most : Math.min(start, most);
  if (ready > 0 && ready >= needed) return [opened(state, "ready")];
  if (startBy !== null && now >= startBy) return [opened(state, "timeout")];
  return over === members.length ? [opened(state, "nobody")] : [];
}

function opened(state: Receivers, why: "ready" | "operator" | "timeout" | "nobody"): ReceiverFact {
  const members = Object.entries(state.members);
  return {
    type: "opened",
    pc: null,
    why,
    ready: members.filter(([, { phase }]) => phase.name === "ready").length,
    missing: members.flatMap(([pc, { phase }]) => {
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
  const members = Object.entries(state.members);
  for (const [, { phase }] of members) {
    const isBooting = phase.name === "absent" && phase.until !== null && now < phase.until;
    if (phase.name !== "ended" && (phase.name !== "absent" || isBooting)) return [];
  }
  const late = members.flatMap(([pc, { phase }]) =>
    phase.name === "absent" ? [absentEnded(pc, phase)] : [],
  );
  if (late.length > 0) return late;
  if (members.some(([, { boot }]) => isProofPending(boot)))
    return state.phase === "casting" ? [{ type: "settled", pc: null }] : [];
  const isVerified = members.some(
    ([, { phase }]) => phase.name === "ended" && phase.result === "verified",
  );
  const verdict = isVerified && !hasFailed ? "done" : "failed";
  return [{ type: "closed", pc: null, verdict, cause: null }];
}

/** It never came, so nothing was counted of it. */
const absentEnded = (pc: PcId, phase: MemberPhase | undefined): ReceiverFact => {
  const asked = phase?.name === "absent" && phase.asked;
  return ended(pc, "failed", { code: "absent", asked }, newGauges());
};

// --- what a fact changes

export function evolveReceivers(state: Receivers, fact: ReceiverFact, stamp: Stamp): Receivers {
  switch (fact.type) {
    case "opened":
    case "settled":
      return { ...state, phase: move(roomTable, state.phase, fact.type) };
    case "closed":
      return { ...state, phase: move(roomTable, state.phase, fact.type), verdict: fact.verdict };
    case "canary-passed":
      return { ...awaitedFrom(state, stamp.at), phase: move(roomTable, state.phase, fact.type) };
  }
  const before = state.members[fact.pc];
  if (before === undefined && fact.type === "admitted")
    return withMember(state, fact.pc, newMember);
  if (before === undefined) throw new Error(`${fact.type} of ${fact.pc}, which is no member`);
  if (isOfProof(fact))
    return withMember(state, fact.pc, {
      ...before,
      boot: evolveProof(before.boot, fact, stamp),
    });
  const name = move(memberTable, before.phase.name, fact.type);
  return withMember(state, fact.pc, evolveMember(before, name, fact, stamp));
}

/** The PCs are waited for from here on. */
export const awaitedFrom = (state: Receivers, at: LabTime): Receivers => {
  const { startTimeoutMs } = state;
  return { ...state, startBy: startTimeoutMs === null ? null : millis(at + startTimeoutMs) };
};

const withMember = (state: Receivers, pc: PcId, member: Member): Receivers => ({
  ...state,
  members: { ...state.members, [pc]: member },
});

function evolveMember(before: Member, name: Life, fact: OwnFact, stamp: Stamp): Member {
  switch (fact.type) {
    case "admitted":
      return {
        ...before,
        phase: { name: "absent", until: null, asked: false },
        endedAt: null,
        rootHash: null,
        steps: [],
      };
    case "awaited": {
      const { until } = fact;
      const { phase } = before;
      return phase.name === "lost"
        ? { ...before, phase: { ...phase, until } }
        : { ...before, phase: { name: "absent", until, asked: fact.asked } };
    }
    case "ordered": {
      const { attempt, scan } = fact;
      const phase = { name: "ordered", heardAt: stamp.at } as const;
      return { ...before, phase, attempt, scan, unicast: null, straggling: null };
    }
    case "returned":
      return {
        ...before,
        phase: { name: "ordered", heardAt: stamp.at },
        unicast: null,
        straggling: null,
      };
    case "heard":
      return { ...before, phase: { name: "ordered", heardAt: stamp.at } };
    case "readied": {
      const { disk, bytesWanted } = fact;
      const startedAt = before.startedAt ?? stamp.iso;
      return { ...before, phase: { name: "ready" }, disk, bytesWanted, startedAt };
    }
    case "joined":
      return { ...before, phase: { name: "receiving" }, started: true, joins: before.joins + 1 };
    case "received":
      return { ...before, phase: { name: "verifying" } };
    case "went":
      return {
        ...before,
        phase: { name: "lost", until: fact.until, cause: fact.cause },
        straggling: null,
      };
    case "taken":
      return before.phase.name === "ended"
        ? { ...before, phase: { ...before.phase, cause: fact.cause } }
        : before;
    case "troubled":
      return { ...before, trouble: fact.text };
    case "unicast":
      return { ...before, unicast: fact.reason };
    case "straggled":
      return { ...before, straggling: fact.reason };
    case "ended": {
      const { result, cause, rootHash, counters, steps } = fact;
      return {
        ...before,
        phase: { name: name as "ended", result, cause },
        trouble: null,
        ...{ rootHash, counters, steps, endedAt: stamp.iso },
      };
    }
  }
}

// --- what should hold, and when to look again

export function wantedOf(state: Receivers): Wanted {
  const orders = new Map<PcId, number>();
  const cast = new Map<PcId, number>();
  for (const [pc, { phase, attempt, joins }] of Object.entries(state.members)) {
    if (phase.name === "absent" || phase.name === "ended") continue;
    orders.set(pc, attempt);
    if (isServed(phase)) cast.set(pc, joins);
  }
  // A cast is opened for the first canary that is ready, and stays open for the others.
  const isBefore = state.phase === "canary" || state.phase === "gathering";
  const isOpen = isBefore && Object.values(state.members).some(({ joins }) => joins > 0);
  return { orders, cast: state.phase === "casting" || isOpen ? cast : null };
}

/** The next moment after `now` at which something may follow by time alone. */
export function deadlineOfReceivers(state: Receivers, now: LabTime): LabTime | undefined {
  if (state.phase === "over") return undefined;
  let soonest: Millis | undefined;
  const consider = (at: Millis | null): void => {
    if (at !== null && at > now && (soonest === undefined || at < soonest)) soonest = at;
  };
  if (state.phase === "gathering" || state.phase === "canary") consider(state.startBy);
  for (const { phase, boot } of Object.values(state.members)) {
    consider(deadlineOfProof(boot));
    if (phase.name === "lost" || phase.name === "absent") consider(phase.until);
    else if (phase.name === "ordered") consider(millis(phase.heardAt + readyLimit));
  }
  return soonest;
}

/** Why nothing is wanted of this PC any more. */
export function releaseText(state: Receivers, pc: PcId): string {
  const phase = state.members[pc]?.phase;
  if (phase?.name !== "ended") return "the session is over";
  if (phase.cause?.code === "dropped") return "an operator took this PC out of the session";
  return causeText(phase.cause) ?? "the session knows how it ended";
}

export const isServed = (phase: MemberPhase): boolean =>
  phase.name === "receiving" || phase.name === "verifying";
