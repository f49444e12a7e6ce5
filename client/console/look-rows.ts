import { line, paragraph, type Row, type ScreenSize } from "../../core/screen/row.ts";
import type { Model } from "./model.ts";
import { speechOf } from "./speech.ts";

/** Lines around what is looked at: the title bar, a title, what was said, keys. */
const frameLines = 4;

/** A screen from its top, without its blank lines where there is no room for them; the end of a log. */
export function lookRows(model: Model, from: "top" | "end", { columns, lines }: ScreenSize): Row[] {
  const { looked } = model;
  const { t, told } = speechOf(model);
  if (looked === null || (looked.lines === null && looked.trouble === null)) {
    return [line(t("look.asking"))];
  }
  const trouble =
    looked.trouble === null ? [] : paragraph(told(looked.trouble), columns, "warn").slice(0, 2);
  const all = looked.lines ?? [];
  const room = Math.max(1, lines - frameLines - trouble.length);
  const fits = all.length <= room ? all : all.filter((text) => text !== "");
  const shown = from === "end" ? all.slice(-room) : fits.slice(0, room);
  return [...trouble, ...shown.map((text): Row => line(told(text), "plain", 0))];
}
