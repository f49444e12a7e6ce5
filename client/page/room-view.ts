/** Which PCs and sessions a page about a room shows. */
import { hasTyped } from "../../core/screen/filter.ts";
import { isRunning, stateOf } from "../../core/screen/pc-state.ts";
import { subjectOf } from "../../core/screen/report.ts";
import type { PcView, SessionView } from "../../core/wire/views.ts";
import { inOrder } from "./orders/action.ts";
import type { Store } from "./store.ts";
import { t } from "./words.ts";

/** The room's PCs, or all of them, in the order of their seats and names. */
export const roomPcs = (store: Store, room: string | null): PcView[] =>
  inOrder(store.pcs.all().filter((pc) => room === null || pc.room === room));

/** Those of them that the filter leaves. Without one, nothing is read that changes with their work. */
export function filteredPcs(store: Store, room: string | null, filter: string): PcView[] {
  const all = roomPcs(store, room);
  return filter.trim() === "" ? all : all.filter((pc) => matches(store, pc, filter));
}

/** Whether a part of a PC's name, address, state, result or disk is what was typed, with its accents or without. */
export function matches(store: Store, pc: PcView, filter: string): boolean {
  const part = store.parts.get(pc.id);
  const texts = [
    ...[pc.name, pc.mac, pc.ip, pc.seat, pc.room, pc.state],
    ...[t(`word.${stateOf(pc, part).word}`), part?.member.result, part?.member.reason],
    ...pc.disks.flatMap(({ model, serial }) => [model, serial]),
  ];
  return hasTyped(texts, filter);
}

const urgency = { bad: 0, warn: 1, accent: 2, plain: 3, good: 4 } as const;

/** Failures first, then what needs a person, then what is at work. */
export function byUrgency(store: Store, pcs: readonly PcView[]): PcView[] {
  const rankOf = (pc: PcView): number => {
    const { style } = stateOf(pc, store.parts.get(pc.id));
    return style in urgency ? urgency[style as keyof typeof urgency] : 3;
  };
  return pcs
    .map((pc) => ({ pc, rank: rankOf(pc) }))
    .sort((one, other) => one.rank - other.rank)
    .map(({ pc }) => pc);
}

/** `Restore of win11@4`, `Wipe of pc01`. */
export const sessionTitle = (store: Store, session: SessionView): string =>
  t(`kind.${session.kind}`, { image: subjectOf(session, (pc) => store.pcs.get(pc)?.name) });

/** Sessions that the room takes part in: those that run first, then the latest first. */
export function roomSessions(store: Store, room: string | null): SessionView[] {
  const inRoom = (session: SessionView): boolean =>
    room === null ||
    session.room === room ||
    session.members.some(({ pc }) => store.pcs.get(pc)?.room === room);
  return store.sessions
    .all()
    .filter(inRoom)
    .sort(
      (one, other) =>
        Number(isRunning(other)) - Number(isRunning(one)) ||
        (one.startedAt < other.startedAt ? 1 : -1),
    );
}

const collator = new Intl.Collator("en", { numeric: true });

export const roomNames = (store: Store): string[] => [...store.rooms.keys].sort(collator.compare);

/** The marked PCs, with this one where it was not, and without it where it was. */
export function toggled(before: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const next = new Set(before);
  if (!next.delete(id)) next.add(id);
  return next;
}
