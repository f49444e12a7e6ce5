/** Lists from which one thing is chosen. */
import { imageName } from "../../core/image/manifest.ts";
import {
  blank,
  cell,
  line,
  paragraph,
  type Row,
  type ScreenSize,
  visibleFrom,
} from "../../core/screen/row.ts";
import { speechOf } from "./speech.ts";
import type { MenuView } from "./view.ts";

/** A numbered list with blank lines between its items, so that nobody confuses two of them. */
export const choiceRows = (texts: readonly string[], chosen: number, columns: number): Row[] =>
  texts.flatMap((text, index) => [
    line(cell(`${index + 1}  ${text}`, columns - 2), index === chosen ? "chosen" : "plain"),
    blank,
  ]);

export function imageRows(view: MenuView, chosen: number, size: ScreenSize): Row[] {
  const { t, size: bytes, date } = speechOf(view);
  if (view.images === null) {
    return view.server.state === "connected"
      ? [line(t("images.asking"))]
      : paragraph(t("images.silent"), size.columns, "warn");
  }
  if (view.images.length === 0) return paragraph(t("images.none"), size.columns);
  const name = size.columns - 2 - 10 - 12 - 18;
  const heading = `${cell(t("image"), name)}${cell(t("images.data"), 10, "right")}${cell(t("disk"), 12, "right")}${cell(`  ${t("images.captured")}`, 18)}`;
  const room = Math.max(1, size.lines - 8);
  const first = visibleFrom(chosen, view.images.length, room);
  return [
    line(heading, "bold"),
    ...view.images.slice(first, first + room).map((image, index): Row => {
      const text = `${cell(imageName(image), name)}${cell(bytes(image.usedBytes), 10, "right")}${cell(bytes(image.diskBytes), 12, "right")}${cell(`  ${date(image.capturedAt)}`, 18)}`;
      return line(text, first + index === chosen ? "chosen" : "plain");
    }),
    blank,
    line(t("amount.of", { some: `${chosen + 1}`, all: `${view.images.length}` })),
  ];
}
