/** The pages of the images and of a room, and the page that asks for a word before data is destroyed. */
import { imageName } from "../../core/image/manifest.ts";
import { dateText, sizeText } from "../../core/screen/format.ts";
import { optimiseStateText } from "../../core/screen/optimise.ts";
import {
  blank,
  cell,
  factRow,
  line,
  paragraph,
  type Row,
  type ScreenSize,
  span,
  visibleFrom,
} from "../../core/screen/row.ts";
import type { ImageView } from "../../core/wire/views.ts";
import type { Model } from "./model.ts";
import { imagesToChoose, type Page } from "./state.ts";
import { roomSettings, settingText } from "./store-keys.ts";

/** A heading and a line per image; `size.lines` is how many images are shown at once. */
export function imageList(
  images: readonly ImageView[],
  chosen: number,
  { columns, lines }: ScreenSize,
): Row[] {
  const nameWidth = columns - 2 - 10 - 10 - 12 - 18;
  const heading = `${cell("Image", nameWidth)}${cell("Data", 10, "right")}${cell("Stored", 10, "right")}${cell("Disk", 12, "right")}  Captured (UTC)`;
  const room = Math.max(1, lines);
  const from = visibleFrom(chosen, images.length, room);
  return [
    line(heading, "bold"),
    ...images.slice(from, from + room).map((image, index) => {
      const { usedBytes, storedBytes, diskBytes, capturedAt } = image;
      const sizes = `${cell(sizeText(usedBytes), 10, "right")}${cell(sizeText(storedBytes), 10, "right")}${cell(sizeText(diskBytes), 12, "right")}`;
      const text = `${cell(imageName(image), nameWidth)}${sizes}  ${dateText(capturedAt)}`;
      return line(text, from + index === chosen ? "chosen" : "plain");
    }),
  ];
}

export function storeRows(model: Model, chosen: number, { columns, lines }: ScreenSize): Row[] {
  const images = imagesToChoose(model);
  const image = images[chosen];
  if (image === undefined) return [line("There are no images yet. Capture a PC first, with c.")];
  const partitions = image.partitions.map(
    ({ index, fs, type, size, usedBytes, mode }) =>
      `${index}: ${fs ?? type}, ${sizeText(usedBytes)} of ${sizeText(size)}${mode === "used" ? "" : ` (${mode})`}`,
  );
  const facts = [
    ...paragraph(`From ${image.source}, ${image.partitionTable.toUpperCase()}.`, columns),
    ...paragraph(partitions.join("   "), columns).slice(0, 3),
    ...(image.optimise === null
      ? []
      : paragraph(`Packed anew: ${optimiseStateText(image.optimise)}.`, columns)),
    ...image.warnings.flatMap((warning) => paragraph(warning, columns, "warn")).slice(0, 3),
  ];
  return [
    line("Images", "bold"),
    blank,
    ...imageList(images, chosen, { columns, lines: lines - 7 - facts.length }),
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
  const room = name === null ? undefined : model.rooms.get(name);
  if (room === undefined) return [line("This room no longer exists.")];
  const { pcs, online, seats, walk, session, shutUntil } = room;
  const fact = (title: string, text: string): Row =>
    factRow(title, text, { columns, titleWidth: 12 });
  const taken = seats.filter(({ pc }) => pc !== null).length;
  const walking =
    walk === null
      ? "off"
      : walk.next === null
        ? "ON: there is no free seat"
        : `ON: press Enter at the PC that takes seat ${walk.next}`;
  const settings = roomSettings(room);
  const head = [
    line(room.name, "bold"),
    blank,
    fact("PCs", `${pcs}, of which ${online} are on`),
    fact("Seats", `${seats.length}, of which ${taken} are taken`),
    fact("Seat walk", walking),
    fact("Session", session ?? "none"),
    ...(shutUntil === null
      ? []
      : [line(`MENUS SHUT until ${shutUntil.slice(11, 16)} UTC: too many wrong PINs`, "bad")]),
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

export function wordRows(
  page: Extract<Page, { name: "word" }>,
  { columns, lines }: ScreenSize,
): Row[] {
  const { title, facts, word, value, refused } = page;
  const room = Math.max(1, lines - 10);
  const more = facts.length - room;
  return [
    line(`${title}:`, "bad"),
    blank,
    ...facts.slice(0, room).map((fact) => line(cell(fact, columns - 2))),
    ...(more > 0 ? [line(`and ${more} more`)] : []),
    blank,
    [span(` Type ${word} and press Enter: `, "bold"), span(`${value}_`, "accent")],
    refused ? line(`That was not ${word}. Nothing was changed.`, "warn") : blank,
  ];
}
