/** Where the operator is in the console, and what that shows of the model. */
import { hasTyped } from "../../core/screen/filter.ts";
import { isLeftOut, type OrderKeys, orderKeys } from "../../core/screen/identity.ts";
import { isPending, isRunning, stateKey, stateOf } from "../../core/screen/pc-state.ts";
import { type SeatMap, seatMap } from "../../core/screen/seat-map.ts";
import type { FitMode } from "../../core/wire/fit-size.ts";
import { type HostSystem, hostNameFaults } from "../../core/wire/host-names.ts";
import type { NameFault } from "../../core/wire/names.ts";
import type { Afterwards } from "../../core/wire/orders.ts";
import type { RoomChange } from "../../core/wire/rooms.ts";
import type { DiskView, ImageView, PcView, SessionView } from "../../core/wire/views.ts";
import type { Call } from "./api.ts";
import { type Choice, choiceAt, placeOf } from "./choice.ts";
import type { Model } from "./model.ts";
import { speechOf, wordText } from "./speech.ts";

/** The PCs that a restore overwrites. */
export interface Targets {
  /** The room's name, or null for PCs taken one by one. */
  readonly room: string | null;
  readonly pcs: readonly string[];
}

/** The options of a restore. */
export interface RestoreOptions {
  readonly delta: boolean;
  readonly verify: "read-back" | "written";
  readonly afterwards: Afterwards;
  readonly start: "now" | "all";
  readonly personalise: "auto" | "none";
  readonly fit: FitMode;
}

export const usualOptions: RestoreOptions = {
  delta: false,
  verify: "read-back",
  afterwards: "stay",
  start: "now",
  personalise: "auto",
  fit: "auto",
};

export type Page =
  | { readonly name: "list" }
  | { readonly name: "pc" }
  /** What is fetched from `path`: shown from its top, or its end. */
  | {
      readonly name: "look";
      readonly title: string;
      readonly path: string;
      readonly from: "top" | "end";
      /** A view is fetched again and again; a check of a room is made once. */
      readonly asks: "again" | "once";
      readonly back: Page;
    }
  /** `from`: the first PC that is shown. */
  | { readonly name: "session"; readonly id: string; readonly from: number }
  /** `from`: the first row that is shown. */
  | { readonly name: "help"; readonly from: number }
  /** A command of the command line, typed. */
  | { readonly name: "command"; readonly value: string }
  | { readonly name: "filter" }
  | {
      readonly name: "images";
      readonly targets: Targets;
      readonly options: RestoreOptions;
      readonly chosen: Choice;
    }
  | {
      readonly name: "overwrite";
      readonly targets: Targets;
      readonly options: RestoreOptions;
      readonly image: ImageView;
      readonly value: string;
      readonly refused: boolean;
      /** First row of the disks, and of what is said of them, that is shown. */
      readonly from: number;
    }
  | { readonly name: "disks"; readonly pc: string; readonly chosen: Choice }
  | {
      readonly name: "prompt";
      readonly for: "capture" | "rename" | "move" | "create";
      readonly pcs: readonly string[];
      readonly disk: DiskView | null;
      readonly value: string;
    }
  /** All images, to be checked and deleted. */
  | { readonly name: "store"; readonly chosen: Choice }
  /** Notes on an image, by its id, as they are written. */
  | { readonly name: "notes"; readonly image: string; readonly value: string }
  /** The rooms of the campus's servers. */
  | { readonly name: "campus"; readonly chosen: Choice }
  /** Which image is restored to a room of another server. */
  | {
      readonly name: "elsewhere";
      readonly room: string;
      readonly server: string;
      readonly chosen: Choice;
    }
  /** The shown room: what it is set to. */
  | { readonly name: "room"; readonly chosen: number }
  | { readonly name: "setting"; readonly key: keyof RoomChange; readonly value: string }
  /** Which known PC this one is, or that it is new. */
  | { readonly name: "identity"; readonly pc: string; readonly chosen: number }
  /** What a live cast is stored as; empty: not at all. */
  | {
      readonly name: "cast";
      readonly sender: string;
      readonly targets: Targets;
      readonly value: string;
    }
  /** How PCs are wiped. */
  | { readonly name: "methods"; readonly pcs: readonly string[]; readonly chosen: number }
  /** What will be destroyed, and the word that has to be typed. */
  | {
      readonly name: "word";
      readonly title: string;
      readonly warnings: readonly string[];
      readonly facts: readonly string[];
      readonly word: string;
      readonly value: string;
      readonly refused: boolean;
      /** First row of warnings and facts that is shown. */
      readonly from: number;
      readonly calls: readonly Call[];
      readonly done: string;
    }
  | {
      readonly name: "confirm";
      readonly question: string;
      readonly warnings: readonly string[];
      /** First row that is shown. */
      readonly from: number;
      readonly calls: readonly Call[];
      /** The message after the calls have succeeded. */
      readonly done: string;
    };

export interface Ui {
  /** How a room's PCs are shown. */
  readonly view: "list" | "map";
  /** null: all rooms. */
  readonly room: string | null;
  /** Id of the PC under the cursor. */
  readonly chosen: string | null;
  readonly marked: ReadonlySet<string>;
  readonly filter: string;
  readonly page: Page;
  /** Where Escape leads to from a dialog. */
  readonly base: "list" | "pc";
  readonly said: { readonly text: string; readonly good: boolean } | null;
}

export const firstUi: Ui = {
  view: "list",
  room: null,
  chosen: null,
  marked: new Set(),
  filter: "",
  page: { name: "list" },
  base: "list",
  said: null,
};

/** Back to where the dialog was opened. */
export const toBase = (ui: Ui): Ui => ({ ...ui, page: { name: ui.base } });

export const byName = new Intl.Collator("en", { numeric: true });

export const roomNames = (model: Model): string[] => [...model.rooms.keys()].sort(byName.compare);

/** The PCs that the list shows, in the order of their seats and names. */
export function shownPcs(model: Model, ui: Ui): PcView[] {
  const shown: PcView[] = [];
  for (const pc of model.pcs.values()) {
    if (ui.room !== null && pc.room !== ui.room) continue;
    if (ui.filter !== "" && !matches(model, pc, ui.filter)) continue;
    shown.push(pc);
  }
  return shown.sort(
    (one, other) =>
      byName.compare(one.seat ?? "\u{10ffff}", other.seat ?? "\u{10ffff}") ||
      byName.compare(one.name, other.name),
  );
}

/** The shown room's map; PCs that the filter hides leave their seats empty. */
export const roomMap = (model: Model, ui: Ui): SeatMap =>
  seatMap(ui.room === null ? [] : (model.rooms.get(ui.room)?.seats ?? []), shownPcs(model, ui));

/** As the API has it, and as the list and the map say it. */
function matches(model: Model, pc: PcView, typed: string): boolean {
  const part = model.parts.get(pc.id);
  const speech = speechOf(model);
  const { t, told } = speech;
  const { result = null, reason = null } = part?.member ?? {};
  const state = part !== undefined && isPending(part) ? part.member.state : pc.state;
  const texts = [
    ...[pc.name, pc.mac, pc.ip, pc.seat, pc.room, pc.state, result, reason],
    ...[t(stateKey(state)), wordText(stateOf(pc, part).word, speech)],
    result === null ? null : t(`result.${result}`),
    reason === null ? null : told(reason),
    ...pc.disks.flatMap(({ model: diskModel, serial }) => [diskModel, serial]),
  ];
  return hasTyped(texts, typed);
}

/** The PC under the cursor: the chosen one, or the first that is shown. */
export function chosenPc(model: Model, ui: Ui): PcView | undefined {
  const pc = ui.chosen === null ? undefined : model.pcs.get(ui.chosen);
  if (ui.base === "pc" && pc !== undefined) return pc;
  const shown = shownPcs(model, ui);
  return shown.find(({ id }) => id === ui.chosen) ?? shown[0];
}

/** All rooms at once have no map. */
export const isMap = (ui: Ui): boolean => ui.view === "map" && ui.room !== null;

/** Sessions that the shown room takes part in, the running ones first, the latest first. */
export function roomSessions(model: Model, room: string | null): SessionView[] {
  const found = new Set<SessionView>();
  for (const session of model.sessions.values()) {
    if (room === null || session.room === room) found.add(session);
  }
  if (room !== null) {
    for (const pc of model.pcs.values()) {
      const session = pc.room === room ? model.parts.get(pc.id)?.session : undefined;
      if (session !== undefined) found.add(session);
    }
  }
  return [...found].sort(
    (one, other) =>
      Number(isRunning(other)) - Number(isRunning(one)) ||
      (one.startedAt < other.startedAt ? 1 : -1),
  );
}

/** The session that a key such as `s` acts on: that of the PC under the cursor, or else the room's running one. */
export function sessionAtHand(model: Model, ui: Ui): SessionView | undefined {
  const pc = chosenPc(model, ui);
  const own = pc === undefined ? undefined : model.parts.get(pc.id)?.session;
  if (own !== undefined && isRunning(own)) return own;
  return roomSessions(model, ui.room).find(isRunning);
}

/** Newest first, then by name. */
export const imagesToChoose = (model: Model): ImageView[] =>
  [...model.images.values()].sort((one, other) => (one.capturedAt < other.capturedAt ? 1 : -1));

export const imageIds = (model: Model): string[] => imagesToChoose(model).map(({ id }) => id);

/** The newest. */
export const firstImage = (model: Model): Choice => choiceAt(imageIds(model), 0);

export function chosenImage(model: Model, choice: Choice): ImageView | undefined {
  const ids = imageIds(model);
  return model.images.get(ids[placeOf(choice, ids)] ?? "");
}

/** The PCs whose disks a restore would overwrite now: a room's PCs come and go. */
export function targetPcs(model: Model, targets: Targets): PcView[] {
  const { room } = targets;
  if (room !== null) return shownPcs(model, { ...firstUi, room });
  return targets.pcs.flatMap((id) => model.pcs.get(id) ?? []);
}

/** Those of them that an order leaves out are not among the PCs, and why is among the keys. */
export function overwrittenPcs(
  model: Model,
  targets: Targets,
): { readonly keys: OrderKeys; readonly pcs: readonly PcView[] } {
  const all = targetPcs(model, targets);
  const keys = orderKeys(all, model.rooms.values());
  return { keys, pcs: all.filter(({ id }) => !isLeftOut(keys, id)) };
}

/** What keeps these PCs from being given their own names; the server refuses it, too. */
export const nameFaults = (
  pcs: readonly PcView[],
  { personalise }: Pick<RestoreOptions, "personalise">,
  systems: readonly HostSystem[],
): NameFault[] => (personalise === "auto" ? hostNameFaults(pcs, systems) : []);

/** Leaves a page whose PC is gone, so that no key acts on another PC than the one that was shown. */
export function settled(model: Model, ui: Ui): Ui {
  if (ui.base === "list" || (ui.chosen !== null && model.pcs.has(ui.chosen))) return ui;
  const text = speechOf(model).t("no.longerPc");
  return { ...ui, base: "list", page: { name: "list" }, said: { text, good: false } };
}

/** Names of PCs by their ids; an id that is gone stands for itself. */
export const namesOf = (model: Model, pcs: readonly string[]): string[] =>
  pcs.map((id) => model.pcs.get(id)?.name ?? id);

/** Their names, or where these are longer than two lines of a screen how many they are. */
export function namesOrCount(model: Model, pcs: readonly string[], columns: number): string {
  const names = namesOf(model, pcs).join(", ");
  return names.length <= 2 * columns ? names : speechOf(model).t("manyPcs", { count: pcs.length });
}

/** More PCs than this are confirmed by their count. */
const namesTyped = 3;

/** What has to be typed before these PCs' disks are overwritten. */
export const overwriteWord = (model: Model, { room, pcs }: Targets): string =>
  room ?? (pcs.length <= namesTyped ? namesOf(model, pcs).join(",") : `${pcs.length} PCs`);
