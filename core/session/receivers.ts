/**
 * The PCs of a session that receive an image: what a restore and a live cast share. Nobody waits for a
 * head-count: a PC that is ready is served, one that comes late joins, one that vanishes is awaited for
 * `rejoinGrace` and may come back for as long as the session runs.
 */
import { millis } from "../units/units.ts";
import type { MeantDisk } from "../wire/meant-disk.ts";
import { evolveProof, isOfProof, type ProofFact } from "./boot-proof.ts";
import type { Canary } from "./canary.ts";
import { type Cause, causeText } from "./cause.ts";
import type { LabTime, PcId, Stamp, Wanted } from "./kind.ts";
import {
  evolveMember,
  isServed,
  type Member,
  memberTable,
  newMember,
  type OwnFact,
} from "./member.ts";
import { type Census, levelsOf, Members } from "./members.ts";
import type { StartPolicy } from "./start-policy.ts";
import { move, type Table } from "./table.ts";

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
  /** The order is that in which they were asked for. */
  readonly members: Members;
}

/** As JSON has it. */
export type StoredReceivers = Omit<Receivers, "members"> & {
  readonly members: Readonly<Record<PcId, Member>>;
};

export const readReceivers = (stored: StoredReceivers): Receivers => ({
  ...stored,
  members: Members.of(Object.entries(stored.members)),
});

export function beginReceivers(
  options: {
    readonly pcs: readonly PcId[];
    readonly meant?: Readonly<Record<PcId, MeantDisk>>;
    readonly start: StartPolicy;
    readonly startTimeoutMs: number | null;
    readonly proveBootMs: number | null;
    readonly canary?: readonly Canary[];
  },
  at: LabTime,
): Receivers {
  const { pcs, meant = {}, start, startTimeoutMs, proveBootMs, canary = [] } = options;
  return {
    phase: canary.length === 0 ? "gathering" : "canary",
    verdict: null,
    ...{ start, startTimeoutMs, proveBootMs, canary },
    startBy: startTimeoutMs === null ? null : millis(at + startTimeoutMs),
    members: Members.of(pcs.map((pc) => [pc, admitted(meant[pc])])),
  };
}

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
  const before = state.members.get(fact.pc);
  if (before === undefined && fact.type === "admitted")
    return withMember(state, fact.pc, admitted(fact.meant));
  if (before === undefined) throw new Error(`${fact.type} of ${fact.pc}, which is no member`);
  if (isOfProof(fact))
    return withMember(state, fact.pc, {
      ...before,
      boot: evolveProof(before.boot, fact, stamp),
    });
  const name = move(memberTable, before.phase.name, fact.type);
  const next = withMember(state, fact.pc, evolveMember(before, name, fact, stamp));
  // A canary that was absent for too long would be so again at once.
  const isAwaitedAnew =
    fact.type === "admitted" &&
    state.phase === "canary" &&
    state.canary.some(({ pc }) => pc === fact.pc);
  return isAwaitedAnew ? awaitedFrom(next, stamp.at) : next;
}

const admitted = (meant: MeantDisk | undefined): Member =>
  meant === undefined ? newMember : { ...newMember, meant };

/** The PCs are waited for from here on. */
export const awaitedFrom = (state: Receivers, at: LabTime): Receivers => {
  const { startTimeoutMs } = state;
  return { ...state, startBy: startTimeoutMs === null ? null : millis(at + startTimeoutMs) };
};

const withMember = (state: Receivers, pc: PcId, member: Member): Receivers => ({
  ...state,
  members: state.members.with(pc, member),
});

export function wantedOf(state: Receivers): Wanted {
  const { members } = state;
  const orders = levelsOf(members, isAnyWanted, ({ phase, attempt }) =>
    phase.name === "absent" || phase.name === "ended" ? undefined : attempt,
  );
  // A cast is opened for the first canary that is ready, and stays open for the others.
  const isOpen = isBeforeCast(state) && members.census.joined > 0;
  const cast = levelsOf(
    members,
    ({ served }) => served > 0,
    ({ phase, joins }) => (isServed(phase) ? joins : undefined),
  );
  return { orders, cast: state.phase === "casting" || isOpen ? cast : null };
}

/** Something is wanted of one of them: it has come, and has not ended. */
export const isAnyWanted = ({ all, absent, ended }: Census): boolean => absent + ended < all;

/** Whether the PC is at work, or awaited. */
export function holdsPc({ phase, members }: Receivers, pc: PcId): boolean {
  const member = members.get(pc);
  return phase !== "over" && member !== undefined && member.phase.name !== "ended";
}

export const pcsOf = ({ members }: Receivers): PcId[] => [...members].map(([pc]) => pc);

/** Nobody has been let in yet, or canaries alone. */
export const isBeforeCast = ({ phase }: Receivers): boolean =>
  phase === "canary" || phase === "gathering";

/** The next moment after `now` at which something may follow by time alone. */
export function deadlineOfReceivers(state: Receivers, now: LabTime): LabTime | undefined {
  const { phase, members, startBy, canary } = state;
  if (phase === "over") return undefined;
  // Of the absent, it matters when the last is awaited no longer, or a canary.
  const moments = [members.dueAfter(now), members.census.awaitedUntil];
  if (isBeforeCast(state) && startBy !== null) moments.push(startBy);
  if (phase === "canary") for (const { pc } of canary) moments.push(untilOf(members.get(pc)));
  const soonest = Math.min(...moments.filter((at) => at > now));
  return soonest === Number.POSITIVE_INFINITY ? undefined : millis(soonest);
}

/** Until when it is awaited that is absent. */
const untilOf = (member: Member | undefined): number =>
  (member?.phase.name === "absent" ? member.phase.until : null) ?? Number.NEGATIVE_INFINITY;

/** Why nothing is wanted of this PC any more. */
export function releaseText(state: Receivers, pc: PcId): string {
  const phase = state.members.get(pc)?.phase;
  if (phase?.name !== "ended") return "the session is over";
  if (phase.cause?.code === "dropped") return "an operator took this PC out of the session";
  return causeText(phase.cause) ?? "the session knows how it ended";
}
