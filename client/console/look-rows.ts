import { line, paragraph, type Row, type ScreenSize } from "../../core/screen/row.ts";
import type { Looked } from "./looker.ts";

/** Lines around what is looked at: the title bar, a title, what was said, keys. */
const frameLines = 4;

/** A screen from its top, without its blank lines where there is no room for them; the end of a log. */
export function lookRows(
  looked: Looked | null,
  from: "top" | "end",
  { columns, lines }: ScreenSize,
): Row[] {
  if (looked === null || (looked.lines === null && looked.trouble === null)) {
    return [line("Asking...")];
  }
  const trouble =
    looked.trouble === null ? [] : paragraph(looked.trouble, columns, "warn").slice(0, 2);
  const all = looked.lines ?? [];
  const room = Math.max(1, lines - frameLines - trouble.length);
  const fits = all.length <= room ? all : all.filter((text) => text !== "");
  const shown = from === "end" ? all.slice(-room) : fits.slice(0, room);
  return [...trouble, ...shown.map((text): Row => line(text, "plain", 0))];
}
