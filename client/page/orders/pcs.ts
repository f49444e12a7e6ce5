/** What PCs are ordered to do: captures, power, wipes. */
import { diskLine } from "../../../core/screen/disk.ts";
import { orderKeys, shownOf } from "../../../core/screen/identity.ts";
import { isRunning } from "../../../core/screen/pc-state.ts";
import { anyTarget } from "../../../core/screen/target.ts";
import { wipeMethodsOf } from "../../../core/screen/wipe.ts";
import { imageNameRule, type NameRule, nameFault } from "../../../core/wire/names.ts";
import type { RoomView } from "../../../core/wire/rooms.ts";
import type { PcView } from "../../../core/wire/views.ts";
import type { Store } from "../store.ts";
import { list, speech, t } from "../words.ts";
import {
  type Action,
  choice,
  command,
  diskFields,
  diskRequest,
  diskWords,
  overwritten,
  pathOf,
  plan,
  rare,
  text,
  tick,
  wordOf,
} from "./action.ts";

export const namesOf = (pcs: readonly PcView[]): string[] => pcs.map(({ name }) => name);

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
              pc.disks.map((disk) => [disk.path, diskLine(disk, speech())]),
            ),
          ]
        : []),
      rare(tick("raw", t("field.raw"))),
    ],
    plan({ name = "", disk = null, raw }) {
      const isRaw = raw === "yes";
      const words = [...(disk === null ? [] : ["--disk", disk]), ...(isRaw ? ["--raw"] : [])];
      return plan({
        facts: pc.disks
          .filter(({ path }) => disk === null || path === disk)
          .map((disk) => diskLine(disk, speech())),
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
        together: names,
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
        methods.map((method) => [method, t(`wipe.${method}`)]),
      ),
      ...diskFields(pcs),
    ],
    plan(values) {
      const { method = "discard" } = values;
      const disks = diskRequest(values, pcs);
      const { facts, lost, warnings } = overwritten(store, pcs, { ...anyTarget, ...disks });
      const { named: disk, failingDisks } = disks;
      const shown = shownOf(orderKeys(pcs, store.rooms.all()));
      return plan({
        ...{ facts, lost, warnings: [...warnings, t("wipe.certificate")], word: wordOf(null, pcs) },
        together: names,
        calls: pcs.map(({ id, name }) => ({
          method: "post",
          path: `${pathOf("pcs", id)}/wipe`,
          body: { method, disk, failingDisks, overwrite: name, shown, wait: false },
        })),
        commands: [command("pc", "wipe", ...names, "--method", method, ...diskWords(disks))],
        done: t("wipe.done", { names: list(names) }),
      });
    },
  };
}

export function wakeRoomAction({ name, pcs, online }: RoomView): Action {
  return {
    title: t("wakeRoom.title", { room: name }),
    submit: t("power.wake"),
    isDanger: false,
    fields: [],
    plan: () =>
      plan({
        facts: [t("wakeRoom.fact", { count: Math.max(0, pcs - online) })],
        calls: [{ method: "post", path: `${pathOf("rooms", name)}/wake`, body: { timeout: 0 } }],
        commands: [command("room", "wake", name, "--wait", "0")],
        done: t("wakeRoom.done", { room: name }),
      }),
  };
}
