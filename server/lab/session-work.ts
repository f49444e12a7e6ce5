/** What sessions are at, for work of the server that would get into their way. */
import type { PcId } from "../../core/session/kind.ts";
import type { CaptureState } from "../../core/session/kinds/capture.ts";
import type { LiveState } from "../../core/session/live-state.ts";
import type { Member } from "../../core/session/member.ts";
import { isAnyWanted, isBeforeCast, type Receivers } from "../../core/session/receivers.ts";
import { receiversOf } from "./receiving.ts";
import type { Session } from "./session.ts";

/** A session that sends over a network, or is sent to. */
export interface Traffic {
  readonly session: Session;
  /** The network's name. */
  readonly network: string;
}

/** For people: `session s7 (restore, room lab1)`. */
export function sessionText({ id, kindName, kind, state }: Session): string {
  const room = kind.room(state);
  return `session ${id} (${kindName}${room === null ? "" : `, room ${room}`})`;
}

/**
 * Whether there are PCs that know in which forms the chunks of its image are stored, or a cast that does: PCs have been
 * ordered, to do something else than wipe. One that was taken for gone may come back with what it knew, as long as the
 * cast has not begun without it.
 */
export const holdsForms = (session: Session): boolean =>
  session.kindName !== "wipe" &&
  // What is decided and not written yet counts from now on, what is written as long as it is.
  [session.state, session.durable].some(
    (state) => state !== null && holdsIn({ ...session, state }),
  );

function holdsIn(session: Session): boolean {
  const { orders, cast } = session.kind.wanted(session.state);
  if (cast !== null || orders[Symbol.iterator]().next().done !== true) return true;
  const receivers = receiversOf(session);
  return receivers !== null && isBeforeCast(receivers) && hasOrdered(receivers);
}

const hasOrdered = ({ members }: Receivers): boolean =>
  members.where(({ ended }) => ended > 0).some(([, { attempt }]) => attempt > 0);

/** What goes over which network now, each once for a session. */
export function trafficOf(
  sessions: readonly Session[],
  networkOf: (pc: PcId) => string,
): readonly Traffic[] {
  return sessions.flatMap((session) =>
    [...new Set(movingPcs(session).map(networkOf))].map((network) => ({ session, network })),
  );
}

/** The PCs that send or receive data of the session, or are about to. */
function movingPcs(session: Session): PcId[] {
  const { kindName, state } = session;
  if (kindName === "capture") {
    const { pc, phase } = (state as CaptureState).worker;
    return phase.name === "ordered" || phase.name === "working" ? [pc] : [];
  }
  const receivers = receiversOf(session);
  if (receivers === null) return [];
  const receiving = receivers.members
    .where(isAnyWanted)
    .flatMap(([pc, member]) => (isMoving(member) ? [pc] : []));
  return kindName === "cast" && isSending(state as LiveState)
    ? [(state as LiveState).spec.sender, ...receiving]
    : receiving;
}

/** One that is ready waits for others, and one that reads back has all. */
const isMoving = ({ phase }: Member): boolean =>
  phase.name === "ordered" || phase.name === "receiving";

/** It reads its disk for the server, whether another PC is there or not. */
const isSending = ({ sender, receivers, rootHash }: LiveState): boolean =>
  sender.name === "sending" && receivers.phase === "casting" && rootHash === null;
