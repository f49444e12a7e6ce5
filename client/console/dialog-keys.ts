/** Keys in the console's dialogs. */
import { imageName } from "../../core/image/manifest.ts";
import { orderKeys, shownOf } from "../../core/screen/identity.ts";
import { type Key, typed } from "../../core/screen/keys.ts";
import { personalLines } from "../../core/screen/personal.ts";
import { systemsOn } from "../../core/wire/host-names.ts";
import {
  imageNameRule,
  type NameFault,
  nameFault,
  pcNameRule,
  roomNameRule,
} from "../../core/wire/names.ts";
import type { Call } from "./api.ts";
import { pressAtCampus, pressAtElsewhere } from "./campus.ts";
import { chosenBy, placeOf } from "./choice.ts";
import { fitSaid } from "./fit.ts";
import { scrolled } from "./long-page.ts";
import type { Model } from "./model.ts";
import { pressAtNotes } from "./notes.ts";
import { overwritten } from "./session-keys.ts";
import { speechOf } from "./speech.ts";
import {
  chosenImage,
  imageIds,
  nameFaults,
  namesOf,
  overwriteWord,
  overwrittenPcs,
  type Page,
  roomNames,
  toBase,
  type Ui,
  usualOptions,
} from "./state.ts";
import { open, refuse, type Step, stay } from "./step.ts";
import {
  pressAtIdentity,
  pressAtMethods,
  pressAtRoom,
  pressAtSetting,
  pressAtStore,
  withOption,
} from "./store-keys.ts";

/** What each question asks the name of. */
const ruleOf = {
  capture: imageNameRule,
  rename: pcNameRule,
  create: roomNameRule,
  move: roomNameRule,
} as const;

/** The server's rule, said before it is asked. */
const refused = (model: Model, ui: Ui, { what, next }: NameFault): Step => ({
  ui: { ...ui, said: { text: speechOf(model).told(`${what}; ${next}`), good: false } },
  effect: null,
});

type Dialog = Exclude<Page, { name: "list" | "pc" | "look" | "session" | "help" | "filter" }>;

/** `lines`: how many rows of a long text are shown at once. */
export function pressInDialog(model: Model, ui: Ui, page: Dialog, key: Key, lines: number): Step {
  switch (page.name) {
    case "images": {
      const image = chosenImage(model, page.chosen);
      if (key.name !== "enter") {
        const chosen = chosenBy(key, page.chosen, imageIds(model));
        return open(ui, { ...page, chosen, options: withOption(page.options, key.name) });
      }
      if (image === undefined) return open(ui, page);
      const { targets, options } = page;
      const { refused: cannot } = fitSaid(model, targets, image, options);
      if (cannot !== null) return stay({ ...ui, said: { text: cannot, good: false } });
      const empty = { value: "", refused: false, from: 0 };
      return open(ui, { name: "overwrite", targets, options, image, ...empty });
    }
    case "overwrite":
      return pressAtOverwrite(model, ui, page, key, lines);
    case "campus":
      return pressAtCampus(model, ui, page, key);
    case "elsewhere":
      return pressAtElsewhere(model, ui, page, key);
    case "disks": {
      const pc = model.pcs.get(page.pc);
      if (pc === undefined) return { ui: toBase(ui), effect: null };
      const paths = pc.disks.map(({ path }) => path);
      const disk = pc.disks[placeOf(page.chosen, paths)];
      if (key.name === "enter" && disk !== undefined) {
        return open(ui, { name: "prompt", for: "capture", pcs: [pc.id], disk, value: "" });
      }
      return open(ui, { ...page, chosen: chosenBy(key, page.chosen, paths) });
    }
    case "prompt":
      return pressAtPrompt(model, ui, page, key);
    case "store":
      return pressAtStore(model, ui, page, key);
    case "notes":
      return pressAtNotes(model, ui, page, key);
    case "room":
      return pressAtRoom(model, ui, page, key);
    case "setting":
      return pressAtSetting(model, ui, page, key);
    case "command": {
      if (key.name !== "enter") return open(ui, { ...page, value: typed(page.value, key, 512) });
      const line = page.value.replace(/^\s*roomcast\s/, "").trim();
      return { ui: toBase(ui), effect: line === "" ? null : { type: "command", line } };
    }
    case "cast":
      return pressAtCast(model, ui, page, key);
    case "identity":
      return pressAtIdentity(model, ui, page, key);
    case "methods":
      return pressAtMethods(model, ui, page, key);
    case "word": {
      const from = scrolled(page.from, key, lines);
      if (from !== null) return open(ui, { ...page, from });
      if (key.name !== "enter") {
        return open(ui, { ...page, value: typed(page.value, key, 256), refused: false });
      }
      if (page.value !== page.word) return open(ui, { ...page, value: "", refused: true });
      const { calls, done } = page;
      const next = { ...toBase(ui), marked: new Set<string>() };
      return { ui: next, effect: { type: "calls", calls, done } };
    }
    case "confirm": {
      const from = scrolled(page.from, key, lines);
      if (from !== null) return open(ui, { ...page, from });
      if (key.name !== "y" && key.name !== "Y") return { ui: toBase(ui), effect: null };
      return { ui: toBase(ui), effect: { type: "calls", calls: page.calls, done: page.done } };
    }
  }
}

function pressAtOverwrite(
  model: Model,
  ui: Ui,
  page: Extract<Page, { name: "overwrite" }>,
  key: Key,
  lines: number,
): Step {
  const { targets, options, image } = page;
  const from = scrolled(page.from, key, lines);
  if (from !== null) return open(ui, { ...page, from });
  if (key.name !== "enter") {
    return open(ui, { ...page, value: typed(page.value, key, 256), refused: false });
  }
  if (page.value !== overwriteWord(model, targets)) {
    return open(ui, { ...page, value: "", refused: true });
  }
  const { keys, pcs } = overwrittenPcs(model, targets);
  // Which names, and why, stands above the disks.
  if (nameFaults(pcs, options, systemsOn(image.partitions)).length > 0)
    return refuse({ ...ui, page: { ...page, from: 0 } }, speechOf(model).t("no.names"));
  const whom = targets.room === null ? { pcs: targets.pcs } : { room: targets.room };
  const calls: Call[] = [
    {
      method: "post",
      path: "/sessions",
      body: {
        kind: "restore",
        image: imageName(image),
        ...whom,
        disk: null,
        startTimeout: null,
        ...options,
        shown: shownOf(keys),
        overwrite: targets.room ?? namesOf(model, targets.pcs).join(","),
      },
    },
  ];
  const { t } = speechOf(model);
  const all = targets.room ?? t("manyPcs", { count: targets.pcs.length });
  const done = t("restore.done", { image: imageName(image), whom: all });
  return {
    ui: { ...toBase(ui), marked: new Set() },
    effect: { type: "calls", calls, done },
  };
}

function pressAtCast(model: Model, ui: Ui, page: Extract<Page, { name: "cast" }>, key: Key): Step {
  const { sender, targets, value } = page;
  if (key.name !== "enter") return open(ui, { ...page, value: typed(value, key, 63) });
  const fault = value === "" ? null : nameFault(imageNameRule, value);
  if (fault !== null) return refused(model, ui, fault);
  const { t } = speechOf(model);
  const [from = sender] = namesOf(model, [sender]);
  const pcs = targets.pcs.flatMap((id) => model.pcs.get(id) ?? []);
  const [nameless] = nameFaults(pcs, usualOptions, ["any system"]);
  if (nameless !== undefined) return refused(model, ui, nameless);
  const whom = targets.room === null ? { pcs: targets.pcs } : { room: targets.room };
  const overwrite = targets.room ?? namesOf(model, targets.pcs).join(",");
  const saveAs = value === "" ? null : value;
  const all = [sender, ...targets.pcs].flatMap((id) => model.pcs.get(id) ?? []);
  const keys = orderKeys(all, model.rooms.values());
  const shown = shownOf(keys);
  // A live cast is not made to fit.
  const { fit: _, ...options } = usualOptions;
  const body = { kind: "cast", sender, saveAs, ...whom, ...options, overwrite, shown };
  return open(ui, {
    ...overwritten(model, pcs, { keys, afterwards: personalLines(null, speechOf(model)) }),
    word: overwriteWord(model, targets),
    calls: [{ method: "post", path: "/sessions", body }],
    done: t("cast.done", { pc: from, whom: targets.room ?? t("manyPcs", { count: pcs.length }) }),
  });
}

function pressAtPrompt(
  model: Model,
  ui: Ui,
  page: Extract<Page, { name: "prompt" }>,
  key: Key,
): Step {
  const { value, pcs, disk } = page;
  if (page.for === "move" && (key.name === "up" || key.name === "down" || key.name === "tab")) {
    const rooms = roomNames(model);
    const step = key.name === "up" ? rooms.length - 1 : 1;
    const next = rooms[(rooms.indexOf(value) + step + rooms.length) % rooms.length];
    return open(ui, { ...page, value: next ?? value });
  }
  if (key.name !== "enter") return open(ui, { ...page, value: typed(value, key, 63) });
  const fault = nameFault(ruleOf[page.for], value);
  if (fault !== null) return refused(model, ui, fault);
  const { t } = speechOf(model);
  if (page.for === "create") {
    const calls: Call[] = [{ method: "post", path: "/rooms", body: { name: value } }];
    const next: Ui = { ...ui, room: value, base: "list", page: { name: "list" } };
    return { ui: next, effect: { type: "calls", calls, done: t("room.created", { room: value }) } };
  }
  const names = namesOf(model, pcs).join(", ");
  const patch = (body: unknown): Call[] =>
    pcs.map((id) => ({
      method: "patch",
      path: `/pcs/${encodeURIComponent(id)}`,
      body,
      pc: namesOf(model, [id]).join(""),
    }));
  const done = { ...toBase(ui), marked: new Set<string>() };
  switch (page.for) {
    case "capture": {
      const body = { pc: pcs[0], name: value, disk: disk?.path ?? null, raw: false };
      const calls: Call[] = [{ method: "post", path: "/captures", body }];
      return {
        ui: done,
        effect: { type: "calls", calls, done: t("capture.done", { names, image: value }) },
      };
    }
    case "rename":
      return {
        ui: done,
        effect: {
          type: "calls",
          calls: patch({ name: value }),
          done: t("rename.done", { names, name: value }),
        },
      };
    case "move": {
      const create: Call[] = model.rooms.has(value)
        ? []
        : [{ method: "post", path: "/rooms", body: { name: value } }];
      const calls = [...create, ...patch({ room: value })];
      return {
        ui: done,
        effect: { type: "calls", calls, done: t("move.done", { names, room: value }) },
      };
    }
  }
}
