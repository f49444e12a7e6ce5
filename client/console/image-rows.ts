/** The dialog in which an image is chosen, and how it is to be restored. */
import { notesLines } from "../../core/screen/image-notes.ts";
import {
  blank,
  cell,
  cut,
  line,
  paragraph,
  type Row,
  type ScreenSize,
  span,
} from "../../core/screen/row.ts";
import type { ImageView } from "../../core/wire/views.ts";
import { placeOf } from "./choice.ts";
import type { Model } from "./model.ts";
import { type ConsoleSpeech, speechOf } from "./speech.ts";
import { imageIds, imagesToChoose, namesOrCount, type Page, type RestoreOptions } from "./state.ts";
import { imageList } from "./store-rows.ts";

/** Lines around the images and the options: the title bar, a heading, what was said, keys. */
const frameLines = 4;
/** A lower screen has room for the images and the options alone. */
const lowLines = 16;

export function imageRows(
  model: Model,
  page: Extract<Page, { name: "images" }>,
  { columns, lines }: ScreenSize,
): Row[] {
  const { targets } = page;
  const speech = speechOf(model);
  const { t } = speech;
  const images = imagesToChoose(model);
  const chosen = placeOf(page.chosen, imageIds(model));
  const whom =
    targets.room === null
      ? namesOrCount(model, targets.pcs, columns)
      : t("ask.allOf", { room: targets.room });
  const title = paragraph(t("ask.image", { whom }), columns, "bold");
  if (images.length === 0) {
    return [...title, blank, line(t("image.none"))];
  }
  const isLow = lines < lowLines;
  const gap = isLow ? [] : [blank];
  const below = [
    ...gap,
    ...(isLow ? [] : notesRowsOf(images[chosen], speech, columns)),
    ...optionRows(page.options, speech, columns),
  ];
  const above = [...title, ...gap];
  const room = lines - frameLines - above.length - below.length;
  return [...above, ...imageList(images, chosen, speech, { columns, lines: room }), ...below];
}

/** What staff say of the image that is about to be taken. */
export const notesRowsOf = (
  image: ImageView | undefined,
  speech: ConsoleSpeech,
  columns: number,
): Row[] =>
  image === undefined
    ? []
    : notesLines(image, speech).flatMap((text) => paragraph(text, columns, "accent").slice(0, 2));

/** What a restore will be like, with the keys that change it. */
const optionRows = (
  { delta, verify, afterwards, start, personalise, fit }: RestoreOptions,
  { t }: ConsoleSpeech,
  columns: number,
): Row[] =>
  (
    [
      ["d", "how.send", delta ? "how.differs" : "how.everything"],
      ["v", "how.verify", verify === "written" ? "how.written" : "how.readBack"],
      ["t", "how.then", `then.${afterwards}`],
      ["a", "how.start", start === "now" ? "how.now" : "how.all"],
      ["o", "how.own", personalise === "none" ? "how.ownNothing" : "how.ownAll"],
      ["f", "how.fit", fit === "auto" ? "how.fitSmallest" : "how.never"],
    ] as const
  ).map(([key, what, how]) => [
    span(` ${key}  `, "bold"),
    span(cut(`${cell(t(what), 8)}${t(how)}`, columns - 5)),
  ]);
