/** What a live cast decides: of the PC that sends here, of those that receive as in `decide-receivers.ts`. */
import { millis } from "../units/units.ts";
import type { End, Report } from "../wire/work.ts";
import { endText } from "./cause.ts";
import type { Surroundings } from "./decide-member.ts";
import { decideReceivers, hasAnyLeft } from "./decide-receivers.ts";
import type { Gauges, Input, LabTime } from "./kind.ts";
import { hasServed, type LiveFact, type LiveState, senderAttempt } from "./live-state.ts";
import { overdueText } from "./slow-disk.ts";

/** How long a live cast waits for a sender whose connection broke. */
export const senderGrace = millis(15_000);
/** How long the sender of a cast that is over may take to say so; its last totals come with it. */
export const finishLimit = millis(15_000);

/** The facts that follow from an input. */
export function decideLive(
  state: LiveState,
  input: Input,
  now: LabTime,
  gauges: Gauges,
): readonly LiveFact[] {
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
      // No time counts for PCs that wait for the map, and a cast that is stored is not opened without one.
      if (!state.isPlanned && (archive === "pending" || hasAnyLeft(receivers.members.census)))
        return [];
      break;
    case "start":
      if (!state.isPlanned) return [];
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
    case "progress": {
      const overdue = gauges.members.get(pc)?.slowWork.overdue ?? null;
      return overdue === null ? [] : broken(overdueText(overdue));
    }
    default:
      return [];
  }
}

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

const isAtCast = (report: Report | null): report is Report & { end: End | null } =>
  report !== null && report.attempt === senderAttempt;

const surroundings = ({ rootHash, isPlanned, archive }: LiveState): Surroundings => ({
  rootHash,
  mayOrder: isPlanned,
  mustWait: archive === "pending",
  hasFailed: archive === "failed",
});
