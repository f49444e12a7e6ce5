/** What is ordered of PCs: captures, power, wipes, names, keys. */
import { diskLine } from "../../../core/screen/disk.ts";
import { identityLines, orderKeys, shownOf } from "../../../core/screen/identity.ts";
import { isRunning } from "../../../core/screen/pc-state.ts";
import { wipeMethodsOf } from "../../../core/screen/wipe.ts";
import {
  imageNameRule,
  type NameRule,
  nameFault,
  pcNameRule,
  roomNameRule,
} from "../../../core/wire/names.ts";
import type { PcView } from "../../../core/wire/views.ts";
import type { Store } from "../store.ts";
import { list, t } from "../words.ts";
import {
  type Action,
  choice,
  command,
  overwritten,
  pathOf,
  plan,
  text,
  tick,
  wordOf,
} from "./action.ts";

const namesOf = (pcs: readonly PcView[]): string[] => pcs.map(({ name }) => name);

/** What the server would say to a name, said before; null: nothing. */
export function refusedName(rule: NameRule, name: string): string | null {
  const fault = nameFault(rule, name);
  return fault === null ? null : `${fault.what}; ${fault.next}`;
}

export function captureAction(store: Store, pc: PcView): Action {
  const known = [...new Set(store.images.all().map(({ name }) => name))].sort();
  return {
    title: t("capture.title", { pc: pc.name }),
    submit: t("capture"),
    isDanger: false,
    fields: [
      {
        ...text("name", t("field.imageName"), "", t("hint.capture")),
        options: known.map((value) => ({ value, label: value })),
      },
      ...(pc.disks.length > 1
        ? [
            choice(
              "disk",
              t("field.disk"),
              pc.disks.map((disk) => [disk.path, diskLine(disk)]),
            ),
          ]
        : []),
      tick("raw", t("field.raw")),
    ],
    plan({ name = "", disk = null, raw }) {
      const isRaw = raw === "yes";
      const words = [...(disk === null ? [] : ["--disk", disk]), ...(isRaw ? ["--raw"] : [])];
      return plan({
        facts: pc.disks.filter(({ path }) => disk === null || path === disk).map(diskLine),
        warnings: known.includes(name) ? [t("capture.newVersion")] : [],
        refused: refusedName(imageNameRule, name),
        calls: [{ method: "post", path: "/captures", body: { pc: pc.id, name, disk, raw: isRaw } }],
        commands: [command("capture", pc.name, name, ...words)],
        done: t("capture.done", { pc: pc.name, image: name }),
      });
    },
  };
}

export type Power = "wake" | "reboot" | "poweroff" | "boot-disk";

export function powerAction(store: Store, pcs: readonly PcView[], power: Power): Action {
  const names = namesOf(pcs);
  return {
    title: t(`power.${power}.title`, { names: list(names) }),
    submit: t(`power.${power}`),
    isDanger: false,
    fields: [],
    plan: () =>
      plan({
        warnings:
          power === "wake"
            ? []
            : pcs.flatMap((pc) => {
                const part = store.parts.get(pc.id);
                return part !== undefined &&
                  isRunning(part.session) &&
                  part.member.result === "pending"
                  ? [t("power.inSession", { pc: pc.name, session: part.session.id })]
                  : [];
              }),
        calls: pcs.map(({ id }) => ({
          ...{ method: "post", path: `${pathOf("pcs", id)}/power`, body: { action: power } },
        })),
        commands: [command("pc", power, ...names)],
        done: t(`power.${power}.done`, { names: list(names) }),
      }),
  };
}

export function wipeAction(store: Store, pcs: readonly PcView[]): Action {
  const names = namesOf(pcs);
  const methods = wipeMethodsOf(pcs.flatMap(({ disks }) => disks));
  return {
    title: t("wipe.title", { names: list(names) }),
    submit: t("wipe"),
    isDanger: true,
    fields: [
      choice(
        "method",
        t("field.method"),
        methods.map(({ method }) => [method, t(`wipe.${method}`)]),
      ),
    ],
    plan({ method = "discard" }) {
      const { facts, warnings } = overwritten(store, pcs, null);
      const shown = shownOf(orderKeys(pcs, store.rooms.all()));
      return plan({
        ...{ facts, warnings, word: wordOf(null, pcs) },
        calls: pcs.map(({ id, name }) => ({
          method: "post",
          path: `${pathOf("pcs", id)}/wipe`,
          body: { method, overwrite: name, shown },
        })),
        commands: [command("pc", "wipe", ...names, "--method", method)],
        done: t("wipe.done", { names: list(names) }),
      });
    },
  };
}

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
    ],
    plan({ name = "", room = "", seat = "", address = "" }) {
      const change = {
        ...(name === pc.name ? {} : { name }),
        ...(room === pc.room ? {} : { room }),
        ...(seat === (pc.seat ?? "") ? {} : { seat: seat === "" ? null : seat }),
        ...(address === (pc.address ?? "") ? {} : { address: address === "" ? null : address }),
      };
      const words = Object.entries(change).flatMap(([key, value]) => [`--${key}`, value ?? "none"]);
      return plan({
        refused:
          refusedName(pcNameRule, name) ??
          refusedName(roomNameRule, room) ??
          (words.length === 0 ? t("edit.same") : null),
        calls: [
          ...createRoom(store, room),
          { method: "patch", path: pathOf("pcs", pc.id), body: change },
        ],
        commands: [...createCommand(store, room), command("pc", "set", pc.name, ...words)],
        done: t("edit.done", { pc: name }),
      });
    },
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
        facts: pcs.flatMap((pc) => identityLines(pc).map((line) => `${pc.name}: ${line}`)),
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
        warnings: [t("forget.warning")],
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
