/** Keys on the pages of the images, of a room, and of wipes. */
import type { Decoded } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import { orderKeys, shownOf } from "../../core/screen/identity.ts";
import { type Key, moved, typed } from "../../core/screen/keys.ts";
import { deletedLines } from "../../core/screen/losses.ts";
import { wipeMethods } from "../../core/screen/wipe.ts";
import { parsePolicy, policyText } from "../../core/session/policy-text.ts";
import { parseDiskSeconds, parsePrefix } from "../../core/session/setting-text.ts";
import {
  type RoomChange,
  type RoomSettings,
  type RoomView,
  roomDefaults,
} from "../../core/wire/rooms.ts";
import type { PcView } from "../../core/wire/views.ts";
import type { Call } from "./api.ts";
import { chosenBy } from "./choice.ts";
import type { Model } from "./model.ts";
import { historyOf, overwritten } from "./session-keys.ts";
import { type ConsoleSpeech, speechOf } from "./speech.ts";
import {
  chosenImage,
  imageIds,
  namesOf,
  type Page,
  type RestoreOptions,
  toBase,
  type Ui,
} from "./state.ts";
import { open, refuse, type Step } from "./step.ts";

const growModes = ["auto", "last", "none"] as const;
const afterwards = ["stay", "reboot", "poweroff", "boot-disk"] as const;

/** The options after a key that changes one of them. */
export function withOption(options: RestoreOptions, key: string): RestoreOptions {
  switch (key) {
    case "d":
      return { ...options, delta: !options.delta };
    case "v":
      return { ...options, verify: options.verify === "written" ? "read-back" : "written" };
    case "t": {
      const next = (afterwards.indexOf(options.afterwards) + 1) % afterwards.length;
      return { ...options, afterwards: afterwards[next] ?? "stay" };
    }
    case "a":
      return { ...options, start: options.start === "now" ? "all" : "now" };
    case "o":
      return { ...options, personalise: options.personalise === "auto" ? "none" : "auto" };
    case "f":
      return { ...options, fit: options.fit === "auto" ? "never" : "auto" };
    default:
      return options;
  }
}

export function pressAtStore(
  model: Model,
  ui: Ui,
  page: Extract<Page, { name: "store" }>,
  key: Key,
): Step {
  const speech = speechOf(model);
  const { t, date } = speech;
  const image = chosenImage(model, page.chosen);
  if (image !== undefined && key.name === "v") {
    const path = `/images/${encodeURIComponent(image.id)}/verify`;
    return {
      ui,
      effect: { type: "follow", path, title: t("store.checking", { image: imageName(image) }) },
    };
  }
  if (image !== undefined && key.name === "n") {
    return open(ui, { name: "notes", image: image.id, value: image.notes });
  }
  if (image !== undefined && key.name === "d") {
    const name = imageName(image);
    const path = `/images/${encodeURIComponent(image.id)}?overwrite=${encodeURIComponent(name)}`;
    return open(ui, {
      name: "word",
      title: t("store.deleted"),
      warnings: [],
      facts: [
        ...deletedLines(image, [...model.images.values()], speech),
        t("store.capturedFrom", { date: date(image.capturedAt), source: image.source }),
      ],
      word: name,
      value: "",
      refused: false,
      from: 0,
      calls: [{ method: "delete", path }],
      done: t("delete.done", { image: name }),
    });
  }
  return open(ui, { ...page, chosen: chosenBy(key, page.chosen, imageIds(model)) });
}

export function pressAtRoom(
  model: Model,
  ui: Ui,
  page: Extract<Page, { name: "room" }>,
  key: Key,
): Step {
  const room = ui.room === null ? undefined : model.rooms.get(ui.room);
  if (room === undefined) return { ui: toBase(ui), effect: null };
  const path = `/rooms/${encodeURIComponent(room.name)}`;
  const { t } = speechOf(model);
  switch (key.name) {
    case "w": {
      const on = room.walk === null;
      const done = t(on ? "walk.begun" : "walk.ended", { room: room.name });
      const calls: Call[] = [{ method: "post", path: `${path}/walk`, body: { on } }];
      return { ui, effect: { type: "calls", calls, done } };
    }
    case "n":
      return open(ui, { name: "prompt", for: "create", pcs: [], disk: null, value: "" });
    case "x":
      return {
        ui: {
          ...ui,
          page: {
            name: "confirm",
            question: t("roomDelete.ask", { room: room.name }),
            warnings: room.pcs === 0 ? [] : [t("roomDelete.warning", { count: room.pcs })],
            from: 0,
            calls: [{ method: "delete", path }],
            done: t("roomDelete.done", { room: room.name }),
          },
        },
        effect: null,
      };
    case "o": {
      const calls: Call[] = [{ method: "post", path: `${path}/unlock`, body: {} }];
      return { ui, effect: { type: "calls", calls, done: t("unlock.done", { room: room.name }) } };
    }
    case "y":
      return open(
        ui,
        historyOf(model, "room", room.name, t("title.ofRoom", { room: room.name }), page),
      );
    case "enter": {
      const setting = roomSettings(room)[page.chosen];
      if (setting === undefined) return open(ui, page);
      const { value } = setting;
      if (typeof value === "boolean")
        return change(model, ui, room.name, { [setting.key]: !value });
      if (setting.key === "grow") {
        const next = (growModes.indexOf(room.settings.grow) + 1) % growModes.length;
        return change(model, ui, room.name, { grow: growModes[next] ?? "auto" });
      }
      return open(ui, { name: "setting", key: setting.key, value: settingText(value) });
    }
    default: {
      const count = roomSettings(room).length;
      return open(ui, { ...page, chosen: moved(page.chosen, key, count, 10) });
    }
  }
}

export function pressAtSetting(
  model: Model,
  ui: Ui,
  page: Extract<Page, { name: "setting" }>,
  key: Key,
): Step {
  const room = ui.room === null ? undefined : model.rooms.get(ui.room);
  if (room === undefined) return { ui: toBase(ui), effect: null };
  if (key.name !== "enter") return open(ui, { ...page, value: typed(page.value, key, 200) });
  const { told } = speechOf(model);
  const text = page.value.trim();
  const value = typedValue(page.key, text);
  if (!value.ok) return refuse(ui, told(value.reason));
  return change(model, { ...ui, page: { name: "room", chosen: 0 } }, room.name, {
    [page.key]: value.value,
  });
}

/** What was typed, as the setting takes it. */
function typedValue(key: keyof RoomChange, text: string): Decoded<unknown> {
  const fine = (value: unknown): Decoded<unknown> => ({ ok: true, value });
  const isNone = text === "none" || text === "";
  switch (key) {
    case "disk":
      return parsePolicy(text);
    case "diskSeconds":
      return parseDiskSeconds(text);
    case "prefix":
      return isNone ? fine(null) : parsePrefix(text);
    case "sshKeys":
      return fine(isNone ? [] : text.split(/[\s,]+/));
    case "dns":
      return fine(isNone ? null : text.split(/[\s,]+/));
    default:
      return fine(isNone ? null : text);
  }
}

function change(model: Model, ui: Ui, room: string, body: RoomChange): Step {
  const path = `/rooms/${encodeURIComponent(room)}`;
  const calls: Call[] = [{ method: "patch", path, body }];
  return {
    ui,
    effect: { type: "calls", calls, done: speechOf(model).t("room.changed", { room }) },
  };
}

/** The settings of a room, in their order; of a PIN only whether there is one. */
export function roomSettings({ settings, pin, instructorPin }: RoomView): {
  readonly key: keyof RoomChange;
  readonly value: string | number | boolean | null;
}[] {
  const keys = Object.keys(roomDefaults) as (keyof RoomSettings)[];
  return [
    ...keys.map((key) => ({
      key,
      value: shownValue(settings, key),
    })),
    { key: "pin", value: pin ? "(set)" : null },
    { key: "instructorPin", value: instructorPin ? "(set)" : null },
  ];
}

/** As it is typed. */
function shownValue(
  settings: RoomSettings,
  key: keyof RoomSettings,
): string | number | boolean | null {
  switch (key) {
    case "disk":
      return policyText(settings.disk);
    case "dns":
    case "sshKeys":
      return settings[key]?.join(" ") || null;
    default:
      return settings[key];
  }
}

export const settingText = (value: string | number | boolean | null): string =>
  typeof value === "boolean" ? (value ? "on" : "off") : value === null ? "none" : String(value);

/** Which PC an unidentified one may be: the known ones, and at last a new one. */
export const identities = (
  pc: PcView,
  { t }: ConsoleSpeech,
): readonly { id: string | null; text: string }[] => [
  ...(pc.doubt ?? []).map(({ id, name }) => ({ id, text: t("ask.isPc", { pc: name }) })),
  { id: null, text: t("ask.isNew") },
];

export function pressAtIdentity(
  model: Model,
  ui: Ui,
  page: Extract<Page, { name: "identity" }>,
  key: Key,
): Step {
  const pc = model.pcs.get(page.pc);
  if (pc === undefined) return { ui: toBase(ui), effect: null };
  const all = identities(pc, speechOf(model));
  const chosen = all[key.name === "enter" ? page.chosen : Number(key.name) - 1];
  if (chosen === undefined) {
    return open(ui, { ...page, chosen: moved(page.chosen, key, all.length, 10) });
  }
  const path = `/pcs/${encodeURIComponent(pc.id)}/identify`;
  const calls: Call[] = [{ method: "post", path, body: { as: chosen.id } }];
  const next: Ui = { ...ui, base: "list", page: { name: "list" } };
  return { ui: next, effect: { type: "calls", calls, done: `${pc.name}: ${chosen.text}` } };
}

export function pressAtMethods(
  model: Model,
  ui: Ui,
  page: Extract<Page, { name: "methods" }>,
  key: Key,
): Step {
  const method = wipeMethods[key.name === "enter" ? page.chosen : Number(key.name) - 1];
  if (method === undefined) {
    return open(ui, { ...page, chosen: moved(page.chosen, key, wipeMethods.length, 2) });
  }
  const pcs = page.pcs.flatMap((id) => model.pcs.get(id) ?? []);
  const shown = shownOf(orderKeys(pcs, model.rooms.values()));
  return open(ui, {
    ...overwritten(model, pcs),
    calls: pcs.map(({ id, name }) => ({
      method: "post",
      path: `/pcs/${encodeURIComponent(id)}/wipe`,
      body: { method, overwrite: name, shown },
      pc: name,
    })),
    done: speechOf(model).t("wiped.done", { names: namesOf(model, page.pcs).join(", ") }),
  });
}
