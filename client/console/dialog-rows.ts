/** The console's dialogs. One that destroys data shows which disks, and asks for a typed word. */
import { imageName } from "../../core/image/manifest.ts";
import { diskLine } from "../../core/screen/disk.ts";
import { sizeText } from "../../core/screen/format.ts";
import { orderKeyLines } from "../../core/screen/identity.ts";
import { personalLines } from "../../core/screen/personal.ts";
import {
  blank,
  cell,
  line,
  paragraph,
  type Row,
  type ScreenSize,
  span,
} from "../../core/screen/row.ts";
import { foreseenTarget, sectorsOf } from "../../core/screen/target.ts";
import { wipeMethods } from "../../core/screen/wipe.ts";
import { systemsOn } from "../../core/wire/host-names.ts";
import type { ImageView, PcView } from "../../core/wire/views.ts";
import { fitSaid } from "./fit.ts";
import type { Model } from "./model.ts";
import {
  imagesToChoose,
  nameFaults,
  namesOf,
  overwriteWord,
  overwrittenPcs,
  type Page,
  type RestoreOptions,
  roomNames,
} from "./state.ts";
import { identities } from "./store-keys.ts";
import { imageList, roomPageRows, storeRows, wordRows } from "./store-rows.ts";

type Dialog = Exclude<Page, { name: "list" | "pc" | "look" | "session" | "help" | "filter" }>;

/** A dialog's body, and the line about its keys; `room`: the one that is shown. */
export function dialogRows(
  model: Model,
  page: Dialog,
  room: string | null,
  size: ScreenSize,
): { body: Row[]; keys: string } {
  switch (page.name) {
    case "images":
      return {
        body: imageRows(model, page, size),
        keys: "Arrows, Enter: choose   d v t a o f: change how   Esc: back",
      };
    case "overwrite":
      return {
        body: overwriteRows(model, page, size),
        keys: "Up Down: all disks   Word and Enter: restore   Esc: change nothing",
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
    case "store":
      return {
        body: storeRows(model, page.chosen, size),
        keys: "v: check every chunk   d: delete   Esc: back",
      };
    case "room":
      return {
        body: roomPageRows(model, room, page.chosen, size),
        keys: "Enter: change  w: seat walk  o: open menus  y: history  n: new  x: delete  Esc",
      };
    case "setting":
      return {
        body: [
          line(`${page.key} of room ${room ?? "?"}:`, "bold"),
          blank,
          [span(" Value: ", "bold"), span(`${page.value}_`, "accent")],
        ],
        keys: "Ctrl-U: empty   Enter: set   Esc: back",
      };
    case "command":
      return {
        body: [
          line("A command of the command line, like `schedule list` or `doctor`:", "bold"),
          blank,
          [span(" roomcast ", "bold"), span(`${page.value}_`, "accent")],
          blank,
          line("`help` lists them. They act on the server that this console shows."),
        ],
        keys: "Enter: run it in this terminal   Esc: back",
      };
    case "cast":
      return {
        body: [
          ...paragraph(
            `Cast the disk of ${namesOf(model, [page.sender]).join("")} to ${page.targets.room ?? namesOf(model, page.targets.pcs).join(", ")}. It can be stored as an image at the same time:`,
            size.columns,
            "bold",
          ),
          blank,
          [span(" Name of the image: ", "bold"), span(`${page.value}_`, "accent")],
          line("Leave it empty to store no image."),
        ],
        keys: "Enter: continue   Esc: back",
      };
    case "identity": {
      const pc = model.pcs.get(page.pc);
      const all = pc === undefined ? [] : identities(pc);
      return {
        body: [
          ...paragraph(
            `${pc?.name ?? "?"} (${pc?.mac ?? "?"}) has hardware of several known PCs. Which one is it?`,
            size.columns,
            "bold",
          ),
          blank,
          ...all.map(({ text }, index) =>
            line(`${index + 1}  ${text}`, index === page.chosen ? "chosen" : "plain"),
          ),
        ],
        keys: "Arrows or number, Enter: choose   Esc: back",
      };
    }
    case "methods":
      return {
        body: [
          ...paragraph(
            `How are the disks of ${namesOf(model, page.pcs).join(", ")} wiped?`,
            size.columns,
            "bold",
          ),
          blank,
          ...wipeMethods.map(({ text }, index) =>
            line(`${index + 1}  ${text}`, index === page.chosen ? "chosen" : "plain"),
          ),
        ],
        keys: "Arrows or number, Enter: choose   Esc: back",
      };
    case "word":
      return { body: wordRows(page, size), keys: "Word and Enter: go ahead   Esc: change nothing" };
    case "confirm":
      return {
        body: [
          ...paragraph(page.question, size.columns, "bold"),
          blank,
          ...page.warnings.flatMap((warning) => paragraph(warning, size.columns, "warn")),
        ],
        keys: "y: yes   Any other key: back",
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
    return [...title, blank, line("There are no images yet. Capture a PC first, with c.")];
  }
  return [
    ...title,
    blank,
    ...imageList(images, chosen, { columns, lines: lines - 13 }),
    blank,
    ...optionRows(page.options),
  ];
}

/** What a restore will be like, with the keys that change it. */
const optionRows = ({
  delta,
  verify,
  afterwards,
  start,
  personalise,
  fit,
}: RestoreOptions): Row[] =>
  (
    [
      ["d", "send", delta ? "only what differs on each disk" : "everything"],
      ["v", "verify", verify === "written" ? "as written" : "read back from the disk"],
      ["t", "then", afterwards],
      ["a", "start", start === "now" ? "with the PCs that are ready" : "when all are ready"],
      ["o", "own", personalise === "none" ? "nothing: as cast" : "names, addresses and keys"],
      ["f", "fit", fit === "auto" ? "the image to the smallest disk" : "never"],
    ] as const
  ).map(([key, what, how]) => [span(` ${key}  `, "bold"), span(`${cell(what, 8)}${how}`)]);

function overwriteRows(
  model: Model,
  page: Extract<Page, { name: "overwrite" }>,
  { columns, lines }: ScreenSize,
): Row[] {
  const { targets, image, value, refused, from, options } = page;
  const { keys, pcs } = overwrittenPcs(model, targets);
  const word = overwriteWord(model, targets);
  const warnings = image.warnings
    .slice(0, 2)
    .flatMap((warning) => paragraph(warning, columns, "warn").slice(0, 2));
  const ask: Row[] = [
    blank,
    ...paragraph(
      `Written: ${imageName(image)}, ${sizeText(image.usedBytes)} of data from ${image.source}${options.delta ? "; only what differs" : ""}${options.afterwards === "stay" ? "" : `; then ${options.afterwards}`}.`,
      columns,
    ).slice(0, 2),
    ...warnings,
    ...fitSaid(model, targets, image, page.options).lines.flatMap((text) =>
      paragraph(text, columns, "warn").slice(0, 3),
    ),
    ...ownRows(pcs, image, options, { columns, lines }),
    ...orderKeyLines(keys).flatMap((text) => paragraph(text, columns, "warn").slice(0, 3)),
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
    ...shown.map((pc) => targetRow(pc, model, image, columns)),
    ...ask,
  ];
}

/** So many lines of the screen are for the disks, and for all but what a PC gets as its own. */
const otherLines = 16;

/** What each PC becomes, or which names keep it from that. */
function ownRows(
  pcs: readonly PcView[],
  image: ImageView,
  options: RestoreOptions,
  { columns, lines: screenLines }: ScreenSize,
): Row[] {
  if (options.personalise === "none") return [];
  const faults = nameFaults(pcs, options, systemsOn(image.partitions));
  const lines =
    faults.length > 0 ? faults.map(({ what }) => `REFUSED: ${what}`) : personalLines(image);
  const rows = lines.flatMap((text) =>
    text.startsWith(" ")
      ? [line(cell(text, columns - 2))]
      : paragraph(text, columns, faults.length > 0 ? "bad" : "plain").slice(0, 2),
  );
  const limit = Math.max(4, screenLines - otherLines);
  if (rows.length <= limit) return rows;
  const rest =
    faults.length > 0
      ? "and more names that cannot be taken"
      : `and more: \`roomcast image step list ${imageName(image)}\``;
  return [...rows.slice(0, limit - 1), line(rest)];
}

/** One PC, and the disk that will be overwritten there: the one that its agent will choose. */
function targetRow(pc: PcView, model: Model, image: ImageView, columns: number): Row {
  const off = pc.state === "offline" ? "off   " : "";
  // Only the agent knows where the image's data end: it refuses a disk that is too small.
  const { text, refused } = foreseenTarget(pc, model.rooms.values(), {
    named: null,
    failingDisks: [],
    sectors: sectorsOf(image),
  });
  return [
    span(` ${cell(pc.name, 14)} `, "bold"),
    span(cell(`${off}${text}`, columns - 17), refused ? "warn" : "plain"),
  ];
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
            : [line(cell(`Only read, not changed: ${diskLine(page.disk)}`, columns - 2)), blank]),
          field,
          line(known.includes(page.value) ? "This makes a new version; the older ones stay." : ""),
          blank,
          ...paragraph(
            known.length === 0 ? "" : `Existing images: ${known.join(", ")}`,
            columns,
          ).slice(0, 4),
        ],
        keys: "Enter: capture   Esc: back",
      };
    }
    case "create":
      return {
        body: [line("The new room's name:", "bold"), blank, field],
        keys: "Enter: create   Esc: back",
      };
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
          line(isNew ? "This is a new room." : ""),
          blank,
          ...paragraph(`Rooms: ${roomNames(model).join(", ")}`, columns),
        ],
        keys: "Up Down: existing rooms   Ctrl-U: empty   Enter: move   Esc: back",
      };
    }
  }
}
