/** The page that shows whose disks a live cast from this PC will overwrite, and asks for a typed word. */
import { diskLine } from "../../core/screen/disk.ts";
import {
  blank,
  cell,
  line,
  paragraph,
  type Row,
  type ScreenSize,
  span,
} from "../../core/screen/row.ts";
import { fieldRow } from "./ask-rows.ts";
import type { Page } from "./pages.ts";
import { speechOf } from "./speech.ts";
import type { MenuView } from "./view.ts";

export function castRows(
  { disk, saveAs, value, refused }: Extract<Page, { name: "cast" }>,
  view: MenuView,
  { columns, lines }: ScreenSize,
): Row[] {
  const { pc, targets, isLocked } = view;
  const speech = speechOf(view);
  const { t } = speech;
  const room = pc.room ?? "";
  const others = (targets ?? []).filter(({ name }) => name !== pc.name);
  const from = [
    ...paragraph(t("cast.contents", { disk: diskLine(disk, speech) }), columns),
    ...paragraph(
      saveAs === null ? t("cast.notStored") : t("cast.storedAs", { image: saveAs }),
      columns,
    ),
  ];
  const space = Math.max(1, lines - 10 - from.length);
  const shown = others.slice(0, others.length > space ? space - 1 : space);
  const ask: Row[] = [
    ...from,
    blank,
    fieldRow(t("word.type", { word: room }), value),
    refused ? line(t("word.wrong", { word: room }), "warn") : blank,
  ];
  if (isLocked) {
    return [
      line(t("cast.lostOthers", { room }), "bad"),
      ...paragraph(t("cast.operator"), columns),
      ...ask,
    ];
  }
  if (targets === null) return [line(t("cast.asking", { room }))];
  if (others.length === 0) return [line(t("cast.noOthers", { room }))];
  return [
    line(t("cast.lost", { count: others.length, room }), "bad"),
    ...shown.map(
      ({ name, disk: text }): Row => [
        span(` ${cell(name, 14)} `, "bold"),
        span(cell(text, columns - 17)),
      ],
    ),
    ...(shown.length < others.length
      ? [line(t("known.more", { count: others.length - shown.length }))]
      : []),
    ...ask,
  ];
}
