/** A live cast: one PC sends its own disk to the others while it reads it; the server may keep it as an image. */
import { type Millis, millis } from "../../units/units.ts";
import type { End, Report } from "../../wire/work.ts";
import { endText } from "../cause.ts";
import type { Surroundings } from "../decide-member.ts";
import { decideReceivers } from "../decide-receivers.ts";
import type { Gauges, Input, Kind, LabTime, PcId, Stamp, Wanted } from "../kind.ts";
import {
  beginReceivers,
  deadlineOfReceivers,
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
import { move, type Table } from "../table.ts";
import type { ReceiversSpec } from "./restore.ts";

/** How long a live cast waits for a sender whose connection broke. */
export const senderGrace = millis(15_000);
/** How long the sender of a cast that is over may take to say so; its last totals come with it. */
export const finishLimit = millis(15_000);
/** The sender is ordered once. */
const senderAttempt = 1;

export interface LiveSpec extends ReceiversSpec {
  readonly sender: PcId;
  readonly senderName: string;
  /** The image that it is stored as; null: none. */
  readonly saveAs: string | null;
  /** The disk that is read; null: as the agent chooses. */
  readonly sourceDisk: string | null;
  readonly raw: boolean;
}

type SenderLife = "mapping" | "sending" | "lost" | "finishing" | "over";

type SenderWord = SenderFact["type"];

export const senderTable: Table<SenderLife, SenderWord> = {
  mapping: { planned: "sending", "sender-went": "lost", "sender-over": "over" },
  sending: { "sender-went": "lost", "sender-finishing": "finishing", "sender-over": "over" },
  lost: {
    planned: "lost",
    "sender-mapping": "mapping",
    "sender-sending": "sending",
    "sender-over": "over",
  },
  finishing: { "sender-over": "over" },
  over: {},
};

type SenderFact = { readonly pc: PcId } & (
  | { readonly type: "planned" }
  | { readonly type: "sender-went"; readonly reason: string; readonly until: LabTime }
  /** It is there again: still at the map of its disk, or at the cast. */
  | { readonly type: "sender-mapping" | "sender-sending" }
  /** Everyone has everything: it may end. */
  | { readonly type: "sender-finishing"; readonly until: LabTime }
  | { readonly type: "sender-over" }
);

type ArchiveFact = { readonly pc: null } & (
  | { readonly type: "sealed"; readonly rootHash: string; readonly storedBytes: number }
  | { readonly type: "stored"; readonly image: string; readonly imageId: string }
  | { readonly type: "not-stored"; readonly reason: string }
);

export type LiveFact = ReceiverFact | SenderFact | ArchiveFact;

export interface LiveState {
  readonly spec: LiveSpec;
  readonly receivers: Receivers;
  readonly sender:
    | { readonly name: "mapping" | "sending" | "over" }
    | { readonly name: "lost"; readonly until: LabTime; readonly reason: string }
    | { readonly name: "finishing"; readonly until: LabTime };
  readonly isPlanned: boolean;
  /** Known once every hash is. */
  readonly rootHash: string | null;
  readonly storedBytes: number | null;
  /** Of a cast that is to be stored: the session ends with it. */
  readonly archive: "none" | "pending" | "stored" | "failed";
  /** Why the server keeps no copy. */
  readonly trouble: string | null;
  /** Once it is stored. */
  readonly image: { readonly name: string; readonly id: string } | null;
}

const surroundings = ({ rootHash, isPlanned, archive }: LiveState): Surroundings => ({
  rootHash,
  mayOrder: isPlanned,
  mustWait: archive === "pending",
  hasFailed: archive === "failed",
});

function decide(state: LiveState, input: Input, now: LabTime, gauges: Gauges): readonly LiveFact[] {
  const { spec, receivers, sender, archive } = state;
  const isOfSender = "pc" in input && input.pc === spec.sender;
  if (hasServed(receivers)) {
    return [
      ...endSender(state, input, now, isOfSender),
      ...decideReceivers(receivers, input, now, gauges, surroundings(state)),
    ];
  }
  const broken = (why: string): readonly LiveFact[] =>
    decideReceivers(
      receivers,
      {
        type: "cast-broken",
        reason: `the PC that sends, ${spec.senderName}, failed: ${why}`,
      },
      now,
      gauges,
      surroundings(state),
    );
  switch (input.type) {
    case "planned":
      // The plan comes by a connection of its own, so it may be here while the other is broken.
      return state.isPlanned ? [] : [{ type: "planned", pc: spec.sender }];
    case "sealed": {
      const { rootHash, storedBytes } = input;
      return state.rootHash === null ? [{ type: "sealed", pc: null, rootHash, storedBytes }] : [];
    }
    case "stored": {
      const { image, imageId } = input;
      return archive === "pending" ? [{ type: "stored", pc: null, image, imageId }] : [];
    }
    case "not-stored":
      return state.trouble === null && archive !== "stored"
        ? [{ type: "not-stored", pc: null, reason: input.reason }]
        : [];
    case "resumed":
      // What the server knew of the cast was in its memory.
      return decideReceivers(
        receivers,
        { type: "cast-broken", reason: restarted },
        now,
        gauges,
        surroundings(state),
      );
    case "tick":
      if (sender.name === "lost" && now >= sender.until) return broken(sender.reason);
      break;
    default:
      if (isOfSender) return decideSender(state, input, now, gauges, broken);
  }
  return decideReceivers(receivers, input, now, gauges, surroundings(state));
}

const restarted =
  "the server was restarted during the live cast; cast again with --delta: what the disks have is kept";

function decideSender(
  state: LiveState,
  input: Input,
  now: LabTime,
  gauges: Gauges,
  broken: (why: string) => readonly LiveFact[],
): readonly LiveFact[] {
  const { sender, isPlanned, receivers, spec } = state;
  const pc = spec.sender;
  switch (input.type) {
    case "lost":
      return sender.name === "lost"
        ? []
        : [{ type: "sender-went", pc, reason: input.reason, until: millis(now + senderGrace) }];
    case "drop":
      return decideReceivers(receivers, { type: "stop" }, now, gauges, surroundings(state));
    case "connected":
    case "reported": {
      const { report } = input;
      const back: readonly LiveFact[] =
        sender.name !== "lost"
          ? []
          : [{ type: isPlanned ? "sender-sending" : "sender-mapping", pc }];
      if (isAtCast(report)) {
        if (report.end === null) return back;
        if (report.end.outcome === "stopped")
          return decideReceivers(receivers, { type: "stop" }, now, gauges, surroundings(state));
        return broken(endText(report.end) ?? "its agent ended before the room had everything");
      }
      if (input.type === "reported") return [];
      // Before the map is there nothing is lost: the order is met anew.
      return isPlanned ? broken("it was restarted while it was sending") : back;
    }
    default:
      return [];
  }
}

const isAtCast = (report: Report | null): report is Report & { end: End | null } =>
  report !== null && report.attempt === senderAttempt;

/** The room has what it gets, though it may not have been seen to come up. */
const hasServed = ({ phase }: Receivers): boolean => phase === "proving" || phase === "over";

/** The room has what it gets: the sender ends, and its last totals come with that. */
function endSender(
  state: LiveState,
  input: Input,
  now: LabTime,
  isOfSender: boolean,
): readonly LiveFact[] {
  const { sender, spec, receivers, rootHash } = state;
  const pc = spec.sender;
  if (sender.name === "over") return [];
  const over: readonly LiveFact[] = [{ type: "sender-over", pc }];
  if (sender.name !== "finishing") {
    const mayFinish =
      rootHash !== null && receivers.verdict !== "stopped" && sender.name === "sending";
    return mayFinish ? [{ type: "sender-finishing", pc, until: millis(now + finishLimit) }] : over;
  }
  if (input.type === "tick") return now >= sender.until ? over : [];
  if (input.type === "resumed" || input.type === "stop") return over;
  if (!isOfSender) return [];
  if (input.type === "lost") return over;
  if (input.type !== "connected" && input.type !== "reported") return [];
  return isAtCast(input.report) && input.report.end === null ? [] : over;
}

function evolve(state: LiveState, fact: LiveFact, stamp: Stamp): LiveState {
  switch (fact.type) {
    case "sealed":
      return { ...state, rootHash: fact.rootHash, storedBytes: fact.storedBytes };
    case "stored":
      return { ...state, archive: "stored", image: { name: fact.image, id: fact.imageId } };
    case "not-stored": {
      const archive = state.archive === "pending" ? "failed" : state.archive;
      const { saveAs } = state.spec;
      const trouble =
        saveAs === null
          ? `the server keeps no copy for PCs that multicast does not reach: ${fact.reason}`
          : `no image ${saveAs} was stored: ${fact.reason}`;
      return { ...state, archive, trouble };
    }
    case "planned": {
      const name = move(senderTable, state.sender.name, fact.type);
      const { sender } = state;
      return { ...state, isPlanned: true, sender: name === "sending" ? { name } : sender };
    }
    case "sender-mapping":
    case "sender-sending":
    case "sender-over": {
      const name = move(senderTable, state.sender.name, fact.type);
      return { ...state, sender: { name: name as "mapping" | "sending" | "over" } };
    }
    case "sender-went": {
      move(senderTable, state.sender.name, fact.type);
      return { ...state, sender: { name: "lost", until: fact.until, reason: fact.reason } };
    }
    case "sender-finishing": {
      move(senderTable, state.sender.name, fact.type);
      return { ...state, sender: { name: "finishing", until: fact.until } };
    }
    default:
      return { ...state, receivers: evolveReceivers(state.receivers, fact, stamp) };
  }
}

function wanted(state: LiveState): Wanted {
  const { receivers, sender, spec } = state;
  const { orders, cast } = wantedOf(receivers);
  if (sender.name === "over") return { orders, cast };
  const all = new Map(orders).set(spec.sender, senderAttempt);
  return sender.name === "finishing"
    ? { orders: all, cast, finish: spec.sender }
    : { orders: all, cast };
}

function deadline({ receivers, sender }: LiveState, now: LabTime): LabTime | undefined {
  const own: Millis | undefined =
    (sender.name === "lost" || sender.name === "finishing") && sender.until > now
      ? sender.until
      : undefined;
  const theirs = deadlineOfReceivers(receivers, now);
  if (own === undefined || theirs === undefined) return own ?? theirs;
  return millis(Math.min(own, theirs));
}

const isOver = ({ receivers, sender }: LiveState): boolean =>
  receivers.phase === "over" && sender.name === "over";

const imageText = ({ image, spec }: LiveState): string =>
  image?.name ?? spec.saveAs ?? `disk of ${spec.senderName}`;

export const liveCast: Kind<LiveSpec, LiveState, LiveFact> = {
  name: "cast",
  begin: (spec, at) => ({
    spec,
    receivers: beginReceivers(spec, at),
    sender: { name: "mapping" },
    isPlanned: false,
    rootHash: null,
    storedBytes: null,
    archive: spec.saveAs === null ? "none" : "pending",
    trouble: null,
    image: null,
  }),
  decide,
  evolve,
  wanted,
  order: (state, session, pc, { policy, grow, rateLimitBps, grant, castKeys }) => {
    const { spec, receivers } = state;
    const cast = { ...spec.cast, keys: castKeys };
    if (pc === spec.sender) {
      return {
        type: "cast",
        session,
        attempt: senderAttempt,
        grant: grant("send", session),
        image: spec.saveAs ?? `to ${spec.room ?? "the chosen PCs"}`,
        disk: spec.sourceDisk,
        raw: spec.raw,
        cast,
        rateLimitBps,
        delta: spec.delta,
      };
    }
    const member = receivers.members[pc];
    return {
      type: "restore",
      session,
      attempt: member?.attempt ?? 1,
      grant: grant("receive", session),
      imageId: session,
      image: imageText(state),
      cast,
      verify: spec.verify,
      afterwards: spec.afterwards,
      disk: spec.disk,
      rule: { policy, failingDisks: [...spec.failingDisks] },
      grow,
      scan: spec.delta || member?.scan === true,
      live: spec.delta ? "delta" : "yes",
      personal: spec.personalise === "auto" ? grant("personal", session) : null,
    };
  },
  release: ({ receivers, spec }, pc) =>
    pc === spec.sender ? "the session is over" : releaseText(receivers, pc),
  deadline,
  isOver,
  holds: (state, pc) => {
    if (isOver(state)) return false;
    const { receivers, spec } = state;
    if (pc === spec.sender) return state.sender.name !== "over";
    const member = receivers.members[pc];
    return receivers.phase !== "over" && member !== undefined && member.phase.name !== "ended";
  },
  knows: ({ receivers, spec }, pc) => pc === spec.sender || pc in receivers.members,
  pcs: ({ receivers, spec }) => [spec.sender, ...Object.keys(receivers.members)],
  room: ({ spec }) => spec.room,
  image: imageText,
  text(fact, state) {
    switch (fact.type) {
      case "planned":
        return "has mapped its disk and sends it";
      case "stored":
        return `stored as ${fact.image}`;
      case "not-stored":
        return state.trouble;
      case "sender-went":
        return `${fact.reason}; it may come back`;
      case "sealed":
      case "sender-mapping":
      case "sender-sending":
      case "sender-finishing":
      case "sender-over":
        return null;
      default:
        return receiverText(fact);
    }
  },
  view: (state, gauges, names) => {
    const { spec, receivers } = state;
    const storedBytes = state.storedBytes ?? Number.MAX_SAFE_INTEGER;
    const isFinishing = hasServed(receivers) && !isOver(state);
    return {
      id: names.id,
      kind: "cast",
      image: imageText(state),
      room: spec.room,
      sender: spec.sender,
      state: isFinishing ? "verifying" : sessionState(receivers, gauges, storedBytes),
      startedAt: names.startedAt,
      endedAt: names.endedAt,
      ...totalsView(receivers, gauges, names.endedAt),
      notices: [
        ...sessionNotices(receivers, gauges, names),
        ...(state.trouble === null ? [] : [state.trouble]),
      ],
      fit: null,
      members: memberViews(receivers, gauges, names, spec.verify),
    };
  },
};
