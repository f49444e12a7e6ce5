/** A restore: one image to many PCs, each verified. */
import type { Afterwards, CastPlace, Personalise } from "../../wire/control.ts";
import type { Canary } from "../canary.ts";
import type { Kind, PcId } from "../kind.ts";
import {
  beginReceivers,
  deadlineOfReceivers,
  decideReceivers,
  evolveReceivers,
  type ReceiverFact,
  type Receivers,
  releaseText,
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
  readonly image: {
    readonly id: string;
    /** NAME@VERSION */
    readonly name: string;
    /** Hexadecimal. */
    readonly rootHash: string;
    readonly storedBytes: number;
  };
  /** The PCs that are first; empty: all are alike. */
  readonly canary: readonly Canary[];
}

export interface RestoreState {
  readonly spec: RestoreSpec;
  readonly receivers: Receivers;
}

export const restore: Kind<RestoreSpec, RestoreState, ReceiverFact> = {
  name: "restore",
  begin: (spec, at) => ({ spec, receivers: beginReceivers(spec, at) }),
  decide: ({ spec, receivers }, input, now, gauges) =>
    decideReceivers(receivers, input, now, gauges, {
      rootHash: spec.image.rootHash,
      mayOrder: true,
      mustWait: false,
      hasFailed: false,
    }),
  evolve: (state, fact, stamp) => ({
    ...state,
    receivers: evolveReceivers(state.receivers, fact, stamp),
  }),
  wanted: ({ receivers }) => wantedOf(receivers),
  order: ({ spec, receivers }, session, pc, { policy, grow, grant, castKeys }) => {
    const member = receivers.members[pc];
    return {
      type: "restore",
      session,
      attempt: member?.attempt ?? 1,
      grant: grant("image", spec.image.id),
      imageId: spec.image.id,
      image: spec.image.name,
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
  deadline: ({ receivers }, now) => deadlineOfReceivers(receivers, now),
  isOver: ({ receivers }) => receivers.phase === "over",
  holds: ({ receivers }, pc) =>
    receivers.phase !== "over" &&
    receivers.members[pc] !== undefined &&
    receivers.members[pc].phase.name !== "ended",
  knows: ({ receivers }, pc) => pc in receivers.members,
  pcs: ({ receivers }) => Object.keys(receivers.members),
  room: ({ spec }) => spec.room,
  image: ({ spec }) => spec.image.name,
  text: (fact) => receiverText(fact),
  view: ({ spec, receivers }, gauges, names) => ({
    id: names.id,
    kind: "restore",
    image: spec.image.name,
    room: spec.room,
    sender: null,
    state: sessionState(receivers, gauges.totals, spec.image.storedBytes),
    startedAt: names.startedAt,
    endedAt: names.endedAt,
    ...totalsView(receivers, gauges, names.endedAt),
    notices: sessionNotices(receivers, gauges, names),
    members: memberViews(receivers, gauges, names, spec.verify),
  }),
};
