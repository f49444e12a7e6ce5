/** A live cast: one PC sends its own disk to the others while it reads it; the server may keep it as an image. */
import { type Millis, millis } from "../../units/units.ts";
import { decideLive } from "../decide-live.ts";
import type { Kind, LabTime, Levels, Wanted } from "../kind.ts";
import {
  beginLive,
  evolveLive,
  hasServed,
  type LiveFact,
  type LiveSpec,
  type LiveState,
  readLive,
  type StoredLive,
  senderAttempt,
} from "../live-state.ts";
import { deadlineOfReceivers, holdsPc, pcsOf, releaseText, wantedOf } from "../receivers.ts";
import {
  memberViews,
  receiverText,
  sessionNotices,
  sessionState,
  totalsView,
} from "../receivers-view.ts";

function wanted(state: LiveState): Wanted {
  const { receivers, sender, spec } = state;
  const { orders, cast } = wantedOf(receivers);
  if (sender.name === "over") return { orders, cast };
  const all: Levels = {
    get: (pc) => (pc === spec.sender ? senderAttempt : orders.get(pc)),
    *[Symbol.iterator]() {
      yield* orders;
      yield [spec.sender, senderAttempt];
    },
  };
  return sender.name === "finishing"
    ? { orders: all, cast, finish: spec.sender }
    : { orders: all, cast };
}

function deadline({ receivers, sender, isPlanned }: LiveState, now: LabTime): LabTime | undefined {
  const own: Millis | undefined =
    (sender.name === "lost" || sender.name === "finishing") && sender.until > now
      ? sender.until
      : undefined;
  const theirs = isPlanned ? deadlineOfReceivers(receivers, now) : undefined;
  if (own === undefined || theirs === undefined) return own ?? theirs;
  return millis(Math.min(own, theirs));
}

const isOver = ({ receivers, sender }: LiveState): boolean =>
  receivers.phase === "over" && sender.name === "over";

const imageText = ({ image, spec }: LiveState): string =>
  image?.name ?? spec.saveAs ?? `disk of ${spec.senderName}`;

export const liveCast: Kind<LiveSpec, LiveState, LiveFact> = {
  name: "cast",
  begin: beginLive,
  read: (stored) => readLive(stored as StoredLive),
  decide: decideLive,
  evolve: evolveLive,
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
    const member = receivers.members.get(pc);
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
    return holdsPc(receivers, pc);
  },
  knows: ({ receivers, spec }, pc) => pc === spec.sender || receivers.members.has(pc),
  pcs: ({ receivers, spec }) => [spec.sender, ...pcsOf(receivers)],
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
    const waitsFor = gauges.members.get(spec.sender)?.slowWork.text ?? null;
    return {
      id: names.id,
      kind: "cast",
      image: imageText(state),
      room: spec.room,
      sender: spec.sender,
      ...{ disk: spec.disk, failingDisks: [...spec.failingDisks] },
      state: isFinishing ? "verifying" : sessionState(receivers, gauges, storedBytes),
      startedAt: names.startedAt,
      endedAt: names.endedAt,
      ...totalsView(receivers, gauges, names.endedAt),
      notices: [
        ...sessionNotices(receivers, gauges, names),
        ...(waitsFor === null || isOver(state) ? [] : [`${spec.senderName}: ${waitsFor}`]),
        ...(state.trouble === null ? [] : [state.trouble]),
      ],
      fit: null,
      members: memberViews(receivers, gauges, names, spec.verify),
    };
  },
};
