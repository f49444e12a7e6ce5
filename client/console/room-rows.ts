/** A room's PCs, as a list or as a map, and a line for each of its sessions. */
import { isRunning } from "../../core/screen/pc-state.ts";
import { progressLine, sentence } from "../../core/screen/report.ts";
import {
  atMost,
  barRow,
  blank,
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
import type { SessionView } from "../../core/wire/views.ts";
import { fieldRow } from "./field-row.ts";
import { headingRow, pcRow } from "./list-rows.ts";
import { mapRows } from "./map-rows.ts";
import type { Model } from "./model.ts";
import { type ConsoleSpeech, speechOf } from "./speech.ts";
import { chosenPc, isMap, roomMap, roomNames, roomSessions, shownPcs, type Ui } from "./state.ts";

/** Exactly `size.lines` rows; `title` and `said` are what every page has. */
export function roomRows(
  model: Model,
  ui: Ui,
  frame: { readonly title: Row; readonly said: readonly Row[] },
  size: ScreenSize,
): Row[] {
  const { columns } = size;
  const shown = shownPcs(model, ui);
  const chosen = chosenPc(model, ui);
  const sessions = sessionRows(model, ui, size);
  const speech = speechOf(model);
  const { t } = speech;
  const marked = ui.marked.size === 0 ? "" : `   ${t("list.marked", { count: ui.marked.size })}`;
  const filter =
    ui.page.name === "filter"
      ? fieldRow(t("field.filter"), ui.filter, columns)
      : ui.filter === "" && marked === ""
        ? blank
        : [
            span(
              ` ${ui.filter === "" ? "" : t("list.filtered", { filter: ui.filter, count: shown.length })}${marked}`,
              "accent",
            ),
          ];
  const header = [
    frame.title,
    roomsRow(model, ui, columns),
    filter,
    ...(isMap(ui) ? [] : [headingRow(speech, columns)]),
  ];
  const footer = [
    ...sessions,
    ...frame.said,
    barRow(ui.page.name === "filter" ? t("keys.filter") : t("keys.list"), "", columns),
  ];
  const room = Math.max(1, size.lines - header.length - footer.length);
  if (isMap(ui)) {
    const map = roomMap(model, ui);
    return screenful(
      { header, body: mapRows(model, ui, map, { columns, lines: room }), footer },
      size,
    );
  }
  const from = visibleFrom(
    shown.findIndex(({ id }) => id === chosen?.id),
    shown.length,
    room,
  );
  const body = shown
    .slice(from, from + room)
    .map((pc) =>
      pcRow(
        pc,
        model.parts.get(pc.id),
        { chosen: pc.id === chosen?.id, marked: ui.marked.has(pc.id), columns },
        speech,
      ),
    );
  if (shown.length === 0) body.push(...emptyRows(model, ui, columns));
  return screenful({ header, body, footer }, size);
}

function emptyRows(model: Model, ui: Ui, columns: number): Row[] {
  const { t } = speechOf(model);
  if (!model.complete) return [line(t("list.asking"))];
  if (ui.filter !== "") return paragraph(t("list.noMatch"), columns);
  if (ui.room !== null && model.pcs.size > 0)
    return paragraph(t("list.noneHere", { room: ui.room }), columns);
  return paragraph(t("list.none"), columns);
}

/** The rooms from left to right, the shown one marked; scrolled so that it is on the screen. */
function roomsRow(model: Model, ui: Ui, columns: number): Row {
  const tabs = [null, ...roomNames(model)].map((name) => {
    if (name === null)
      return { name, text: ` ${speechOf(model).t("tabs.all", { count: model.pcs.size })} ` };
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

/** The running sessions, or else the result of the last one; on a small screen not all of it. */
function sessionRows(model: Model, ui: Ui, { columns, lines }: ScreenSize): Row[] {
  const limit = Math.max(1, Math.floor(lines / 8));
  const speech = speechOf(model);
  const sessions = roomSessions(model, ui.room);
  const running = sessions.filter(isRunning).slice(0, 2);
  if (running.length > 0) {
    return running.flatMap((session) => [
      ...atMost(
        paragraph(progressLine(session, speech), columns, "accent"),
        Math.min(2, limit),
        columns,
      ),
      ...session.notices.flatMap((notice) =>
        atMost(paragraph(speech.told(notice), columns, "bad"), Math.min(2, limit), columns),
      ),
    ]);
  }
  const [last] = sessions;
  if (last === undefined) return [blank];
  const all = paragraph(
    `${titleOf(last, speech)}: ${sentence(last, speech)}`,
    columns,
    styleOf(last),
  );
  return atMost(all, limit, columns);
}

function titleOf({ kind, image, room, endedAt }: SessionView, { t, date }: ConsoleSpeech): string {
  const time = date(endedAt ?? "");
  const last = t("list.last", { time, kind: t(`kind.${kind}`), image: image ?? "" });
  return room === null ? last : t("list.lastTo", { last, room });
}

const styleOf = ({ members }: SessionView): Style =>
  members.every(({ result }) => result === "verified") ? "good" : "bad";
