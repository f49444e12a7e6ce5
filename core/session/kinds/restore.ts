/** A restore: one image to many PCs, each verified. */
import type { CastPlace } from "../../wire/cast-address.ts";
import type { FitMode } from "../../wire/fit-size.ts";
import type { Afterwards, Personalise } from "../../wire/orders.ts";
import type { Canary } from "../canary.ts";
import { decideReceivers, failAll, hasAnyLeft } from "../decide-receivers.ts";
import {
  type FitFact,
  type FitPhase,
  fitTable,
  fitText,
  fitView,
  isFitFact,
  waitsForFit,
} from "../fitting.ts";
import type { CastImage, Gauges, Input, Kind, LabTime, PcId } from "../kind.ts";
import {
  awaitedFrom,
  beginReceivers,
  deadlineOfReceivers,
  evolveReceivers,
  holdsPc,
  isAnyWanted,
  isBeforeCast,
  pcsOf,
  type ReceiverFact,
  type Receivers,
  readReceivers,
  releaseText,
  type StoredReceivers,
  wantedOf,
} from "../receivers.ts";
import {
  memberViews,
  receiverText,
  sessionNotices,
  sessionState,
  totalsView,
} from "../receivers-view.ts";
import type { StartPolicy } from "../start-policy.ts";
import { move } from "../table.ts";

/** How a restore or a live cast is given to its PCs. */
export interface ReceiversSpec {
  /** The room that it is for; null: PCs that were named. */
  readonly room: string | null;
  readonly pcs: readonly PcId[];
  /** Who ordered it; absent in sessions from before this was written down. */
  readonly orderedBy?: string;
  /** The disk on every PC; null: as each PC's room chooses. */
  readonly disk: string | null;
  /** To be taken although SMART says that they fail; as in `TargetRule`. */
  readonly failingDisks: readonly string[];
  readonly delta: boolean;
  readonly verify: "written" | "read-back";
  readonly afterwards: Afterwards;
  /** `auto`: each PC is given its own name, address and keys once it is verified. */
  readonly personalise: Personalise;
  readonly start: StartPolicy;
  readonly startTimeoutMs: number | null;
  /** How long a verified PC may take to be seen to come up; null: nobody waits for that. */
  readonly proveBootMs: number | null;
  readonly cast: CastPlace;
}

export interface RestoreSpec extends ReceiversSpec {
  readonly image: CastImage;
  /** The PCs that are first; empty: all are alike. */
  readonly canary: readonly Canary[];
  /** Whether a retry may have a version made that fits. */
  readonly fit: FitMode;
  /** The size of the disk for which a version of the image is made first; null: `image` is what is cast. */
  readonly fitTo: number | null;
}

export interface RestoreState {
  readonly spec: RestoreSpec;
  /** What is cast: that of the order, or the version of it that was made to fit. */
  readonly image: CastImage;
  /** Null: nothing has to be made. */
  readonly fit: FitPhase | null;
  readonly receivers: Receivers;
}

/** As JSON has it. */
type StoredRestore = Omit<RestoreState, "receivers"> & { readonly receivers: StoredReceivers };

export type RestoreFact = ReceiverFact | FitFact;

export const restore: Kind<RestoreSpec, RestoreState, RestoreFact> = {
  name: "restore",
  begin: (spec, at) => ({
    spec,
    image: spec.image,
    fit: spec.fitTo === null ? null : "fitting",
    receivers: beginReceivers(spec, at),
  }),
  read: (stored) => {
    const state = stored as StoredRestore;
    return { ...state, receivers: readReceivers(state.receivers) };
  },
  decide: (state, input, now, gauges) =>
    isFitting(state)
      ? decideFitting(state, input, now, gauges)
      : receive(state, input, now, gauges),
  evolve: (state, fact, stamp) => {
    if (!isFitFact(fact))
      return { ...state, receivers: evolveReceivers(state.receivers, fact, stamp) };
    const fit = state.fit === null ? null : move(fitTable, state.fit, fact.type);
    if (fact.type === "not-fitted") return { ...state, fit };
    return { ...state, fit, image: fact.image, receivers: awaitedFrom(state.receivers, stamp.at) };
  },
  wanted: (state) => {
    const { fitTo, image } = state.spec;
    const isWanted = isFitting(state) && fitTo !== null;
    const { orders, cast } = wantedOf(state.receivers);
    const { census } = state.receivers.members;
    return {
      orders,
      // It is opened while the PCs make their disks ready: then the first that is need not wait for it.
      cast: cast ?? (isAnyWanted(census) && isBeforeCast(state.receivers) ? new Map() : null),
      ...(isWanted ? { fit: { image: image.id, diskBytes: fitTo } } : {}),
    };
  },
  order: ({ spec, image, receivers }, session, pc, { policy, grow, grant, castKeys }) => {
    const member = receivers.members.get(pc);
    return {
      type: "restore",
      session,
      attempt: member?.attempt ?? 1,
      grant: grant("image", image.id),
      imageId: image.id,
      image: image.name,
      cast: { ...spec.cast, keys: castKeys },
      verify: spec.verify,
      afterwards: spec.afterwards,
      disk: spec.disk,
      rule: { policy, failingDisks: [...spec.failingDisks] },
      grow,
      scan: spec.delta || member?.scan === true,
      live: "no",
      personal: spec.personalise === "auto" ? grant("personal", session) : null,
    };
  },
  release: ({ receivers }, pc) => releaseText(receivers, pc),
  deadline: (state, now) =>
    isFitting(state) ? undefined : deadlineOfReceivers(state.receivers, now),
  isOver: ({ receivers }) => receivers.phase === "over",
  holds: ({ receivers }, pc) => holdsPc(receivers, pc),
  knows: ({ receivers }, pc) => receivers.members.has(pc),
  pcs: ({ receivers }) => pcsOf(receivers),
  room: ({ spec }) => spec.room,
  image: ({ image }) => image.name,
  text: (fact) => (isFitFact(fact) ? fitText(fact) : receiverText(fact)),
  view: (state, gauges, names) => {
    const { spec, image, fit, receivers } = state;
    return {
      id: names.id,
      kind: "restore",
      image: image.name,
      room: spec.room,
      sender: null,
      ...{ disk: spec.disk, failingDisks: [...spec.failingDisks] },
      // The contract has no word of its own for a room that waits for its image.
      state: isFitting(state) ? "gathering" : sessionState(receivers, gauges, image.storedBytes),
      startedAt: names.startedAt,
      endedAt: names.endedAt,
      ...totalsView(receivers, gauges, names.endedAt),
      notices: sessionNotices(receivers, gauges, names),
      fit: fit === null ? null : fitView(shownFit(state, fit), spec.fitTo ?? 0, gauges.fit),
      members: memberViews(
        ...([receivers, gauges, names, spec.verify] as const),
        isFitting(state) ? waitsForFit : null,
      ),
    };
  },
};

/** Nothing is sent yet: a version of the image is made that fits. */
export const isFitting = ({ fit, receivers }: RestoreState): boolean =>
  fit === "fitting" && receivers.phase !== "over";

/** A session that ended while its image was made to fit never gets it. */
const shownFit = (state: RestoreState, fit: FitPhase): FitPhase =>
  fit === "fitting" && !isFitting(state) ? "failed" : fit;

const receive = (
  { image, fit, receivers }: RestoreState,
  input: Input,
  now: LabTime,
  gauges: Gauges,
): readonly ReceiverFact[] =>
  decideReceivers(receivers, input, now, gauges, {
    rootHash: image.rootHash,
    mayOrder: fit !== "fitting",
    mustWait: false,
    hasFailed: false,
  });

/** PCs come, and are let in and taken out; no time counts before the image is there. */
function decideFitting(
  state: RestoreState,
  input: Input,
  now: LabTime,
  gauges: Gauges,
): readonly RestoreFact[] {
  const { receivers } = state;
  switch (input.type) {
    case "fitted":
      return [{ type: "fitted", pc: null, image: input.image }];
    case "not-fitted": {
      const { reason } = input;
      const cause = { code: "not-fitted", text: reason } as const;
      return [{ type: "not-fitted", pc: null, reason }, ...failAll(receivers, gauges, cause)];
    }
    case "start":
    case "resumed":
      return [];
    case "tick": {
      return hasAnyLeft(receivers.members.census) ? [] : receive(state, input, now, gauges);
    }
    default:
      return receive(state, input, now, gauges);
  }
}
