/** What sessions that many PCs receive have in common: restores and live casts. */
import { resultCounts, sessionFraction } from "../../core/screen/progress.ts";
import type { PcId } from "../../core/session/kind.ts";
import { isFitting, type RestoreState } from "../../core/session/kinds/restore.ts";
import type { LiveState } from "../../core/session/live-state.ts";
import type { Receivers } from "../../core/session/receivers.ts";
import type { CastPlace } from "../../core/wire/cast-address.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import type { SessionView } from "../../core/wire/views.ts";
import type { Session } from "./session.ts";

/** The receivers of a restore or a live cast; null: of another kind. */
export function receiversOf({ kindName, state }: Session): Receivers | null {
  return kindName === "restore" || kindName === "cast"
    ? (state as RestoreState | LiveState).receivers
    : null;
}

/** Where a restore or a live cast casts. */
export const placeOf = ({ state }: Session): CastPlace =>
  (state as RestoreState | LiveState).spec.cast;

/** It lets PCs in: not all of them have ended. */
export const isServing = (session: Session): boolean => receiversOf(session)?.phase !== "proving";

/** Nobody is ordered before its image is made to fit. */
export const isWaitingForFit = ({ kindName, state }: Session): boolean =>
  kindName === "restore" && isFitting(state as RestoreState);

/** The PC whose disk has to be mapped before anything is sent; null: there is none, or it is. */
export function mappingSender({ kindName, state }: Session): string | null {
  if (kindName !== "cast") return null;
  const { isPlanned, spec } = state as LiveState;
  return isPlanned ? null : spec.senderName;
}

/** PCs that have been ordered, and have not ended or got lost. */
export const presentPcs = ({ members }: Receivers): PcId[] =>
  [...members].flatMap(([pc, { phase }]) =>
    ["absent", "lost", "ended"].includes(phase.name) ? [] : [pc],
  );

/** The PCs whose screens show how far the room is: those that are there, and who sends. */
export function roomScreens(session: Session, { sender }: SessionView): PcId[] {
  const present = [...(receiversOf(session)?.members ?? [])].flatMap(([pc, { phase }]) =>
    phase.name === "absent" || phase.name === "lost" ? [] : [pc],
  );
  return sender === null ? present : [...present, sender];
}

type RoomMessage = Extract<ServerMessage, { type: "room" }>;

/** How far the room is, for their screens. */
export function roomMessage(view: SessionView): RoomMessage {
  const { verified, failed } = resultCounts(view);
  return {
    type: "room",
    session: view.id,
    room: {
      members: view.members.length,
      verified,
      failed,
      progress: sessionFraction(view),
      rateBps: view.rateBps,
      secondsLeft: view.secondsLeft,
    },
  };
}
