/** A capture: one PC reads its disk into a new version of an image. Nothing is visible before the commit. */
import { assert } from "../../errors.ts";
import { millis } from "../../units/units.ts";
import type { DiskView, MemberResult } from "../../wire/views.ts";
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
  workerEnd,
  workerParts,
  workerState,
  workerText,
  workerView,
} from "../worker.ts";

export interface CaptureSpec {
  readonly pc: PcId;
  /** The image's name; its version is known at the commit. */
  readonly name: string;
  /** Null: as the PC's room chooses. */
  readonly disk: string | null;
  readonly raw: boolean;
  /** The disk that is named, as the PC described it. */
  readonly source: DiskView | null;
}

export interface CaptureState {
  readonly spec: CaptureSpec;
  readonly worker: Worker;
  /** NAME@VERSION once committed. An image that is committed stays, whatever becomes of the agent. */
  readonly image: string | null;
}

export type CaptureFact =
  | WorkerFact
  | { readonly type: "committed"; readonly pc: PcId; readonly image: string };

const rulesOf = ({ image }: CaptureState): WorkerRules => ({
  work: "capture",
  // Its uploads are tried again meanwhile.
  grace: millis(20_000),
  result: (end) => captureResult(end, image !== null),
});

function captureResult(
  end: End,
  isCommitted: boolean,
): readonly [Exclude<MemberResult, "pending">, Cause | null] {
  const text = endText(end);
  switch (end.outcome) {
    case "done":
    case "verified":
      return isCommitted ? ["verified", null] : ["failed", { code: "no-image" }];
    case "stopped":
      return ["stopped", { code: "stopped-at-pc", text: text ?? "stopped" }];
    case "refused":
      return ["failed", { code: "refused", text }];
    case "failed":
      return ["failed", text === null ? { code: "no-image" } : { code: "agent", text }];
  }
}

export const capture: Kind<CaptureSpec, CaptureState, CaptureFact> = {
  name: "capture",
  ...workerParts,
  read: (stored) => stored as CaptureState,
  begin: (spec) => ({ spec, worker: beginWorker(spec.pc), image: null }),
  decide(state, input, now, gauges) {
    const { worker, image, spec } = state;
    if (worker.phase.name === "ended") return [];
    if (input.type === "stored" && image === null)
      return [{ type: "committed", pc: spec.pc, image: input.image }];
    if (input.type === "not-stored") {
      const cause = { code: "no-space", text: input.reason } as const;
      return [workerEnd(worker, gauges, "failed", cause)];
    }
    if (input.type === "resumed" && image === null) {
      const cause = { code: "server-restarted", work: "capture" } as const;
      return [workerEnd(worker, gauges, "failed", cause)];
    }
    return decideWorker(worker, input, now, gauges, rulesOf(state)).map((fact) =>
      fact.type === "ended" && image !== null ? { ...fact, result: "verified", cause: null } : fact,
    );
  },
  evolve(state, fact, stamp) {
    if (fact.type !== "committed")
      return { ...state, worker: evolveWorker(state.worker, fact, stamp) };
    assert(state.image === null && state.worker.phase.name !== "ended", "a capture commits once");
    return { ...state, image: fact.image };
  },
  order: ({ spec }, session, _pc, { policy, grant }) => ({
    type: "capture",
    session,
    attempt: workerAttempt,
    grant: grant("upload", session),
    name: spec.name,
    disk: spec.disk,
    policy,
    raw: spec.raw,
  }),
  image: ({ spec, image }) => image ?? spec.name,
  text: (fact) => (fact.type === "committed" ? `captured as ${fact.image}` : workerText(fact)),
  view: ({ spec, worker, image }, gauges, names) => ({
    id: names.id,
    kind: "capture",
    image: image ?? spec.name,
    room: null,
    sender: spec.pc,
    ...{ disk: spec.disk, failingDisks: [] },
    state: workerState(worker),
    startedAt: names.startedAt,
    endedAt: names.endedAt,
    ...nothingCast,
    notices: [],
    members: [{ ...workerView(worker, gauges, names, "capturing"), disk: spec.source }],
  }),
};
