/** The console's dialogs. What destroys data shows which disks, and has the word typed. */
import { diskLine } from "../../core/screen/disk.ts";
import { dateText, sizeText } from "../../core/screen/format.ts";
import {
  blank,
  cell,
  line,
  paragraph,
  type Row,
  type ScreenSize,
  span,
  visibleFrom,
} from "../../core/screen/row.ts";
import { chooseTarget } from "../../core/session/target.ts";
import type { ImageView, PcView } from "../../core/wire/views.ts";
import type { Model } from "./model.ts";
import {
  imagesToChoose,
  imageText,
  namesOf,
  overwriteWord,
  type Page,
  roomNames,
  targetPcs,
} from "./state.ts";

type Dialog = Exclude<Page, { name: "list" | "pc" | "look" | "session" | "help" | "filter" }>;

/** A dialog's body, and the line about its keys. */
export function dialogRows(
  model: Model,
  page: Dialog,
  size: ScreenSize,
): { body: Row[]; keys: string } {
  switch (page.name) {
    case "images":
      return { body: imageRows(model, page, size), keys: "Arrows, Enter: choose   Esc: back" };
    case "overwrite":
      return {
        body: overwriteRows(model, page, size),
        keys: "Up Down: all disks   the word and Enter: restore   Esc: nothing is changed",
      };
    case "disks": {
      const pc = model.pcs.get(page.pc);
      const body = (pc?.disks ?? []).map((disk, index) =>
        line(cell(diskLine(disk), size.columns - 2), index === page.chosen ? "chosen" : "plain"),
      );
      const title = line(`Capture ${pc?.name ?? "?"}: which disk?`, "bold");
      return { body: [title, blank, ...body], keys: "Arrows, Enter: choose   Esc: back" };
    }
    case "prompt":
      return promptRows(model, page, size);
    case "confirm":
      return {
        body: [
          ...paragraph(page.question, size.columns, "bold"),
          blank,
          ...page.warnings.flatMap((warning) => paragraph(warning, size.columns, "warn")),
        ],
        keys: "y: yes   any other key: back",
      };
  }
}

function imageRows(
  model: Model,
  page: Extract<Page, { name: "images" }>,
  { columns, lines }: ScreenSize,
): Row[] {
  const { targets, chosen } = page;
  const images = imagesToChoose(model);
  const names = namesOf(model, targets.pcs);
  const whom = targets.room === null ? names.join(", ") : `all of ${targets.room}`;
  const title = paragraph(`Restore to ${whom}: which image?`, columns, "bold").slice(0, 2);
  if (images.length === 0) {
    return [...title, blank, line("There is no image yet. Capture a PC first: c.")];
  }
  const nameWidth = columns - 2 - 10 - 12 - 18;
  const heading = `${cell("Image", nameWidth)}${cell("Data", 10, "right")}${cell("Disk", 12, "right")}  Captured (UTC)`;
  const room = Math.max(1, lines - 8);
  const from = visibleFrom(chosen, images.length, room);
  return [
    ...title,
    blank,
    line(heading, "bold"),
    ...images.slice(from, from + room).map((image, index) => {
      const text = `${cell(imageText(image), nameWidth)}${cell(sizeText(image.usedBytes), 10, "right")}${cell(sizeText(image.diskBytes), 12, "right")}  ${dateText(image.capturedAt)}`;
      return line(text, from + index === chosen ? "chosen" : "plain");
    }),
  ];
}

function overwriteRows(
  model: Model,
  page: Extract<Page, { name: "overwrite" }>,
  { columns, lines }: ScreenSize,
): Row[] {
  const { targets, image, value, refused, from } = page;
  const pcs = targetPcs(model, targets);
  const word = overwriteWord(model, targets);
  const warnings = image.warnings
    .slice(0, 2)
    .flatMap((warning) => paragraph(warning, columns, "warn").slice(0, 2));
  const ask: Row[] = [
    blank,
    ...paragraph(
      `Written: ${imageText(image)}, ${sizeText(image.usedBytes)} of data from ${image.source}.`,
      columns,
    ).slice(0, 2),
    ...warnings,
    [span(` Type ${word} and press Enter: `, "bold"), span(`${value}_`, "accent")],
    refused ? line(`That was not ${word}. Nothing was changed.`, "warn") : blank,
  ];
  const room = Math.max(1, lines - 6 - ask.length);
  const first = Math.max(0, Math.min(from, pcs.length - room));
  const shown = pcs.slice(first, first + room);
  const count = pcs.length === 1 ? "THIS DISK" : `THESE ${pcs.length} DISKS`;
  const more = pcs.length > shown.length ? `  (${first + 1} to ${first + shown.length})` : "";
  return [
    line(`EVERYTHING ON ${count} WILL BE LOST${more}:`, "bad"),
    blank,
    ...shown.map((pc) => targetRow(pc, image, columns)),
    ...ask,
  ];
}

/** One PC, and the disk that will be overwritten there: as its agent chooses when none is named. */
function targetRow(pc: PcView, image: ImageView, columns: number): Row {
  const off = pc.state === "offline" ? "off   " : "";
  const head = span(` ${cell(pc.name, 14)} `, "bold");
  const width = columns - 17;
  if (pc.disks.length === 0) return [head, span(cell(`${off}no disk known yet`, width))];
  const candidates = pc.disks.map((disk) => ({ disk, inUse: null }));
  // Where the image's data end, only the PC looks up: a disk that is too small refuses by itself.
  const need = { endBytes: 0, logicalSector: image.logicalSector };
  const target = chooseTarget(candidates, null, need);
  return target.kind === "disk"
    ? [head, span(cell(`${off}${diskLine(target.disk)}`, width))]
    : [head, span(cell(`${off}WILL REFUSE: ${target.reason}`, width), "warn")];
}

function promptRows(
  model: Model,
  page: Extract<Page, { name: "prompt" }>,
  { columns }: ScreenSize,
): { body: Row[]; keys: string } {
  const names = namesOf(model, page.pcs).join(", ");
  const field: Row = [span(" Name: ", "bold"), span(`${page.value}_`, "accent")];
  switch (page.for) {
    case "capture": {
      const known = [...new Set([...model.images.values()].map(({ name }) => name))].sort();
      return {
        body: [
          ...paragraph(`Capture ${names} as which image?`, columns, "bold"),
          blank,
          ...(page.disk === null
            ? []
            : [line(cell(`Read, and left as it is: ${diskLine(page.disk)}`, columns - 2)), blank]),
          field,
          line(known.includes(page.value) ? "Becomes a new version; the older ones stay." : ""),
          blank,
          ...paragraph(known.length === 0 ? "" : `There are: ${known.join(", ")}`, columns).slice(
            0,
            4,
          ),
        ],
        keys: "Enter: capture   Esc: back",
      };
    }
    case "rename":
      return {
        body: [...paragraph(`Rename ${names} to:`, columns, "bold"), blank, field],
        keys: "Ctrl-U: empty   Enter: rename   Esc: back",
      };
    case "move": {
      const isNew = page.value !== "" && !model.rooms.has(page.value);
      return {
        body: [
          ...paragraph(`Move ${names} to which room?`, columns, "bold"),
          blank,
          field,
          line(isNew ? "A new room." : ""),
          blank,
          ...paragraph(`Rooms: ${roomNames(model).join(", ")}`, columns),
        ],
        keys: "Up Down: the rooms there are   Ctrl-U: empty   Enter: move   Esc: back",
      };
    }
  }
}
