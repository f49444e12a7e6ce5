/** What can be ordered, as data: what is asked, what will be lost, which calls are sent, and the command that does the same. */
import { diskIdentity } from "../../../core/screen/disk.ts";
import { isLeftOut, orderKeyLines, orderKeys } from "../../../core/screen/identity.ts";
import { foreseenTarget, type TargetRequest } from "../../../core/screen/target.ts";
import { isFailing } from "../../../core/session/target.ts";
import type { DiskView, PcView } from "../../../core/wire/views.ts";
import type { Call } from "../api.ts";
import type { Store } from "../store.ts";
import { speech, t } from "../words.ts";

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
  /** It is seldom needed, and so out of sight until somebody asks for more. */
  readonly isRare?: boolean;
  /** Whether it has a meaning beside these values; it always has, if this is not said. */
  readonly isMeant?: (values: Values) => boolean;
}

/** A file that the browser fetches, as it fetches any other: with its own progress, and where it keeps such files. */
export interface Download {
  /** Below `/api/v1`. */
  readonly path: string;
  readonly name: string;
  /** What it is made of, which has to be there: below `/api/v1`. */
  readonly of: string;
}

export interface Plan {
  /** What it is about: disks that will be lost, what will be done. */
  readonly facts: readonly string[];
  /** Said above the facts where they are what will be lost; null: nothing is. */
  readonly lost: string | null;
  readonly warnings: readonly string[];
  /** Why it cannot be, before the server is asked; null: it can. */
  readonly refused: string | null;
  /** What has to be typed before anything is destroyed; null: nothing. */
  readonly word: string | null;
  readonly calls: readonly Call[];
  /** The name of the PC that each of the calls is for: they go out at the same time. Null: one after the other, to the first that is refused. */
  readonly together: readonly string[] | null;
  /** Long work, which the last of the calls answers in lines: what it is called while it goes on; null: there is none. */
  readonly work: string | null;
  readonly download: Download | null;
  /** Lines that do the same in a terminal. */
  readonly commands: readonly string[];
  /** What is said once it is done. */
  readonly done: string;
}

export interface Action {
  readonly title: string;
  /** The button's text; null: only a terminal can do it, and so the dialog writes the command. */
  readonly submit: string | null;
  readonly isDanger: boolean;
  readonly fields: readonly Field[];
  /** Reads signals of the store, so that what is shown is so when the word is typed. */
  plan(values: Values): Plan;
}

/** A plan with nothing in it but what is given. */
export const plan = (parts: Partial<Plan> & Pick<Plan, "calls" | "commands" | "done">): Plan => ({
  ...{ facts: [], lost: null, warnings: [], refused: null, word: null },
  ...{ together: null, work: null, download: null },
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
  request: TargetRequest,
): {
  readonly pcs: readonly PcView[];
  readonly facts: string[];
  readonly lost: string;
  readonly warnings: string[];
} {
  const rooms = store.rooms.all();
  const keys = orderKeys(all, rooms);
  const pcs = all.filter(({ id }) => !isLeftOut(keys, id));
  const facts = pcs.map((pc) => {
    const off = pc.state === "offline" ? ` (${t("word.off")})` : "";
    return `${pc.name}${off}: ${foreseenTarget(pc, rooms, request, speech()).text}`;
  });
  const lost = t("lost", { count: facts.length });
  return { pcs, facts, lost, warnings: orderKeyLines(keys, speech()) };
}

const disksOf = (pcs: readonly PcView[]): DiskView[] => pcs.flatMap(({ disks }) => disks);

/** The failing disks, by what stands for each in a call and in a command. */
const failingIn = (pcs: readonly PcView[]): ReadonlyMap<string, DiskView> =>
  new Map(
    disksOf(pcs)
      .filter(isFailing)
      .map((disk) => [disk.serial ?? disk.path, disk]),
  );

/** Which disk of every PC, with suggestions; and a tick for each disk that is not used unless somebody says so. */
export const diskFields = (pcs: readonly PcView[]): Field[] => [
  ...[...failingIn(pcs)].map(([name, disk]) =>
    tick(`failing ${name}`, t("field.failing", { disk: diskIdentity(disk) })),
  ),
  {
    ...text("disk", t("field.oneDisk"), "", t("hint.oneDisk")),
    options: [
      ...new Set(
        disksOf(pcs).flatMap(({ path, serial }) =>
          serial === null ? [path] : [path, `serial:${serial}`],
        ),
      ),
    ].map((value) => ({ value, label: value })),
    isRare: true,
  },
];

/** What was chosen at `diskFields`. */
export const diskRequest = (
  values: Values,
  pcs: readonly PcView[],
): Omit<TargetRequest, "sectors"> => ({
  named: (values.disk ?? "") === "" ? null : (values.disk ?? null),
  failingDisks: [...failingIn(pcs).keys()].filter((name) => values[`failing ${name}`] === "yes"),
});

/** The same as options of the command line. */
export const diskWords = ({ named, failingDisks }: Omit<TargetRequest, "sectors">): string[] => [
  ...options({ disk: named }),
  ...(failingDisks.length === 0 ? [] : ["--use-failing-disk", ...failingDisks]),
];

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

/** Out of sight until somebody asks for more. */
export const rare = (field: Field): Field => ({ ...field, isRare: true });

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
