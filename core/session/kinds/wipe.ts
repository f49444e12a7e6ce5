/** A wipe: one PC's disk is emptied. It outlives a restart of the server, and a connection that breaks. */
import { millis } from "../../units/units.ts";
import type { WipeOrder } from "../../wire/orders.ts";
import type { DiskView, MemberResult, MemberView, StepView } from "../../wire/views.ts";
import type { WipeProof } from "../../wire/wipe.ts";
import type { End } from "../../wire/work.ts";
import { type Cause, endText } from "../cause.ts";
import type { Kind, PcId } from "../kind.ts";
import {
  beginWorker,
  decideWorker,
  evolveWorker,
  nothingCast,
  type Worker,
  type WorkerFact,
  type WorkerRules,
  workerAttempt,
  workerParts,
  workerState,
  workerText,
  workerView,
} from "../worker.ts";

export interface WipeSpec {
  readonly pc: PcId;
  /** Who ordered it; absent in sessions from before this was written down. */
  readonly orderedBy?: string;
  readonly method: WipeOrder["method"];
  /** Null: as the PC's room chooses. */
  readonly disk: string | null;
  /** As in `TargetRule`. */
  readonly failingDisks: readonly string[];
  /** The disk that is named, as the PC described it. */
  readonly source: DiskView | null;
}

export interface WipeState {
  readonly spec: WipeSpec;
  readonly worker: Worker;
}

const rules: WorkerRules = {
  work: "wipe",
  // A PC's own connection takes up to 15 s to be made anew after its switch was restarted.
  grace: millis(60_000),
  result: (end) => wipeResult(end),
};

function wipeResult(end: End): readonly [Exclude<MemberResult, "pending">, Cause | null] {
  const text = endText(end);
  switch (end.outcome) {
    case "done":
    case "verified":
      return ["verified", null];
    case "stopped":
      return ["stopped", { code: "stopped-at-pc", text }];
    case "refused":
      return ["failed", { code: "refused", text }];
    case "failed":
      return ["failed", { code: "agent", text }];
  }
}

export const wipe: Kind<WipeSpec, WipeState, WorkerFact> = {
  name: "wipe",
  ...workerParts,
  read: (stored) => stored as WipeState,
  begin: (spec) => ({ spec, worker: beginWorker(spec.pc) }),
  decide: ({ worker }, input, now, gauges) => decideWorker(worker, input, now, gauges, rules),
  evolve: (state, fact, stamp) => ({ ...state, worker: evolveWorker(state.worker, fact, stamp) }),
  order: ({ spec }, session, _pc, { policy }) => ({
    type: "wipe",
    session,
    attempt: workerAttempt,
    disk: spec.disk,
    rule: { policy, failingDisks: [...spec.failingDisks] },
    method: spec.method,
  }),
  image: () => null,
  text: (fact) => workerText(fact),
  view: ({ spec, worker }, gauges, names) => ({
    id: names.id,
    kind: "wipe",
    image: null,
    room: null,
    sender: null,
    ...{ disk: spec.disk, failingDisks: [...spec.failingDisks] },
    state: workerState(worker),
    startedAt: names.startedAt,
    endedAt: names.endedAt,
    ...nothingCast,
    notices: [],
    members: [
      {
        ...workerView(worker, gauges, names, "wiping"),
        disk: spec.source,
        ...(worker.wipe === undefined ? {} : wipedView(worker.wipe)),
      },
    ],
  }),
};

/** What was done, as the contract has it. */
function wipedView({ disk, detail, sanitization, readBack }: WipeProof): Partial<MemberView> {
  const { diskBytes, bytes, finding } = readBack;
  const word = sanitization === null ? "" : `; NIST SP 800-88: ${sanitization}`;
  const steps: StepView[] = [
    { name: "wipe", result: "done", detail: `${detail}${word}`, files: [] },
    {
      ...{ name: "read-back", files: [], detail: readBack.detail },
      result: finding === "unverifiable" ? "left" : "done",
    },
  ];
  return { disk, bytesWanted: diskBytes, bytesReceived: diskBytes, bytesVerified: bytes, steps };
}
