import { isRunning } from "../../core/screen/pc-state.ts";
import {
  atMost,
  barRow,
  blank,
  cut,
  line,
  paragraph,
  type Row,
  type ScreenSize,
  screenful,
} from "../../core/screen/row.ts";
import { dialogRows, isLong, type LongDialog, longDialog } from "./dialog-rows.ts";
import { longRows, shownFrom, textLines } from "./long-page.ts";
import { lookRows } from "./look-rows.ts";
import type { Model } from "./model.ts";
import { pcRows } from "./pc-rows.ts";
import { bannerRows } from "./request-rows.ts";
import { roomRows } from "./room-rows.ts";
import { sessionPage, sessionRows as showSession } from "./session-rows.ts";
import { speechOf } from "./speech.ts";
import { chosenPc, settled, type Ui } from "./state.ts";

/** Lines that are not the list: two at the top, a heading, sessions, a message, keys. */
const listFrame = 9;

/** How many PCs, or rows of a long text, the page shows at once. */
export function pageLines(model: Model, ui: Ui, size: ScreenSize): number {
  const left = below(bannerRows(model, ui, size.columns), size);
  if (isLong(ui.page)) {
    const { page, lines } = longAt(model, ui, ui.page, left);
    return textLines(page, lines);
  }
  return ui.page.name === "session" ? sessionPage(left) : Math.max(1, left.lines - listFrame);
}

/** The whole screen: exactly `size.lines` rows. */
export function rows(model: Model, before: Ui, size: ScreenSize): Row[] {
  const ui = settled(model, before);
  const banner = bannerRows(model, ui, size.columns);
  return [...banner, ...pageRows(model, ui, below(banner, size))];
}

/** With a long text from the row from which it is shown: what keys move is what is seen. */
export function asShown(model: Model, ui: Ui, size: ScreenSize): Ui {
  if (!isLong(ui.page)) return ui;
  const left = below(bannerRows(model, ui, size.columns), size);
  const { page, lines } = longAt(model, ui, ui.page, left);
  return { ...ui, page: { ...ui.page, from: shownFrom(page, lines) } };
}

/** A text that may be longer than the screen, and so many lines for it. */
function longAt(model: Model, ui: Ui, page: LongDialog, size: ScreenSize) {
  const lines = bodyLines(model, ui, size);
  return { ...longDialog(model, page, { columns: size.columns, lines }), lines };
}

/** Between the title and what was said last, above the keys. */
const bodyLines = (model: Model, ui: Ui, size: ScreenSize): number =>
  size.lines - 2 - saidRows(model, ui, size).length;

/** What a page has of the screen. */
const below = (banner: readonly Row[], { columns, lines }: ScreenSize): ScreenSize => ({
  columns,
  lines: lines - banner.length,
});

function pageRows(model: Model, ui: Ui, size: ScreenSize): Row[] {
  const { columns } = size;
  const speech = speechOf(model);
  const { t } = speech;
  const frame = (body: readonly Row[], keys: string): Row[] =>
    screenful(
      {
        header: [titleRow(model, columns)],
        body,
        footer: [...saidRows(model, ui, size), barRow(keys, "", columns)],
      },
      size,
    );
  // Every page counts one line for what was said.
  const left = { columns, lines: bodyLines(model, ui, size) + 3 };
  const { page } = ui;
  if (isLong(page)) {
    const long = longAt(model, ui, page, size);
    return frame(longRows(long.page, long.lines, speech), long.keys);
  }
  switch (page.name) {
    case "list":
    case "filter":
      return roomRows(
        model,
        ui,
        { title: titleRow(model, columns), said: saidRows(model, ui, size) },
        size,
      );
    case "pc": {
      const pc = chosenPc(model, ui);
      const body = pc === undefined ? [] : pcRows(model, pc, columns);
      return frame(body, t("keys.pc"));
    }
    case "look":
      return frame([line(page.title, "bold"), ...lookRows(model, page.from, left)], t("keys.back"));
    case "session": {
      const session = model.sessions.get(page.id);
      const body = session === undefined ? [] : showSession(model, session, page.from, size);
      return frame(body, t("keys.session"));
    }
    default: {
      const { body, keys } = dialogRows(model, page, ui.room, left);
      return frame(body, keys);
    }
  }
}

function titleRow(model: Model, columns: number): Row {
  const { state } = model.connection;
  const { t } = speechOf(model);
  if (state === "down") return barRow("roomcast", t("top.down"), columns, "bad");
  if (state === "connecting") return barRow("roomcast", t("top.connecting"), columns);
  let online = 0;
  for (const pc of model.pcs.values()) if (pc.state !== "offline") online++;
  let running = 0;
  for (const session of model.sessions.values()) if (isRunning(session)) running++;
  const pcs = t("top.pcs", { count: online, all: model.pcs.size });
  const sessions = running === 0 ? t("top.noSession") : t("top.sessions", { count: running });
  return barRow("roomcast", `${pcs}   ${sessions}`, columns);
}

/** What was said last, or what the server warns of; on a small screen not all of it. */
const saidRows = (model: Model, ui: Ui, { columns, lines }: ScreenSize): Row[] => {
  const { t, told } = speechOf(model);
  if (ui.said !== null) {
    const said = paragraph(ui.said.text, columns, ui.said.good ? "good" : "warn");
    const limit = ui.said.good ? 2 : Math.max(3, Math.floor(lines / 4));
    return atMost(said, limit, columns);
  }
  const limit = Math.max(1, Math.floor(lines / 8));
  if (model.connection.state === "down") {
    return atMost(paragraph(told(model.connection.detail), columns, "warn"), limit, columns);
  }
  const [warning, ...others] = [...model.warnings, ...shutMenus(model)];
  const more = others.length === 0 ? "" : t("said.more", { count: others.length });
  const warned =
    warning === undefined
      ? []
      : atMost(paragraph(`! ${told(warning)}${more}`, columns, "warn"), limit, columns);
  if (model.note === null) return warned.length > 0 ? warned : [blank];
  return [
    ...warned,
    line(cut(`${model.note.time.slice(11, 19)} UTC  ${told(model.note.text)}`, columns - 2)),
  ];
};

const shutMenus = (model: Model): string[] =>
  [...model.rooms.values()].flatMap(({ name, shutUntil }) =>
    shutUntil === null
      ? []
      : [speechOf(model).t("said.shut", { room: name, time: shutUntil.slice(11, 16) })],
  );
