/** The console's screens, as functions of what is known. Good from 80×24 on. */
import { barText, byteRateText, percentText } from "../../core/screen/format.ts";
import { memberFraction } from "../../core/screen/progress.ts";
import { progressLine, sentence } from "../../core/screen/report.ts";
import {
  barRow,
  blank,
  cell,
  cut,
  line,
  paragraph,
  type Row,
  type ScreenSize,
  type Span,
  type Style,
  screenful,
  span,
  visibleFrom,
} from "../../core/screen/row.ts";
import type { PcState, PcView, SessionView } from "../../core/wire/views.ts";
import { dialogRows } from "./dialog-rows.ts";
import { lookRows } from "./look-rows.ts";
import type { Model, Part } from "./model.ts";
import { pcRows } from "./pc-rows.ts";
import { sessionPage, sessionRows as showSession } from "./session-rows.ts";
import {
  chosenPc,
  isRunning,
  type Page,
  roomNames,
  roomSessions,
  settled,
  shownPcs,
  type Ui,
} from "./state.ts";

/** Lines that the list leaves to everything else: two at the top, a heading, sessions, what was said, keys. */
const listFrame = 9;

/** How many PCs the page shows at once. */
export const pageLines = (page: Page, size: ScreenSize): number =>
  page.name === "session" ? sessionPage(size) : Math.max(1, size.lines - listFrame);

/** The whole screen: exactly `size.lines` rows. */
export function rows(model: Model, before: Ui, size: ScreenSize): Row[] {
  const ui = settled(model, before);
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
      return listRows(model, ui, size);
    case "pc": {
      const pc = chosenPc(model, ui);
      const body = pc === undefined ? [] : pcRows(model, pc, columns);
      return frame(
        body,
        "o its screen  e its log  r restore  c capture  n name  m room  ? all keys  Esc",
      );
    }
    case "look": {
      const pc = chosenPc(model, ui);
      const title = ui.page.at === "screen" ? "The screen of" : "The log of";
      const body = lookRows(model.looked, ui.page.at, size);
      return frame(
        [line(`${title} ${pc?.name ?? "?"}`, "bold"), ...body],
        "any key: back to the PC",
      );
    }
    case "session": {
      const session = model.sessions.get(ui.page.id);
      const body = session === undefined ? [] : showSession(model, session, ui.page.from, size);
      return frame(
        body,
        "Up Down: its PCs  Left Right: other sessions  g start  s stop  Esc: back",
      );
    }
    case "help":
      return frame(helpRows, "any key: back");
    default: {
      const { body, keys } = dialogRows(model, ui.page, size);
      return frame(body, keys);
    }
  }
}

function titleRow(model: Model, columns: number): Row {
  const { state } = model.connection;
  if (state === "down") {
    return barRow("roomcast", "SERVER AWAY, RETRYING; the screen is as it was", columns, "bad");
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
  if (model.note === null) return [blank];
  return [line(cut(`${model.note.time.slice(11, 19)}  ${model.note.text}`, columns - 2))];
};

function listRows(model: Model, ui: Ui, size: ScreenSize): Row[] {
  const { columns } = size;
  const shown = shownPcs(model, ui);
  const chosen = chosenPc(model, ui);
  const sessions = sessionRows(model, ui, columns);
  const said = saidRows(model, ui, columns);
  const marked = ui.marked.size === 0 ? "" : `   ${ui.marked.size} marked`;
  const filter =
    ui.page.name === "filter"
      ? [span(" Filter: ", "bold"), span(`${ui.filter}_`, "accent")]
      : ui.filter === "" && marked === ""
        ? blank
        : [
            span(
              ` ${ui.filter === "" ? "" : `Filter: ${ui.filter}   (${shown.length} PCs)`}${marked}`,
              "accent",
            ),
          ];
  const header = [
    titleRow(model, columns),
    roomsRow(model, ui, columns),
    filter,
    headingRow(columns),
  ];
  const footer = [
    ...sessions,
    ...said,
    barRow(
      ui.page.name === "filter"
        ? "type a part of a name, address, state or serial   Enter: keep   Esc: all"
        : "Enter PC  r restore  c capture  s stop  w wake  / filter  ? all keys  q leave",
      "",
      columns,
    ),
  ];
  const room = Math.max(1, size.lines - header.length - footer.length);
  const from = visibleFrom(
    shown.findIndex(({ id }) => id === chosen?.id),
    shown.length,
    room,
  );
  const body = shown.slice(from, from + room).map((pc) =>
    pcRow(pc, model.parts.get(pc.id), {
      chosen: pc.id === chosen?.id,
      marked: ui.marked.has(pc.id),
      columns,
    }),
  );
  if (shown.length === 0) body.push(...emptyRows(model, ui, columns));
  return screenful({ header, body, footer }, size);
}

function emptyRows(model: Model, ui: Ui, columns: number): Row[] {
  if (!model.complete) return [line("Asking the server...")];
  if (ui.filter !== "") return paragraph("No PC matches the filter. Esc takes it away.", columns);
  if (ui.room !== null && model.pcs.size > 0) {
    return paragraph(
      `No PC is in ${ui.room}. Choose PCs in another room, and move them with m.`,
      columns,
    );
  }
  return paragraph("No PC yet. Boot one from the network: it appears here.", columns);
}

/** The rooms from left to right, the shown one marked; scrolled so that it is on the screen. */
function roomsRow(model: Model, ui: Ui, columns: number): Row {
  const tabs = [null, ...roomNames(model)].map((name) => {
    if (name === null) return { name, text: ` all ${model.pcs.size} ` };
    const room = model.rooms.get(name);
    const busy = room?.session === null ? "" : "*";
    return { name, text: ` ${name} ${room?.online ?? 0}/${room?.pcs ?? 0}${busy} ` };
  });
  const at = tabs.findIndex(({ name }) => name === ui.room);
  let from = 0;
  const width = (first: number): number =>
    tabs.slice(first, at + 1).reduce((sum, { text }) => sum + text.length + 1, 0);
  while (from < at && width(from) > columns - 2) from++;
  const spans: Span[] = [span(from > 0 ? "<" : " ")];
  for (const { name, text } of tabs.slice(from)) {
    spans.push(span(text, name === ui.room ? "chosen" : "plain"), span(" "));
  }
  return spans;
}

interface Widths {
  readonly name: number;
  readonly bar: number;
  readonly result: number;
}

const addressWidth = 15;
const stateWidth = 12;
const rateWidth = 10;
/** `VERIFIED`, `CAPTURED` */
const wordWidth = 8;

/** Fixed columns, and what is left over for the bar and the result: the bare word where there is little. */
function widthsFor(columns: number): Widths {
  const name = columns >= 120 ? 20 : 14;
  const left = columns - 2 - name - 1 - addressWidth - 1 - stateWidth - rateWidth - 2;
  if (left < wordWidth + 32) return { name, bar: left - 6 - wordWidth, result: wordWidth };
  const bar = Math.min(40, Math.floor(left / 3));
  return { name, bar, result: left - bar - 6 };
}

function headingRow(columns: number): Row {
  const { name, bar } = widthsFor(columns);
  const text = `  ${cell("PC", name)} ${cell("Address", addressWidth)} ${cell("State", stateWidth)}${cell("Progress", bar + 6)}${cell("Disk rate", rateWidth, "right")}  Result`;
  return [span(cell(text, columns), "bold")];
}

function pcRow(
  pc: PcView,
  part: Part | undefined,
  at: { readonly chosen: boolean; readonly marked: boolean; readonly columns: number },
): Row {
  const { name, bar, result } = widthsFor(at.columns);
  const state = part !== undefined && isPending(part) ? part.member.state : pc.state;
  const head = `${at.chosen ? ">" : " "}${at.marked ? "*" : " "}${cell(pc.name, name)} ${cell(pc.ip ?? "", addressWidth)} `;
  const style: Style = at.chosen ? "chosen" : "plain";
  const spans = [
    span(head, style),
    span(cell(stateText(state), stateWidth), at.chosen ? "chosen" : stateStyle(state)),
  ];
  if (part === undefined) return spans;
  const { member, session } = part;
  const told = resultSpan(part, result);
  if (member.result === "failed" || member.result === "stopped") {
    // The reason needs the room that progress and rate no longer do.
    const width = bar + 6 + rateWidth + 2 + result;
    return [...spans, span(cut(told.text, width), told.style)];
  }
  const fraction = isRunning(session) ? memberFraction(member) : null;
  const rate = isPending(part) && member.writeBps !== null ? byteRateText(member.writeBps) : "";
  return [
    ...spans,
    span(
      fraction === null
        ? " ".repeat(bar + 6)
        : `${barText(fraction, bar)}${cell(percentText(fraction), 6, "right")}`,
      member.result === "verified" ? "good" : "plain",
    ),
    span(`${cell(rate, rateWidth, "right")}  `),
    span(cut(told.text, result), told.style),
  ];
}

const isPending = ({ session, member }: Part): boolean =>
  isRunning(session) && member.result === "pending";

/** What became of the PC; with the image's name where there is room for it. */
function resultSpan({ session, member }: Part, width: number): { text: string; style: Style } {
  const what = width > wordWidth ? (session.image ?? session.kind) : "";
  switch (member.result) {
    case "verified":
      return session.kind === "capture"
        ? { text: `CAPTURED ${what}`.trimEnd(), style: "good" }
        : { text: `VERIFIED ${what}`.trimEnd(), style: "good" };
    case "failed":
      return { text: `FAILED: ${member.reason ?? "no reason given"}`, style: "bad" };
    case "stopped":
      return { text: `STOPPED: ${member.reason ?? ""}`, style: "warn" };
    case "pending":
      return { text: isRunning(session) ? what : "", style: "plain" };
  }
}

const stateText = (state: PcState): string => (state === "offline" ? "off" : state);

function stateStyle(state: PcState): Style {
  if (state === "failed") return "bad";
  if (state === "offline" || state === "idle" || state === "waiting" || state === "booting") {
    return "plain";
  }
  return "accent";
}

/** The sessions under way, else what became of the last one. At most four lines. */
function sessionRows(model: Model, ui: Ui, columns: number): Row[] {
  const sessions = roomSessions(model, ui.room);
  const running = sessions.filter(isRunning).slice(0, 2);
  if (running.length > 0) {
    return running.flatMap((session) =>
      paragraph(progressLine(session, linkOf(model)), columns, "accent").slice(0, 2),
    );
  }
  const [last] = sessions;
  if (last === undefined) return [blank];
  const all = paragraph(`${titleOf(last)}: ${sentence(last)}`, columns, styleOf(last));
  const told = all.slice(0, 3);
  if (all.length > told.length) {
    told[2] = [span(cell(`${all[2]?.[0]?.text ?? ""}`, columns - 6), styleOf(last)), span(" ...")];
  }
  return told;
}

const linkOf =
  (model: Model) =>
  (pc: string): number | null =>
    model.pcs.get(pc)?.nic.speedMbps ?? null;

const titleOf = ({ kind, image, room, endedAt }: SessionView): string =>
  `${(endedAt ?? "").slice(11, 16)} ${kind} ${image ?? ""}${room === null ? "" : ` to ${room}`}`;

const styleOf = ({ members }: SessionView): Style =>
  members.every(({ result }) => result === "verified") ? "good" : "bad";

const helpRows: readonly Row[] = [
  line("Keys", "bold"),
  blank,
  ...[
    ["Up Down PgUp PgDn", "from PC to PC"],
    ["Left Right Tab", "from room to room"],
    ["Enter", "the PC's page: hardware, disks, its part in the session"],
    ["o  e", "on the PC's page: its screen as it is now, the end of its log"],
    ["Space", "mark a PC: r w b p l m are then about all marked ones"],
    ["/", "filter by name, address, state, result, disk   Esc: all"],
    ["v", "the session: rate, who is slow and why, every PC's result"],
    ["r", "restore an image to the room, or to the marked PCs"],
    ["c", "capture the PC's disk as an image"],
    ["g  s", "start a session that gathers; stop a session"],
    ["x", "take the PC out of the running session"],
    ["w  b  p  l", "wake, reboot, switch off, start from the local disk"],
    ["n  m", "rename the PC, move it to a room"],
    ["Ctrl-L", "draw the screen again"],
    ["q", "leave; sessions go on"],
  ].map(([keys = "", what = ""]): Row => [span(`  ${cell(keys, 20)}`, "bold"), span(what)]),
];
