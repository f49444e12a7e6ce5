/** One PC that works alone: the life that a capture and a wipe share. */
import { type Millis, millis } from "../units/units.ts";
import type { MemberResult, MemberView, PcState, SessionState } from "../wire/views.ts";
import type { WipeProof } from "../wire/wipe.ts";
import type { Counters, End } from "../wire/work.ts";
import { type Cause, causeText, lostText } from "./cause.ts";
import type { Gauges, Input, LabTime, Names, PcId, Stamp, Wanted } from "./kind.ts";
import { move, type Table } from "./table.ts";

type Life = "ordered" | "working" | "lost" | "ended";

export const workerTable: Table<Life, WorkerFact["type"]> = {
  ordered: { began: "working", went: "lost", ended: "ended" },
  working: { went: "lost", ended: "ended" },
  lost: { reordered: "ordered", returned: "working", went: "lost", ended: "ended" },
  ended: {},
};

export type WorkerFact = { readonly pc: PcId } & (
  | { readonly type: "began" }
  | { readonly type: "went"; readonly cause: Cause; readonly until: LabTime }
  /** Its connection broke before it began: the order is still to be met. */
  | { readonly type: "reordered" }
  | { readonly type: "returned" }
  | {
      readonly type: "ended";
      readonly result: Exclude<MemberResult, "pending">;
      readonly cause: Cause | null;
      readonly bytesDone: number;
      readonly bytesTotal: number | null;
      readonly counters: Counters | null;
      /** Of a wipe that was done; absent: of anything else, and from before wipes were read back. */
      readonly wipe?: WipeProof;
    }
);

export interface Worker {
  readonly pc: PcId;
  readonly phase:
    | { readonly name: "ordered" | "working" }
    | { readonly name: "lost"; readonly until: LabTime; readonly cause: Cause }
    | {
        readonly name: "ended";
        readonly result: Exclude<MemberResult, "pending">;
        readonly cause: Cause | null;
      };
  /** It has begun, so an agent that comes back without the work was restarted. */
  readonly hasBegun: boolean;
  readonly bytesDone: number;
  readonly bytesTotal: number | null;
  readonly counters: Counters | null;
  readonly endedAt: string | null;
  readonly wipe?: WipeProof;
}

/** What the two kinds differ in. */
export interface WorkerRules {
  readonly work: "capture" | "wipe";
  /** How long the session waits for a PC whose connection broke. */
  readonly grace: Millis;
  /** The end as the agent reports it. */
  result(end: End): readonly [Exclude<MemberResult, "pending">, Cause | null];
}

/** A worker is ordered once. */
export const workerAttempt = 1;

export const beginWorker = (pc: PcId): Worker => ({
  pc,
  phase: { name: "ordered" },
  hasBegun: false,
  bytesDone: 0,
  bytesTotal: null,
  counters: null,
  endedAt: null,
});

export function decideWorker(
  worker: Worker,
  input: Input,
  now: LabTime,
  gauges: Gauges,
  rules: WorkerRules,
): readonly WorkerFact[] {
  const { pc, phase, hasBegun } = worker;
  if (phase.name === "ended") return [];
  const gone = (cause: Cause): readonly WorkerFact[] => [
    { type: "went", pc, cause, until: millis(now + rules.grace) },
  ];
  if (input.type === "stop") return [workerEnd(worker, gauges, "stopped", { code: "stopped" })];
  if (input.type === "resumed") return gone({ code: "server-restarted" });
  if (input.type === "tick") {
    return phase.name === "lost" && now >= phase.until
      ? [workerEnd(worker, gauges, "failed", phase.cause)]
      : [];
  }
  if (!("pc" in input) || input.pc !== pc) return [];
  if ("attempt" in input && input.attempt !== workerAttempt) return [];
  switch (input.type) {
    case "drop":
      return [workerEnd(worker, gauges, "stopped", { code: "stopped-at-pc", text: null })];
    case "lost":
      return phase.name === "lost" ? [] : gone({ code: "lost", text: input.reason });
    case "progress": {
      if (phase.name === "ordered") return [{ type: "began", pc }];
      const overdue = gauges.members.get(pc)?.slowWork.overdue ?? null;
      return overdue === null ? [] : [workerEnd(worker, gauges, "failed", overdue)];
    }
    case "connected":
    case "reported": {
      const { report } = input;
      if (report !== null && report.attempt === workerAttempt) {
        const back: WorkerFact[] = phase.name === "lost" ? [{ type: "returned", pc }] : [];
        if (report.end === null) return back;
        return [workerEnd(worker, gauges, ...rules.result(report.end), report.end)];
      }
      if (input.type === "reported") return [];
      if (hasBegun)
        return [workerEnd(worker, gauges, "failed", { code: "pc-restarted", work: rules.work })];
      return phase.name === "lost" ? [{ type: "reordered", pc }] : [];
    }
    default:
      return [];
  }
}

export function workerEnd(
  { pc, bytesDone, bytesTotal, counters }: Worker,
  gauges: Gauges,
  result: Exclude<MemberResult, "pending">,
  cause: Cause | null,
  end: End | null = null,
): WorkerFact {
  const gauge = gauges.members.get(pc);
  return {
    type: "ended",
    pc,
    result,
    cause,
    bytesDone: gauge?.bytesDone ?? bytesDone,
    bytesTotal: gauge?.bytesTotal ?? bytesTotal,
    counters: end?.counters ?? gauge?.counters ?? counters,
    ...(end?.wipe === undefined ? {} : { wipe: end.wipe }),
  };
}

export function evolveWorker(worker: Worker, fact: WorkerFact, stamp: Stamp): Worker {
  const name = move(workerTable, worker.phase.name, fact.type);
  switch (fact.type) {
    case "began":
    case "returned":
      return { ...worker, phase: { name: "working" }, hasBegun: true };
    case "reordered":
      return { ...worker, phase: { name: "ordered" } };
    case "went":
      return { ...worker, phase: { name: "lost", until: fact.until, cause: fact.cause } };
    case "ended": {
      const { result, cause, bytesDone, bytesTotal, counters, wipe } = fact;
      const phase = { name: name as "ended", result, cause };
      const end = { phase, bytesDone, bytesTotal, counters, endedAt: stamp.iso };
      return { ...worker, ...end, ...(wipe === undefined ? {} : { wipe }) };
    }
  }
}

const workerWanted = ({ pc, phase }: Worker): Wanted => ({
  orders: new Map(phase.name === "ended" ? [] : [[pc, workerAttempt]]),
  cast: null,
});

const workerDeadline = ({ phase }: Worker, now: LabTime): LabTime | undefined =>
  phase.name === "lost" && phase.until > now ? phase.until : undefined;

const workerRelease = ({ phase }: Worker): string =>
  (phase.name === "ended" ? causeText(phase.cause) : null) ?? "the session is over";

export function workerText(fact: WorkerFact): string | null {
  switch (fact.type) {
    case "ended": {
      const reason = causeText(fact.cause);
      return reason === null ? fact.result : `${fact.result}: ${reason}`;
    }
    case "went":
      return lostText(fact.cause);
    case "began":
    case "returned":
    case "reordered":
      return null;
  }
}

export const workerState = ({ phase }: Worker): SessionState =>
  phase.name !== "ended" ? "casting" : phase.result === "verified" ? "done" : phase.result;

/** The PC as the contract shows it. `bytesReceived` is what was done of `bytesWanted`. */
export function workerView(
  worker: Worker,
  gauges: Gauges,
  names: Names,
  atWork: PcState,
): Omit<MemberView, "disk"> {
  const { pc, phase } = worker;
  const gauge = gauges.members.get(pc);
  return {
    pc,
    name: names.nameOf(pc),
    state: phase.name === "ended" ? names.stateOf(pc) : phase.name === "lost" ? "offline" : atWork,
    result: phase.name === "ended" ? phase.result : "pending",
    reason: reasonOf(phase, gauge?.slowWork.text ?? null),
    refused: phase.name === "ended" && phase.cause?.code === "refused",
    lane: null,
    laneReason: null,
    slowReason: null,
    bytesWanted: gauge?.bytesTotal ?? worker.bytesTotal,
    bytesReceived: gauge?.bytesDone ?? worker.bytesDone,
    bytesWritten: 0,
    bytesVerified: null,
    chunksKept: 0,
    chunksWritten: 0,
    forgedPackets: 0,
    lossRatio: null,
    writeBps: null,
    startedAt: names.startedAt,
    endedAt: worker.endedAt,
    rootHash: null,
    steps: [],
    boot: null,
  };
}

function reasonOf(phase: Worker["phase"], waitsFor: string | null): string | null {
  if (phase.name === "lost") return lostText(phase.cause);
  return phase.name === "ended" ? causeText(phase.cause) : waitsFor;
}

/** The parts of a session's view that nothing is cast in. */
export const nothingCast = {
  rateBps: null,
  bytesSent: 0,
  parityBytes: 0,
  repairBytes: 0,
  passes: 0,
  forgedPackets: 0,
  fit: null,
  secondsLeft: null,
} as const;

/** What a kind of one PC that works alone says of its state, whatever the work is. */
export const workerParts = {
  wanted: ({ worker }: WorkerState) => workerWanted(worker),
  release: ({ worker }: WorkerState) => workerRelease(worker),
  deadline: ({ worker }: WorkerState, now: LabTime) => workerDeadline(worker, now),
  isOver: ({ worker }: WorkerState) => worker.phase.name === "ended",
  holds: ({ worker }: WorkerState, pc: PcId) => worker.pc === pc && worker.phase.name !== "ended",
  knows: ({ worker }: WorkerState, pc: PcId) => worker.pc === pc,
  pcs: ({ worker }: WorkerState) => [worker.pc],
  room: () => null,
} as const;

interface WorkerState {
  readonly worker: Worker;
}
