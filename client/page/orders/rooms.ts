/** What is ordered of rooms: their settings, seats, lists and walks. */
import { parsePolicy, policyText } from "../../../core/session/policy-text.ts";
import { seatGrid } from "../../../core/session/seats.ts";
import { parseDiskSeconds, parsePrefix } from "../../../core/session/setting-text.ts";
import { roomNameRule, seatNameRule } from "../../../core/wire/names.ts";
import {
  type RoomChange,
  type RoomSettings,
  type RoomView,
  roomDefaults,
} from "../../../core/wire/rooms.ts";
import type { Store } from "../store.ts";
import { t, told } from "../words.ts";
import {
  type Action,
  choice,
  command,
  type Field,
  type Plan,
  pathOf,
  plan,
  text,
} from "./action.ts";
import { refusedName } from "./pcs.ts";

export function createRoomAction(): Action {
  return {
    title: t("room.create"),
    submit: t("create"),
    isDanger: false,
    fields: [text("name", t("field.name"))],
    plan: ({ name = "" }) =>
      plan({
        refused: refusedName(roomNameRule, name),
        calls: [{ method: "post", path: "/rooms", body: { name } }],
        commands: [command("room", "create", name)],
        done: t("room.created", { room: name }),
      }),
  };
}

export function deleteRoomAction({ name, pcs }: RoomView): Action {
  return {
    title: t("room.delete.title", { room: name }),
    submit: t("delete"),
    isDanger: true,
    fields: [],
    plan: () =>
      plan({
        warnings: pcs === 0 ? [] : [t("room.delete.warning", { count: pcs })],
        calls: [{ method: "delete", path: pathOf("rooms", name) }],
        commands: [command("room", "delete", name)],
        done: t("room.deleted", { room: name }),
      }),
  };
}

/** The settings that are one of a few words. */
const choices: Partial<Record<keyof RoomChange, readonly string[]>> = {
  grow: ["auto", "last", "none"],
  idleBoot: ["agent", "local-disk"],
  admit: ["on-order", "placed", "proven"],
  ask: ["approve", "free"],
  address: ["dhcp", "reserved", "static"],
  secrets: ["proven", "unproven"],
  bootFirst: ["network", "disk"],
  language: ["default", "en", "es", "fr", "pt"],
};

/** The settings whose option is another word than their name in small letters with dashes. */
const optionNames: Partial<Record<keyof RoomChange, string>> = {
  sshKeys: "ssh-key",
};

/** Those that are taken from the server's own network where nothing is said. */
const automatic: ReadonlySet<keyof RoomChange> = new Set(["gateway", "dns", "prefix"]);

/** All settings in their order; of a PIN only whether there is one. */
export const settingKeys: readonly (keyof RoomChange)[] = [
  ...(Object.keys(roomDefaults) as (keyof RoomSettings)[]),
  "pin",
  "instructorPin",
];

/** As it is typed; empty: none. */
export function settingText(
  { settings, pin, instructorPin }: RoomView,
  key: keyof RoomChange,
): string {
  if (key === "pin") return pin ? "••••" : "";
  if (key === "instructorPin") return instructorPin ? "••••" : "";
  if (key === "disk") return policyText(settings.disk);
  const value = settings[key];
  if (typeof value === "boolean") return value ? "on" : "off";
  if (Array.isArray(value)) return value.join(" ");
  return value === null ? "" : String(value);
}

export function settingAction(room: RoomView, key: keyof RoomChange): Action {
  const label = t(`setting.${key}`);
  const before = key === "pin" || key === "instructorPin" ? "" : settingText(room, key);
  const words = key === "shell" ? ["on", "off"] : choices[key];
  const field: Field =
    words === undefined
      ? text("value", label, before, t(automatic.has(key) ? "hint.auto" : "hint.none"))
      : choice(
          "value",
          label,
          words.map((word) => [word, t(`choice.${word}` as "choice.auto")]),
          before,
        );
  return {
    title: t("setting.title", { room: room.name }),
    submit: t("save"),
    isDanger: false,
    fields: [field],
    plan: ({ value = "" }) => settingPlan(room, key, value.trim()),
  };
}

function settingPlan({ name }: RoomView, key: keyof RoomChange, typed: string): Plan {
  const { value, refused } = settingValue(key, typed);
  const option = optionNames[key] ?? key.replace(/[A-Z]/g, (big) => `-${big.toLowerCase()}`);
  const none = key === "disk" ? "any" : automatic.has(key) ? "auto" : "none";
  const several = key === "sshKeys" || key === "dns";
  const words = typed === "" ? [none] : several ? typed.split(/[\s,]+/) : [typed];
  // A PIN on a command line is seen by everybody on that host, and so it is not shown here.
  const isSecret = (key === "pin" || key === "instructorPin") && typed !== "";
  return plan({
    refused,
    calls: [{ method: "patch", path: pathOf("rooms", name), body: { [key]: value } }],
    commands: [command("room", "set", name, `--${option}`, ...(isSecret ? ["PIN"] : words))],
    done: t("setting.done", { room: name }),
  });
}

const numbers = new Map<keyof RoomChange, typeof parsePrefix>([
  ["prefix", parsePrefix],
  ["diskSeconds", parseDiskSeconds],
]);

function settingValue(
  key: keyof RoomChange,
  typed: string,
): { readonly value: unknown; readonly refused: string | null } {
  const fine = (value: unknown) => ({ value, refused: null });
  if (key === "shell") return fine(typed === "on");
  if (key === "disk") {
    const policy = parsePolicy(typed === "" ? "any" : typed);
    return policy.ok ? fine(policy.value) : { value: null, refused: policy.reason };
  }
  if (key === "sshKeys") return fine(typed === "" ? [] : typed.split(/[\s,]+/));
  if (typed === "") return fine(null);
  if (key === "dns") return fine(typed.split(/[\s,]+/));
  const parse = numbers.get(key);
  if (parse === undefined) return fine(typed);
  const read = parse(typed);
  return read.ok ? fine(read.value) : { value: null, refused: told(read.reason) };
}

export function unlockAction({ name }: RoomView): Action {
  return {
    title: t("unlock.title", { room: name }),
    submit: t("unlock"),
    isDanger: false,
    fields: [],
    plan: () =>
      plan({
        calls: [{ method: "post", path: `${pathOf("rooms", name)}/unlock` }],
        commands: [command("room", "unlock", name)],
        done: t("unlock.done", { room: name }),
      }),
  };
}

export function walkAction({ name, walk }: RoomView): Action {
  const on = walk === null;
  return {
    title: on ? t("walk.title", { room: name }) : t("walk.endTitle", { room: name }),
    submit: on ? t("walk.start") : t("walk.end"),
    isDanger: false,
    fields: [],
    plan: () =>
      plan({
        facts: on ? [t("walk.how")] : [],
        calls: [{ method: "post", path: `${pathOf("rooms", name)}/walk`, body: { on } }],
        commands: [command("room", "walk", name, ...(on ? [] : ["--end"]))],
        done: on ? t("walk.started", { room: name }) : t("walk.ended", { room: name }),
      }),
  };
}

/** Replaces the map with a grid. */
export function gridAction({ name, seats }: RoomView): Action {
  return {
    title: t("grid.title", { room: name }),
    submit: t("save"),
    isDanger: false,
    fields: [text("columns", t("field.columns"), "6"), text("rows", t("field.rows"), "5")],
    plan({ columns = "", rows = "" }) {
      const isGood = [columns, rows].every((each) => /^[1-9]\d{0,2}$/.test(each));
      const drawn = isGood ? seatGrid(Number(columns), Number(rows)) : [];
      return plan({
        warnings: seats.length === 0 ? [] : [t("grid.warning", { count: seats.length })],
        refused: isGood ? null : t("grid.refused"),
        calls: [{ method: "put", path: `${pathOf("rooms", name)}/seats`, body: { seats: drawn } }],
        commands: [command("seat", "grid", name, `${columns}x${rows}`)],
        done: t("grid.done", { count: drawn.length, room: name }),
      });
    },
  };
}

const asSeat = ({ name, column, row }: RoomView["seats"][number]) => ({ name, column, row });

/** The room's seats at the moment: a seat walk, or somebody else, may have drawn some since the dialog opened. */
const seatsOf = (store: Store, room: string): RoomView["seats"] =>
  store.rooms.get(room)?.seats ?? [];

/** One more seat; in the row of the last one, behind it, if nothing else is said. */
export function addSeatAction(store: Store, { name, seats: first }: RoomView): Action {
  const last = first.at(-1) ?? { column: -1, row: 0 };
  return {
    title: t("seat.add.title", { room: name }),
    submit: t("add"),
    isDanger: false,
    fields: [
      text("seat", t("field.name")),
      text("column", t("field.column"), String(last.column + 2)),
      text("row", t("field.row"), String(last.row + 1), t("hint.row")),
    ],
    plan({ seat = "", column = "", row = "" }) {
      const isGood = [column, row].every((each) => /^[1-9]\d{0,2}$/.test(each));
      const place = { column: Number(column) - 1, row: Number(row) - 1 };
      const seats = seatsOf(store, name);
      return plan({
        refused:
          refusedName(seatNameRule, seat) ??
          (seats.some((each) => each.name === seat)
            ? t("seat.there", { seat })
            : isGood
              ? null
              : t("grid.refused")),
        calls: [
          {
            ...{ method: "put", path: `${pathOf("rooms", name)}/seats` },
            body: { seats: [...seats.map(asSeat), { name: seat, ...place }] },
          },
        ],
        commands: [command("seat", "add", name, seat, "--at", `${place.column},${place.row}`)],
        done: t("seat.added", { seat, room: name }),
      });
    },
  };
}

export function removeSeatAction(store: Store, { name, seats: first }: RoomView): Action {
  return {
    title: t("seat.remove.title", { room: name }),
    submit: t("remove"),
    isDanger: true,
    fields: [
      choice(
        "seat",
        t("seat"),
        first.map((seat) => [seat.name, seat.name]),
      ),
    ],
    plan({ seat = "" }) {
      const seats = seatsOf(store, name);
      return plan({
        warnings: seats.some((each) => each.name === seat && each.pc !== null)
          ? [t("seat.remove.warning")]
          : [],
        calls: [
          {
            ...{ method: "put", path: `${pathOf("rooms", name)}/seats` },
            body: { seats: seats.filter((each) => each.name !== seat).map(asSeat) },
          },
        ],
        commands: [command("seat", "remove", name, seat)],
        done: t("seat.removed", { seat, room: name }),
      });
    },
  };
}

/** Names and places PCs as a list in CSV says. */
export function importAction({ name }: RoomView): Action {
  return {
    title: t("import.title", { room: name }),
    submit: t("import"),
    isDanger: false,
    fields: [{ ...text("csv", t("field.csv"), "", t("hint.csv")), kind: "lines" }],
    plan: ({ csv = "" }) =>
      plan({
        refused: csv.trim() === "" ? t("import.empty") : null,
        calls: [{ method: "post", path: `${pathOf("rooms", name)}/import`, body: { csv } }],
        commands: [command("room", "import", name, `${name}.csv`)],
        done: t("import.done", { room: name }),
      }),
  };
}
