/** The page that shows which disk will be overwritten, and asks for a typed word. */
import { imageName } from "../../core/image/manifest.ts";
import { blank, line, paragraph, type Row } from "../../core/screen/row.ts";
import type { DiskView, ImageView } from "../../core/wire/views.ts";
import { fieldRow } from "./ask-rows.ts";
import { diskFacts } from "./disk-facts.ts";
import { eraseWord, type Page } from "./pages.ts";
import type { MenuSpeech } from "./speech.ts";

export function eraseRows(
  page: Extract<Page, { name: "erase" }>,
  speech: MenuSpeech,
  columns: number,
): Row[] {
  const { work, disk, value, refused } = page;
  const { t } = speech;
  return [
    line(t("erase.lost"), "bad"),
    blank,
    ...diskFacts(disk, speech),
    blank,
    ...(work.kind === "restore"
      ? work.image === null
        ? paragraph(t("erase.holds", { image: work.reference }), columns)
        : imageFacts(work.image, disk, speech, columns)
      : paragraph(t("erase.empty"), columns)),
    blank,
    fieldRow(t("word.type", { word: eraseWord }), value),
    refused ? line(t("word.wrong", { word: eraseWord }), "warn") : blank,
  ];
}

function imageFacts(
  image: ImageView,
  disk: DiskView,
  { t, told, size, date }: MenuSpeech,
  columns: number,
): Row[] {
  const { usedBytes, diskBytes, capturedAt, source } = image;
  const facts = { image: imageName(image), size: size(usedBytes), date: date(capturedAt), source };
  const smaller = disk.size < diskBytes ? t("erase.smaller", { size: size(diskBytes) }) : "";
  return [
    ...paragraph(t("erase.holdsImage", facts), columns),
    ...paragraph(smaller, columns, "warn"),
    ...image.warnings.slice(0, 3).flatMap((warning) => paragraph(told(warning), columns, "warn")),
  ];
}
