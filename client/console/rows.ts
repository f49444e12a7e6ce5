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
      return frame(
        body,
        "o its screen  e its log  y its history  r restore  c capture  ? all keys  Esc",
      );
    }
    case "look":
      return frame(
        [line(ui.page.title, "bold"), ...lookRows(model.looked, ui.page.from, size)],
        "Any key: back",
      );
    case "session": {
      const session = model.sessions.get(ui.page.id);
      const body = session === undefined ? [] : showSession(model, session, ui.page.from, size);
      return frame(
        body,
        "Up Down: PCs  Left Right: sessions  g start  s stop  t retry  y history  Esc",
      );
    }
    case "help":
      return frame(helpRows, "Any key: back");
    default: {
      const { body, keys } = dialogRows(model, ui.page, ui.room, size);
      return frame(body, keys);
    }
  }
}

function titleRow(model: Model, columns: number): Row {
  const { state } = model.connection;
  if (state === "down") {
    return barRow(
      "roomcast",
      "SERVER NOT REACHED, RETRYING. This is the last known state.",
      columns,
      "bad",
    );
  }
  if (state === "connecting") return barRow("roomcast", "connecting to the server", columns);
  let online = 0;
  for (const pc of model.pcs.values()) if (pc.state !== "offline") online++;
  let running = 0;
  for (const session of model.sessions.values()) if (isRunning(session)) running++;
  const right = `${online} of ${model.pcs.size} PCs on   ${running === 0 ? "no session" : running === 1 ? "1 session" : `${running} sessions`}`;
  return barRow("roomcast", right, columns);
}

const saidRows = (model: Model, ui: Ui, columns: number): Row[] => {
  if (ui.said !== null) {
    return paragraph(ui.said.text, columns, ui.said.good ? "good" : "warn").slice(0, 2);
  }
  if (model.connection.state === "down") {
    return paragraph(model.connection.detail, columns, "warn").slice(0, 3);
  }
  const [warning, ...others] = [...model.warnings, ...shutMenus(model)];
  const more = others.length === 0 ? "" : ` (and ${others.length} more: roomcast doctor)`;
  const warned =
    warning === undefined ? [] : paragraph(`! ${warning}${more}`, columns, "warn").slice(0, 3);
  if (model.note === null) return warned.length > 0 ? warned : [blank];
  return [
    ...warned,
    line(cut(`${model.note.time.slice(11, 19)}  ${model.note.text}`, columns - 2)),
  ];
};

const shutMenus = (model: Model): string[] =>
  [...model.rooms.values()].flatMap(({ name, shutUntil }) =>
    shutUntil === null
      ? []
      : [
          `the menus of room ${name} are shut until ${shutUntil.slice(11, 16)} UTC: too many wrong PINs; R and then o opens them`,
        ],
  );

const helpRows: readonly Row[] = [
  line("Keys", "bold"),
  blank,
  ...[
    ["Up Down PgUp PgDn", "move from PC to PC"],
    ["Left Right Tab", "move from room to room (on the map: Tab only)"],
    ["t", "show the room as a map of its seats, or as a list"],
    ["Enter", "show the PC: hardware, disks, its part in the session"],
    ["S", "open a shell on the PC; Ctrl-] leaves it"],
    ["o  e  y", "on the PC's page: its screen, its log, its history"],
    ["Space", "mark a PC: r w b p l m then act on all marked PCs"],
    ["/", "filter by name, address, state, result or disk; Esc shows all"],
    ["v", "show the session: rate, stragglers, every PC's result"],
    ["r", "restore an image to the room, or to the marked PCs"],
    ["c", "capture the PC's disk as an image"],
    ["k", "cast the PC's disk live to the room, or to the marked PCs"],
    ["g  s", "start a session that is gathering; stop a session"],
    ["x  a", "take the PC out of the running session; let it in again"],
    ["w  b  p  l", "wake, reboot, switch off, start from the local disk"],
    ["n  m  f", "rename the PC, move it to a room, forget it"],
    ["u", "say which PC it is, if the server could not tell"],
    ["A  K", "let a new PC have orders; revoke its key"],
    ["z", "wipe the disks of the marked PCs"],
    ["i", "show the images; check or delete them"],
    ["R", "show the room: settings, seat walk, history; create, delete"],
    ["D", "check the network to the room's idle PCs"],
    [":", "run any other command: schedule, import, doctor, report..."],
    ["y  n", "answer what a PC asks for, while it rings"],
    ["Ctrl-L", "draw the screen again"],
    ["q", "leave the console; sessions continue"],
  ].map(([keys = "", what = ""]): Row => [span(`  ${cell(keys, 20)}`, "bold"), span(what)]),
];
