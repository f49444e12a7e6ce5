import { isRunning } from "../../core/screen/pc-state.ts";
import {
  barRow,
  blank,
  cell,
  cut,
  line,
  paragraph,
  type Row,
  type ScreenSize,
  screenful,
  span,
} from "../../core/screen/row.ts";
import { dialogRows } from "./dialog-rows.ts";
import { lookRows } from "./look-rows.ts";
import type { Model } from "./model.ts";
import { pcRows } from "./pc-rows.ts";
import { bannerRows } from "./request-rows.ts";
import { roomRows } from "./room-rows.ts";
import { sessionPage, sessionRows as showSession } from "./session-rows.ts";
import { type ConsoleSpeech, speechOf } from "./speech.ts";
import { chosenPc, settled, type Ui } from "./state.ts";

/** Lines that are not the list: two at the top, a heading, sessions, a message, keys. */
const listFrame = 9;

/** How many PCs the page shows at once. */
export function pageLines(model: Model, ui: Ui, size: ScreenSize): number {
  const left = below(bannerRows(model, ui, size.columns), size);
  return ui.page.name === "session" ? sessionPage(left) : Math.max(1, left.lines - listFrame);
}

/** The whole screen: exactly `size.lines` rows. */
export function rows(model: Model, before: Ui, size: ScreenSize): Row[] {
  const ui = settled(model, before);
  const banner = bannerRows(model, ui, size.columns);
  return [...banner, ...pageRows(model, ui, below(banner, size))];
}

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
        footer: [...saidRows(model, ui, columns), barRow(keys, "", columns)],
      },
      size,
    );
  switch (ui.page.name) {
    case "list":
    case "filter":
      return roomRows(
        model,
        ui,
        { title: titleRow(model, columns), said: saidRows(model, ui, columns) },
        size,
      );
    case "pc": {
      const pc = chosenPc(model, ui);
      const body = pc === undefined ? [] : pcRows(model, pc, columns);
      return frame(body, t("keys.pc"));
    }
    case "look":
      return frame(
        [line(ui.page.title, "bold"), ...lookRows(model, ui.page.from, size)],
        t("keys.back"),
      );
    case "session": {
      const session = model.sessions.get(ui.page.id);
      const body = session === undefined ? [] : showSession(model, session, ui.page.from, size);
      return frame(body, t("keys.session"));
    }
    case "help":
      return frame(helpRows(speech), t("keys.back"));
    default: {
      const { body, keys } = dialogRows(model, ui.page, ui.room, size);
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

const saidRows = (model: Model, ui: Ui, columns: number): Row[] => {
  const { t, told } = speechOf(model);
  if (ui.said !== null) {
    return paragraph(ui.said.text, columns, ui.said.good ? "good" : "warn").slice(0, 2);
  }
  if (model.connection.state === "down") {
    return paragraph(told(model.connection.detail), columns, "warn").slice(0, 3);
  }
  const [warning, ...others] = [...model.warnings, ...shutMenus(model)];
  const more = others.length === 0 ? "" : t("said.more", { count: others.length });
  const warned =
    warning === undefined
      ? []
      : paragraph(`! ${told(warning)}${more}`, columns, "warn").slice(0, 3);
  if (model.note === null) return warned.length > 0 ? warned : [blank];
  return [
    ...warned,
    line(cut(`${model.note.time.slice(11, 19)}  ${told(model.note.text)}`, columns - 2)),
  ];
};

const shutMenus = (model: Model): string[] =>
  [...model.rooms.values()].flatMap(({ name, shutUntil }) =>
    shutUntil === null
      ? []
      : [speechOf(model).t("said.shut", { room: name, time: shutUntil.slice(11, 16) })],
  );

const helpRows = ({ t }: ConsoleSpeech): Row[] => [
  line(t("help.title"), "bold"),
  blank,
  ...(
    [
      [t("help.arrows"), "help.move"],
      [t("help.leftRight"), "help.rooms"],
      ["t", "help.map"],
      [t("help.enter"), "help.pc"],
      ["S", "help.shell"],
      ["o  e  y", "help.look"],
      [t("help.space"), "help.mark"],
      ["/", "help.filter"],
      ["v", "help.session"],
      ["r", "help.restore"],
      ["c", "help.capture"],
      ["k", "help.cast"],
      ["g  s", "help.startStop"],
      ["x  a", "help.dropAdmit"],
      ["w  b  p  l", "help.power"],
      ["n  m  f", "help.names"],
      ["u", "help.identify"],
      ["A  K", "help.keys"],
      ["z", "help.wipe"],
      ["i", "help.images"],
      ["R", "help.room"],
      ["D", "help.check"],
      ["C", "help.campus"],
      [":", "help.command"],
      ["y  n", "help.answer"],
      ["Ctrl-L", "help.redraw"],
      ["q", "help.leave"],
    ] as const
  ).map(([keys, what]): Row => [span(`  ${cell(keys, 20)}`, "bold"), span(t(what))]),
];
