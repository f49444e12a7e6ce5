/** What can be ordered, as data: what is asked, what will be lost, which calls are sent, and the command that does the same. */
import { isLeftOut, orderKeyLines, orderKeys } from "../../../core/screen/identity.ts";
import { foreseenTarget, type SectorNeed } from "../../../core/screen/target.ts";
import type { PcView } from "../../../core/wire/views.ts";
import type { Call } from "../api.ts";
import type { Store } from "../store.ts";
import { t } from "../words.ts";

/** What was typed and chosen, by the fields' names; a tick is `yes` or empty. */
export type Values = Readonly<Record<string, string>>;

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly kind: "text" | "secret" | "choice" | "tick" | "lines";
  /** Of a choice; of a text they are suggestions. */
  readonly options?: readonly { readonly value: string; readonly label: string }[];
  readonly hint?: string;
}

export interface Plan {
  /** What it is about: disks that will be lost, what will be done. */
  readonly facts: readonly string[];
  readonly warnings: readonly string[];
  /** Why it cannot be, before the server is asked; null: it can. */
  readonly refused: string | null;
  /** What has to be typed before anything is destroyed; null: nothing. */
  readonly word: string | null;
  readonly calls: readonly Call[];
  /** Lines that do the same in a terminal. */
  readonly commands: readonly string[];
  /** What is said once it is done. */
  readonly done: string;
}

export interface Action {
  readonly title: string;
  /** The button's text. */
  readonly submit: string;
  readonly isDanger: boolean;
  readonly fields: readonly Field[];
  /** Reads signals of the store, so that what is shown is so when the word is typed. */
  plan(values: Values): Plan;
}

/** A plan with nothing in it but what is given. */
export const plan = (parts: Partial<Plan> & Pick<Plan, "calls" | "commands" | "done">): Plan => ({
  facts: [],
  warnings: [],
  refused: null,
  word: null,
  ...parts,
});

/** PCs that an order is for: a room as a whole, or some of its PCs by their ids. */
export interface Targets {
  readonly room: string | null;
  readonly pcs: readonly string[];
}

/** A line for a terminal; what a shell would read otherwise is quoted. */
export const command = (...words: readonly string[]): string =>
  ["roomcast", ...words.map(quoted)].join(" ");

const quoted = (word: string): string =>
  /^[A-Za-z0-9@%+=:,./_-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** Options with their values, those that are as usual left out. */
export const options = (all: Readonly<Record<string, string | boolean | null>>): string[] =>
  Object.entries(all).flatMap(([name, value]) =>
    value === null || value === false ? [] : value === true ? [`--${name}`] : [`--${name}`, value],
  );

const collator = new Intl.Collator("en", { numeric: true });

/** In the order of their seats and names. */
export const inOrder = (pcs: readonly PcView[]): PcView[] =>
  pcs.toSorted(
    (one, other) =>
      collator.compare(one.seat ?? "\u{10ffff}", other.seat ?? "\u{10ffff}") ||
      collator.compare(one.name, other.name),
  );

export const targetPcs = (store: Store, { room, pcs }: Targets): PcView[] =>
  room === null
    ? pcs.flatMap((id) => store.pcs.get(id) ?? [])
    : inOrder(store.pcs.all().filter((pc) => pc.room === room));

/** More PCs than this are confirmed by their count. */
const namesTyped = 3;

/** What has to be typed before these PCs' disks are overwritten. */
export const wordOf = (room: string | null, pcs: readonly PcView[]): string =>
  room ?? (pcs.length <= namesTyped ? pcs.map(({ name }) => name).join(",") : `${pcs.length} PCs`);

/** The disks that will be lost, the PCs that this order places, and those that it leaves out. */
export function overwritten(
  store: Store,
  all: readonly PcView[],
  sectors: SectorNeed | null,
): { readonly pcs: readonly PcView[]; readonly facts: string[]; readonly warnings: string[] } {
  const rooms = store.rooms.all();
  const keys = orderKeys(all, rooms);
  const pcs = all.filter(({ id }) => !isLeftOut(keys, id));
  const request = { named: null, failingDisks: [], sectors };
  const facts = pcs.map((pc) => {
    const off = pc.state === "offline" ? ` (${t("word.off")})` : "";
    return `${pc.name}${off}: ${foreseenTarget(pc, rooms, request).text}`;
  });
  return { pcs, facts, warnings: orderKeyLines(keys) };
}

/** The path of a thing of the API. */
export const pathOf = (
  kind:
    | "pcs"
    | "rooms"
    | "images"
    | "sessions"
    | "requests"
    | "schedule"
    | "operators"
    | "ssh-keys",
  key: string,
): string => `/${kind}/${encodeURIComponent(key)}`;

export const tick = (name: string, label: string, isOn = false): Field => ({
  ...{ name, label, kind: "tick", value: isOn ? "yes" : "" },
});

export const text = (name: string, label: string, value = "", hint?: string): Field => ({
  ...{ name, label, kind: "text", value },
  ...(hint === undefined ? {} : { hint }),
});

export const choice = (
  name: string,
  label: string,
  options: readonly (readonly [value: string, label: string])[],
  value = options[0]?.[0] ?? "",
): Field => ({
  ...{ name, label, kind: "choice", value },
  options: options.map(([each, shown]) => ({ value: each, label: shown })),
});
