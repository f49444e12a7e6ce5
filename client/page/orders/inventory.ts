/** What is said of PCs: their names and places, who is who, and whose key is worth something. */
import { identityLines } from "../../../core/screen/identity.ts";
import { forgottenLines } from "../../../core/screen/losses.ts";
import { pcNameRule, roomNameRule } from "../../../core/wire/names.ts";
import { fieldName, type PcView } from "../../../core/wire/views.ts";
import type { Store } from "../store.ts";
import { list, speech, t } from "../words.ts";
import { type Action, choice, command, pathOf, plan, rare, text } from "./action.ts";
import { namesOf, refusedName } from "./pcs.ts";

/** A PC's name, room, seat and address. */
export function editAction(store: Store, pc: PcView): Action {
  const rooms = store.rooms.all().map(({ name }) => name);
  const seats = (store.rooms.get(pc.room)?.seats ?? []).map(({ name }) => name);
  const suggestions = (values: readonly string[]) => ({
    options: values.map((value) => ({ value, label: value })),
  });
  return {
    title: t("edit.title", { pc: pc.name }),
    submit: t("save"),
    isDanger: false,
    fields: [
      text("name", t("field.name"), pc.name),
      { ...text("room", t("room"), pc.room), ...suggestions(rooms) },
      { ...text("seat", t("seat"), pc.seat ?? "", t("hint.none")), ...suggestions(seats) },
      text("address", t("field.address"), pc.address ?? "", t("hint.address")),
      rare({
        ...text("fields", t("field.fields"), fieldsText(pc), t("hint.fields")),
        kind: "lines",
      }),
    ],
    plan({ name = "", room = "", seat = "", address = "", fields = "" }) {
      const own = changedFields(pc, fields);
      const change = {
        ...(name === pc.name ? {} : { name }),
        ...(room === pc.room ? {} : { room }),
        ...(seat === (pc.seat ?? "") ? {} : { seat: seat === "" ? null : seat }),
        ...(address === (pc.address ?? "") ? {} : { address: address === "" ? null : address }),
      };
      const changed = Object.entries(own.changed);
      const words = [
        ...Object.entries(change).flatMap(([key, value]) => [`--${key}`, value ?? "none"]),
        ...(changed.length === 0 ? [] : ["--field", ...changed.map((each) => each.join("="))]),
      ];
      return plan({
        refused:
          refusedName(pcNameRule, name) ??
          refusedName(roomNameRule, room) ??
          own.refused ??
          (words.length === 0 ? t("edit.same") : null),
        calls: [
          ...createRoom(store, room),
          {
            ...{ method: "patch", path: pathOf("pcs", pc.id) },
            body: { ...change, ...(changed.length === 0 ? {} : { fields: own.changed }) },
          },
        ],
        commands: [...createCommand(store, room), command("pc", "set", pc.name, ...words)],
        done: t("edit.done", { pc: name }),
      });
    },
  };
}

const fieldsText = ({ fields }: PcView): string =>
  Object.entries(fields)
    .map((each) => each.join("="))
    .join("\n");

/** What the lines change of a PC's own fields; one that is empty or missing is taken away. */
function changedFields(
  { fields: before }: PcView,
  lines: string,
): { readonly changed: Readonly<Record<string, string>>; readonly refused: string | null } {
  const after = new Map<string, string>();
  for (const line of lines.split("\n").filter((each) => each.trim() !== "")) {
    const [, name, value = ""] = new RegExp(`^\\s*(${fieldName})=(.*?)\\s*$`).exec(line) ?? [];
    if (name === undefined) return { changed: {}, refused: t("edit.field", { line }) };
    after.set(name, value);
  }
  const names = [...new Set([...Object.keys(before), ...after.keys()])];
  const isChanged = (name: string): boolean => (before[name] ?? "") !== (after.get(name) ?? "");
  return {
    changed: Object.fromEntries(
      names.filter(isChanged).map((name) => [name, after.get(name) ?? ""]),
    ),
    refused: null,
  };
}

const createRoom = (store: Store, room: string) =>
  store.rooms.get(room) === undefined
    ? [{ method: "post" as const, path: "/rooms", body: { name: room } }]
    : [];
const createCommand = (store: Store, room: string): string[] =>
  store.rooms.get(room) === undefined ? [command("room", "create", room)] : [];

export function moveAction(store: Store, pcs: readonly PcView[]): Action {
  const names = namesOf(pcs);
  const rooms = store.rooms.all().map(({ name }) => ({ value: name, label: name }));
  return {
    title: t("move.title", { names: list(names) }),
    submit: t("move"),
    isDanger: false,
    fields: [{ ...text("room", t("room"), pcs[0]?.room ?? ""), options: rooms }],
    plan: ({ room = "" }) =>
      plan({
        warnings: store.rooms.get(room) === undefined ? [t("move.newRoom")] : [],
        refused: refusedName(roomNameRule, room),
        calls: [
          ...createRoom(store, room),
          ...pcs.map(({ id }) => ({
            ...{ method: "patch" as const, path: pathOf("pcs", id), body: { room } },
          })),
        ],
        commands: [
          ...createCommand(store, room),
          ...names.map((name) => command("pc", "set", name, "--room", room)),
        ],
        done: t("move.done", { names: list(names), room }),
      }),
  };
}

/** Lets PCs have orders, with the codes to compare. */
export function admitAction(pcs: readonly PcView[]): Action {
  const names = namesOf(pcs);
  return {
    title: t("admit.title", { names: list(names) }),
    submit: t("admit"),
    isDanger: false,
    fields: [],
    plan: () =>
      plan({
        facts: pcs.flatMap((pc) =>
          identityLines(pc, speech()).map((line) => `${pc.name}: ${line}`),
        ),
        together: names,
        calls: pcs.map(({ id, identity }) => ({
          method: "post",
          path: `${pathOf("pcs", id)}/admit`,
          body: { code: identity?.code ?? null },
        })),
        commands: [command("pc", "admit", ...names)],
        done: t("admit.done", { names: list(names) }),
      }),
  };
}

export function revokeAction(pcs: readonly PcView[]): Action {
  const names = namesOf(pcs);
  return {
    title: t("revoke.title", { names: list(names) }),
    submit: t("revoke"),
    isDanger: true,
    fields: [],
    plan: () =>
      plan({
        warnings: [t("revoke.warning")],
        together: names,
        calls: pcs.map(({ id }) => ({ method: "post", path: `${pathOf("pcs", id)}/revoke` })),
        commands: [command("pc", "revoke", ...names)],
        done: t("revoke.done", { names: list(names) }),
      }),
  };
}

export function forgetAction(pcs: readonly PcView[]): Action {
  const names = namesOf(pcs);
  return {
    title: t("forget.title", { names: list(names) }),
    submit: t("forget"),
    isDanger: true,
    fields: [],
    plan: () =>
      plan({
        warnings: forgottenLines(speech()),
        together: names,
        calls: pcs.map(({ id }) => ({ method: "delete", path: pathOf("pcs", id) })),
        commands: names.map((name) => command("pc", "forget", name)),
        done: t("forget.done", { names: list(names) }),
      }),
  };
}

/** Which known PC this one is. */
export function identifyAction(pc: PcView): Action {
  const known = pc.doubt ?? [];
  return {
    title: t("identify.title", { pc: pc.name }),
    submit: t("identify"),
    isDanger: false,
    fields: [
      choice("as", t("field.identity"), [
        ...known.map(({ id, name }) => [id, t("identify.is", { pc: name })] as const),
        ["", t("identify.new")],
      ]),
    ],
    plan({ as = "" }) {
      const other = known.find(({ id }) => id === as)?.name;
      return plan({
        calls: [
          {
            method: "post",
            path: `${pathOf("pcs", pc.id)}/identify`,
            body: { as: as === "" ? null : as },
          },
        ],
        commands: [
          command(
            "pc",
            "identify",
            pc.name,
            ...(other === undefined ? ["--new"] : ["--as", other]),
          ),
        ],
        done: t("edit.done", { pc: other ?? pc.name }),
      });
    },
  };
}
