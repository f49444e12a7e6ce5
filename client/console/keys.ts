import { identityLines } from "../../core/screen/identity.ts";
import { type Key, moved, typedLetter } from "../../core/screen/keys.ts";
import { forgottenLines } from "../../core/screen/losses.ts";
import { isRunning, stateKey } from "../../core/screen/pc-state.ts";
import { neighbour } from "../../core/screen/seat-map.ts";
import type { PcView } from "../../core/wire/views.ts";
import type { Call } from "./api.ts";
import { firstRoom } from "./campus.ts";
import { choiceAt } from "./choice.ts";
import { pressInDialog } from "./dialog-keys.ts";
import { scrolled } from "./long-page.ts";
import type { Model } from "./model.ts";
import { pressAnswer } from "./request-keys.ts";
import {
  historyOf,
  look,
  pressAdmit,
  pressAtSession,
  pressDrop,
  pressSession,
  roomCheck,
} from "./session-keys.ts";
import { speechOf } from "./speech.ts";
import {
  chosenPc,
  firstImage,
  isMap,
  namesOf,
  type Page,
  roomMap,
  roomNames,
  roomSessions,
  sessionAtHand,
  settled,
  shownPcs,
  type Targets,
  toBase,
  type Ui,
  usualOptions,
} from "./state.ts";
import { open, refuse, type Step, stay } from "./step.ts";

/** `page`: how many PCs, or rows of a long text, are shown at once. */
export function press(model: Model, before: Ui, key: Key, page: number): Step {
  const ui: Ui = { ...settled(model, before), said: null };
  if (key.name === "C-l" || key.name === "f5") return { ui, effect: { type: "redraw" } };
  if (key.name === "C-c") return { ui, effect: { type: "quit" } };
  const answered = pressAnswer(model, ui, key);
  if (answered !== undefined) return answered;
  switch (ui.page.name) {
    case "list":
      return (
        pressOnMap(model, ui, key) ??
        pressAtList(model, ui, key, page) ??
        pressAction(model, ui, key)
      );
    case "pc":
      if (key.name === "escape" || key.name === "left" || key.name === "q") {
        return { ui: { ...ui, page: { name: "list" }, base: "list" }, effect: null };
      }
      return (
        pressLook(model, ui, key) ?? pressMove(model, ui, key, page) ?? pressAction(model, ui, key)
      );
    case "look":
      return open(ui, ui.page.back);
    case "session":
      return pressAtSession(model, ui, ui.page, key, page);
    case "help": {
      const from = scrolled(ui.page.from, key, page);
      return from === null ? stay(toBase(ui)) : open(ui, { ...ui.page, from });
    }
    case "filter":
      return { ui: pressAtFilter(ui, key), effect: null };
    default:
      if (key.name === "escape") return { ui: toBase(ui), effect: null };
      return pressInDialog(model, ui, ui.page, key, page);
  }
}

/** The keys that show more of the PC whose page is open. */
function pressLook(model: Model, ui: Ui, key: Key): Step | undefined {
  const pc = chosenPc(model, ui);
  if (pc === undefined) return undefined;
  const path = `/pcs/${encodeURIComponent(pc.id)}`;
  const { t } = speechOf(model);
  const back = ui.page;
  switch (key.name) {
    case "o":
      return open(ui, look(t("title.screen", { pc: pc.name }), `${path}/screen`, "top", back));
    case "e":
      return open(ui, look(t("title.log", { pc: pc.name }), `${path}/log`, "end", back));
    case "y":
      return open(ui, historyOf(model, "pc", pc.id, pc.name, back));
    default:
      return undefined;
  }
}

function pressAtFilter(ui: Ui, key: Key): Ui {
  if (key.name === "enter") return toBase(ui);
  if (key.name === "escape") return toBase({ ...ui, filter: "" });
  return { ...ui, filter: typedLetter(ui.filter, key, 40) };
}

function pressAtList(model: Model, ui: Ui, key: Key, page: number): Step | undefined {
  switch (key.name) {
    case "q":
      return { ui, effect: { type: "quit" } };
    case "escape":
      return stay({ ...ui, filter: "", marked: new Set() });
    case "left":
    case "right":
    case "tab": {
      const rooms = [null, ...roomNames(model)];
      const step = key.name === "left" ? rooms.length - 1 : 1;
      const room = rooms[(rooms.indexOf(ui.room) + step) % rooms.length] ?? null;
      return stay({ ...ui, room, chosen: null, marked: new Set() });
    }
    case "enter": {
      const pc = chosenPc(model, ui);
      if (pc === undefined) return stay(ui);
      return stay({ ...ui, chosen: pc.id, page: { name: "pc" }, base: "pc" });
    }
    case " ": {
      const pc = chosenPc(model, ui);
      if (pc === undefined) return stay(ui);
      const marked = new Set(ui.marked);
      if (!marked.delete(pc.id)) marked.add(pc.id);
      return pressMove(model, { ...ui, marked }, { name: "down", text: "" }, page);
    }
    case "t":
      if (ui.room === null) return refuse(ui, speechOf(model).t("no.map"));
      return stay({ ...ui, view: ui.view === "map" ? "list" : "map" });
    case "/":
      return open(ui, { name: "filter" });
    default:
      return pressMove(model, ui, key, page);
  }
}

/** On the map, an arrow moves the cursor to the nearest PC in its direction. */
function pressOnMap(model: Model, ui: Ui, key: Key): Step | undefined {
  if (!isMap(ui) || !["left", "right", "up", "down"].includes(key.name)) return undefined;
  const from = chosenPc(model, ui)?.id ?? null;
  return stay({ ...ui, chosen: neighbour(roomMap(model, ui), from, key) });
}

/** Keys that move the cursor, in the list and from PC to PC. */
function pressMove(model: Model, ui: Ui, key: Key, page: number): Step | undefined {
  if (!["up", "down", "pageup", "pagedown", "home", "end"].includes(key.name)) return undefined;
  const shown = shownPcs(model, ui);
  const at = shown.findIndex(({ id }) => id === ui.chosen);
  const pc = shown[moved(Math.max(0, at), key, shown.length, page)];
  return stay({ ...ui, chosen: pc?.id ?? null });
}

/** The PCs that a key is about: the marked ones, else the one under the cursor. */
function atHand(model: Model, ui: Ui): PcView[] {
  if (ui.base === "list" && ui.marked.size > 0) {
    const ordered = shownPcs(model, { ...ui, filter: "" });
    return ordered.filter(({ id }) => ui.marked.has(id));
  }
  const pc = chosenPc(model, ui);
  return pc === undefined ? [] : [pc];
}

function pressAction(model: Model, ui: Ui, key: Key): Step {
  const { t } = speechOf(model);
  if (key.name === "?" || key.name === "h") return open(ui, { name: "help", from: 0 });
  if (key.name === ":") return open(ui, { name: "command", value: "" });
  if (key.name === "i") return open(ui, { name: "store", chosen: firstImage(model) });
  if (key.name === "C") return open(ui, { name: "campus", chosen: firstRoom(model) });
  if (key.name === "R") {
    if (ui.room === null) return refuse(ui, t("no.room"));
    return open(ui, { name: "room", chosen: 0 });
  }
  if (key.name === "D") {
    if (ui.room === null) return refuse(ui, t("no.room"));
    return open(ui, roomCheck(model, ui.room, { name: "list" }));
  }
  if (key.name === "v") {
    const session = sessionAtHand(model, ui) ?? roomSessions(model, ui.room)[0];
    if (session === undefined) return refuse(ui, t("no.sessionYet"));
    return open(ui, { name: "session", id: session.id, from: 0 });
  }
  if (key.name === "a") return pressAdmit(model, ui);
  if (key.name === "s" || key.name === "g" || key.name === "x") {
    const session = sessionAtHand(model, ui);
    if (session === undefined) return refuse(ui, t("no.session"));
    return key.name === "x"
      ? pressDrop(model, ui, session)
      : pressSession(model, ui, session, key.name);
  }
  const pcs = atHand(model, ui);
  const [first] = pcs;
  if (first === undefined) {
    return "rcwblpnmzfSukAK".includes(key.name) ? refuse(ui, t("no.pc")) : stay(ui);
  }
  const ids = pcs.map(({ id }) => id);
  const names = namesOf(model, ids).join(", ");
  switch (key.name) {
    case "r":
      return open(ui, {
        name: "images",
        targets: restoreTargets(model, ui, ids),
        options: usualOptions,
        chosen: firstImage(model),
      });
    case "c":
      if (pcs.length > 1) return refuse(ui, t("no.captures"));
      if (first.disks.length === 0) return refuse(ui, t("no.disk", { pc: first.name }));
      if (first.disks.length > 1) {
        const paths = first.disks.map(({ path }) => path);
        return open(ui, { name: "disks", pc: first.id, chosen: choiceAt(paths, 0) });
      }
      return open(ui, prompt("capture", ids, first));
    case "n":
      if (pcs.length > 1) return refuse(ui, t("no.renames"));
      return open(ui, prompt("rename", ids, first));
    case "m":
      return open(ui, prompt("move", ids, first));
    case "k": {
      if (ui.room === null) return refuse(ui, t("no.castRoom"));
      const sender = chosenPc(model, ui);
      if (sender === undefined) return stay(ui);
      const others = shownPcs(model, { ...ui, filter: "" }).filter(({ id }) => id !== sender.id);
      const chosen = others.filter(({ id }) => ui.marked.has(id));
      const pcs = (chosen.length > 0 ? chosen : others).map(({ id }) => id);
      if (pcs.length === 0) return refuse(ui, t("no.others", { room: ui.room }));
      const targets = { room: chosen.length > 0 ? null : ui.room, pcs };
      return open(ui, { name: "cast", sender: sender.id, targets, value: "" });
    }
    case "u":
      if (first.doubt === null) return refuse(ui, t("no.doubt", { pc: first.name }));
      return open(ui, { name: "identity", pc: first.id, chosen: 0 });
    case "A":
      return pressKeys(model, ui, pcs, "admit");
    case "K":
      return pressKeys(model, ui, pcs, "revoke");
    case "S":
      return { ui, effect: { type: "shell", name: first.name } };
    case "z":
      return open(ui, { name: "methods", pcs: ids, chosen: 0 });
    case "f":
      return open(ui, {
        name: "confirm",
        question: t("forget.ask", { names }),
        warnings: forgottenLines(speechOf(model)),
        from: 0,
        calls: pcs.map(({ id, name }) => ({
          method: "delete",
          path: `/pcs/${encodeURIComponent(id)}`,
          pc: name,
        })),
        done: t("forget.done", { names }),
      });
    case "w":
      return {
        ui,
        effect: { type: "calls", calls: powerCalls(pcs, "wake"), done: t("wake.done", { names }) },
      };
    case "b":
      return confirmPower(model, ui, pcs, "reboot");
    case "p":
      return confirmPower(model, ui, pcs, "poweroff");
    case "l":
      return confirmPower(model, ui, pcs, "boot-disk");
    default:
      return stay(ui);
  }
}

const prompt = (
  kind: "capture" | "rename" | "move",
  pcs: readonly string[],
  first: PcView,
): Page => ({
  name: "prompt",
  for: kind,
  pcs,
  disk: kind === "capture" ? (first.disks[0] ?? null) : null,
  value: kind === "rename" ? first.name : kind === "move" ? first.room : "",
});

/** A room as a whole when it is shown and nothing is marked. */
function restoreTargets(model: Model, ui: Ui, ids: readonly string[]): Targets {
  if (ui.base === "pc" || ui.marked.size > 0 || ui.room === null) return { room: null, pcs: ids };
  const all = shownPcs(model, { ...ui, filter: "" });
  return { room: ui.room, pcs: all.map(({ id }) => id) };
}

/** Asks before PCs are let in, or their keys are worth nothing any more; with the codes to compare. */
function pressKeys(model: Model, ui: Ui, pcs: readonly PcView[], what: "admit" | "revoke"): Step {
  const speech = speechOf(model);
  const { t } = speech;
  const names = pcs.map(({ name }) => name).join(", ");
  const lines = pcs.flatMap((pc) => {
    const [key, ...more] = identityLines(pc, speech);
    // That nobody has placed it yet is what is asked about.
    return [key, ...(pc.identity?.state === "waiting" ? [] : more)].map(
      (text) => `${pc.name}: ${text}`,
    );
  });
  return open(ui, {
    name: "confirm",
    question: t(what === "admit" ? "admit.ask" : "revoke.ask", { names }),
    warnings: what === "admit" ? [t("admit.compare"), ...lines] : [t("revoke.warning")],
    from: 0,
    calls: pcs.map(({ id, name, identity }) => ({
      method: "post",
      path: `/pcs/${encodeURIComponent(id)}/${what}`,
      body: what === "admit" ? { code: identity?.code ?? null } : {},
      pc: name,
    })),
    done: t(what === "admit" ? "admit.done" : "revoke.done", { names }),
  });
}

const powerCalls = (pcs: readonly PcView[], action: string): Call[] =>
  pcs.map(({ id, name }) => ({
    method: "post",
    path: `/pcs/${encodeURIComponent(id)}/power`,
    body: { action },
    pc: name,
  }));

function confirmPower(
  model: Model,
  ui: Ui,
  pcs: readonly PcView[],
  action: "reboot" | "poweroff" | "boot-disk",
): Step {
  const { t } = speechOf(model);
  const names = pcs.map(({ name }) => name).join(", ");
  const warnings = pcs.flatMap((pc) => {
    const part = model.parts.get(pc.id);
    return part !== undefined && isRunning(part.session) && part.member.result === "pending"
      ? [
          t("power.inSession", {
            pc: pc.name,
            session: part.session.id,
            state: t(stateKey(part.member.state)),
          }),
        ]
      : [];
  });
  return open(ui, {
    name: "confirm",
    question: t(`power.${action}`, { names }),
    warnings,
    from: 0,
    calls: powerCalls(pcs, action),
    done: t(`powered.${action}`, { names }),
  });
}
