/** The pages of the images and of a room, and the page that asks for a word before data is destroyed. */
import { imageName } from "../../core/image/manifest.ts";
import {
  blank,
  cell,
  factRow,
  line,
  paragraph,
  type Row,
  type ScreenSize,
  visibleFrom,
} from "../../core/screen/row.ts";
import type { ImageView, OptimiseView } from "../../core/wire/views.ts";
import { type Choice, placeOf } from "./choice.ts";
import type { Model } from "./model.ts";
import { notesRows } from "./notes.ts";
import { type ConsoleSpeech, speechOf } from "./speech.ts";
import { imageIds, imagesToChoose } from "./state.ts";
import { roomSettings, settingText } from "./store-keys.ts";

/** With the blanks before it. */
const dateWidth = 18;
const narrowestName = 20;

/** A heading and a line per image; `size.lines` is how many images are shown at once. */
export function imageList(
  images: readonly ImageView[],
  chosen: number,
  { t, size, date }: ConsoleSpeech,
  { columns, lines }: ScreenSize,
): Row[] {
  const figures = [
    { title: t("data"), width: 10, of: ({ usedBytes }: ImageView) => usedBytes },
    { title: t("store.stored"), width: 10, of: ({ storedBytes }: ImageView) => storedBytes },
    { title: t("disk"), width: 12, of: ({ diskBytes }: ImageView) => diskBytes },
  ];
  // On a narrow screen the name is worth more than the figures.
  const nameWidth = (): number =>
    figures.reduce((left, { width }) => left - width, columns - 2 - dateWidth);
  while (figures.length > 0 && nameWidth() < narrowestName) figures.pop();
  const titles = figures.map(({ title, width }) => cell(title, width, "right")).join("");
  const heading = `${cell(t("image"), nameWidth())}${titles}  ${t("store.captured")}`;
  const room = Math.max(1, lines);
  const from = visibleFrom(chosen, images.length, room);
  return [
    line(heading, "bold"),
    ...images.slice(from, from + room).map((image, index) => {
      const sizes = figures.map(({ of, width }) => cell(size(of(image)), width, "right")).join("");
      const text = `${cell(imageName(image), nameWidth())}${sizes}  ${date(image.capturedAt)}`;
      return line(text, from + index === chosen ? "chosen" : "plain");
    }),
  ];
}

/** How far it is to pack an image anew, and what that brought. */
function optimiseLine(view: OptimiseView, { t, percent, size }: ConsoleSpeech): string {
  const { state, chunksDone, chunksTotal, savedBytes } = view;
  const part = percent(chunksTotal === 0 ? 0 : chunksDone / chunksTotal);
  return t(`optimise.${state}`, { part, saved: size(savedBytes) });
}

export function storeRows(model: Model, choice: Choice, { columns, lines }: ScreenSize): Row[] {
  const speech = speechOf(model);
  const { t, told } = speech;
  const images = imagesToChoose(model);
  const chosen = placeOf(choice, imageIds(model));
  const image = images[chosen];
  if (image === undefined) return [line(t("image.none"))];
  const partitions = image.partitions.map(
    ({ index, fs, type, size, usedBytes, mode }) =>
      `${index}: ${fs ?? type}, ${t("amount.of", { some: speech.size(usedBytes), all: speech.size(size) })}${mode === "used" ? "" : ` (${mode})`}`,
  );
  const facts = [
    ...notesRows(image, speech, columns),
    ...paragraph(
      t("store.from", { source: image.source, table: image.partitionTable.toUpperCase() }),
      columns,
    ),
    ...paragraph(partitions.join("   "), columns).slice(0, 3),
    ...(image.optimise === null ? [] : paragraph(optimiseLine(image.optimise, speech), columns)),
    ...image.warnings.flatMap((warning) => paragraph(told(warning), columns, "warn")).slice(0, 3),
  ];
  return [
    line(t("store.images"), "bold"),
    blank,
    ...imageList(images, chosen, speech, { columns, lines: lines - 7 - facts.length }),
    blank,
    ...facts,
  ];
}

export function roomPageRows(
  model: Model,
  name: string | null,
  chosen: number,
  { columns, lines }: ScreenSize,
): Row[] {
  const { t } = speechOf(model);
  const room = name === null ? undefined : model.rooms.get(name);
  if (room === undefined) return [line(t("room.gone"))];
  const { pcs, online, seats, walk, session, shutUntil } = room;
  const fact = (title: string, text: string): Row =>
    factRow(title, text, { columns, titleWidth: 12 });
  const taken = seats.filter(({ pc }) => pc !== null).length;
  const walking =
    walk === null
      ? t("room.walkOff")
      : walk.next === null
        ? t("room.walkFull")
        : t("room.walkNext", { seat: walk.next });
  const settings = roomSettings(room);
  const head = [
    line(room.name, "bold"),
    blank,
    fact(t("show.pcs"), t("room.pcs", { all: pcs, count: online })),
    fact(t("room.seats"), t("room.taken", { all: seats.length, count: taken })),
    fact(t("room.walk"), walking),
    fact(t("session"), session ?? t("none")),
    ...(shutUntil === null ? [] : [line(t("room.shut", { time: shutUntil.slice(11, 16) }), "bad")]),
    blank,
  ];
  // The title, the keys and what was said last are around all of this.
  const space = Math.max(1, lines - head.length - 3);
  const from = visibleFrom(chosen, settings.length, space);
  return [
    ...head,
    ...settings
      .slice(from, from + space)
      .map(({ key, value }, index) =>
        line(`${cell(key, 14)}${settingText(value)}`, from + index === chosen ? "chosen" : "plain"),
      ),
  ];
}
