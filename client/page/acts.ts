/** What can be done with the PCs at hand, for buttons and for keys; null: nothing, and why. */
import { isRunning } from "../../core/screen/pc-state.ts";
import type { PcView, SessionView } from "../../core/wire/views.ts";
import { type App, ask } from "./app.ts";
import type { Action } from "./orders/action.ts";
import * as inventory from "./orders/inventory.ts";
import * as pcs from "./orders/pcs.ts";
import { castAction, restoreAction } from "./orders/restore.ts";
import { dropAction, letInAction, startAction, stopAction } from "./orders/sessions.ts";
import { filteredPcs, roomPcs, roomSessions } from "./room-view.ts";
import { t } from "./words.ts";

/** The marked PCs; where there is no mark, the chosen one. */
export function atHand(app: App, room: string | null): readonly PcView[] {
  const { store, marked } = app;
  if (marked.value.size > 0) return roomPcs(store, room).filter(({ id }) => marked.value.has(id));
  const one = chosenIn(app, room);
  return one === undefined ? [] : [one];
}

/** Takes away the marks of PCs that are not in this room. */
export function keepMarks({ store, marked }: App, room: string | null): void {
  const ids = roomPcs(store, room).map(({ id }) => id);
  marked.value = new Set(ids.filter((id) => marked.peek().has(id)));
}

/** The chosen PC, if it is among those that the reader sees of the room. */
const chosenIn = ({ store, chosen, filter }: App, room: string | null): PcView | undefined =>
  filteredPcs(store, room, filter.value).find(({ id }) => id === chosen.value);

const say = (app: App, text: string): void => {
  app.said.value = { text, isGood: false };
};

/** Opens the dialog of an order for these PCs, or says why there is none. */
export type Act = (app: App, room: string | null, list: readonly PcView[]) => void;

/** For the PC whose page is open, by a button or a key: what was chosen and marked elsewhere is not meant. */
export function actOn(app: App, act: Act, pc: PcView): void {
  app.chosen.value = pc.id;
  act(app, act === acts.restore ? null : pc.room, [pc]);
}

/** Of one PC alone. */
const one =
  (make: (app: App, pc: PcView) => Action | string): Act =>
  (app, _room, list) => {
    const [first, ...others] = list;
    if (first === undefined) return say(app, t("no.pc"));
    if (others.length > 0) return say(app, t("no.several"));
    const made = make(app, first);
    if (typeof made === "string") say(app, made);
    else ask(app, made);
  };

const some =
  (make: (app: App, list: readonly PcView[]) => Action): Act =>
  (app, _room, list) =>
    list.length === 0 ? say(app, t("no.pc")) : ask(app, make(app, list));

export const acts = {
  /** A room as a whole where nothing is marked. */
  restore(app, room, list) {
    const isRoom = room !== null && app.marked.value.size === 0;
    const ids = list.map(({ id }) => id);
    if (!isRoom && ids.length === 0) return say(app, t("no.pc"));
    ask(app, restoreAction(app.store, isRoom ? { room, pcs: [] } : { room: null, pcs: ids }));
  },
  /** The chosen PC casts to the marked ones, or to its whole room. */
  cast(app, room, list) {
    const sender = chosenIn(app, room) ?? list[0];
    if (sender === undefined) return say(app, t("no.pc"));
    const others = list.filter(({ id }) => id !== sender.id).map(({ id }) => id);
    const targets =
      others.length > 0 ? { room: null, pcs: others } : { room: room ?? sender.room, pcs: [] };
    ask(app, castAction(app.store, sender, targets));
  },
  capture: one((app, pc) =>
    pc.disks.length === 0 ? t("no.disk", { pc: pc.name }) : pcs.captureAction(app.store, pc),
  ),
  wake: some((app, list) => pcs.powerAction(app.store, list, "wake")),
  reboot: some((app, list) => pcs.powerAction(app.store, list, "reboot")),
  poweroff: some((app, list) => pcs.powerAction(app.store, list, "poweroff")),
  bootDisk: some((app, list) => pcs.powerAction(app.store, list, "boot-disk")),
  wipe: some((app, list) => pcs.wipeAction(app.store, list)),
  edit: one((app, pc) => inventory.editAction(app.store, pc)),
  move: some((app, list) => inventory.moveAction(app.store, list)),
  admit: some((_app, list) => inventory.admitAction(list)),
  revoke: some((_app, list) => inventory.revokeAction(list)),
  forget: some((_app, list) => inventory.forgetAction(list)),
  identify: one((_app, pc) =>
    pc.doubt === null ? t("no.doubt", { pc: pc.name }) : inventory.identifyAction(pc),
  ),
  start(app, room, list) {
    const session = sessionAtHand(app, room, list);
    if (session === undefined) return say(app, t("no.session"));
    if (session.state !== "gathering") return say(app, t("no.gathering"));
    ask(app, startAction(session));
  },
  stop(app, room, list) {
    const session = sessionAtHand(app, room, list);
    if (session === undefined) say(app, t("no.session"));
    else ask(app, stopAction(app.store, session));
  },
  drop: one((app, pc) => {
    const part = app.store.parts.get(pc.id);
    return part !== undefined && isRunning(part.session) && part.member.result === "pending"
      ? dropAction(app.store, part.session, pc)
      : t("no.part", { pc: pc.name });
  }),
  letIn: one((app, pc) => {
    const part = app.store.parts.get(pc.id);
    return part !== undefined && isRunning(part.session) && part.member.result !== "pending"
      ? letInAction(app.store, part.session, pc)
      : t("no.part", { pc: pc.name });
  }),
} as const satisfies Record<string, Act>;

/** That of the PC at hand, or else the room's running one. */
function sessionAtHand(
  { store }: App,
  room: string | null,
  [first]: readonly PcView[],
): SessionView | undefined {
  const own = first === undefined ? undefined : store.parts.get(first.id)?.session;
  if (own !== undefined && isRunning(own)) return store.sessions.get(own.id);
  return roomSessions(store, room).find(isRunning);
}
