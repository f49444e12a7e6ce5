/** The console's dialogs. One that destroys data shows which disks, and asks for a typed word. */
import { imageName } from "../../core/image/manifest.ts";
import { diskLine } from "../../core/screen/disk.ts";
import { orderKeyLines } from "../../core/screen/identity.ts";
import { notesLines } from "../../core/screen/image-notes.ts";
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
import { campusRows, elsewhereRows } from "./campus.ts";
import { fieldRow } from "./field-row.ts";
import { fitSaid } from "./fit.ts";
import type { Model } from "./model.ts";
import { writingRows } from "./notes.ts";
import { type ConsoleSpeech, speechOf } from "./speech.ts";
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
  const speech = speechOf(model);
  const { t } = speech;
  switch (page.name) {
    case "images":
      return {
        body: imageRows(model, page, size),
        keys: t("keys.images"),
      };
    case "overwrite":
      return {
        body: overwriteRows(model, page, size),
        keys: t("keys.overwrite"),
      };
    case "campus":
      return { body: campusRows(model, page, size), keys: t("keys.campus") };
    case "elsewhere":
      return { body: elsewhereRows(model, page, size), keys: t("keys.elsewhere") };
    case "disks": {
      const pc = model.pcs.get(page.pc);
      const body = (pc?.disks ?? []).map((disk, index) =>
        line(
          cell(diskLine(disk, speech), size.columns - 2),
          index === page.chosen ? "chosen" : "plain",
        ),
      );
      const title = line(t("ask.disk", { pc: pc?.name ?? "?" }), "bold");
      return { body: [title, blank, ...body], keys: t("keys.choose") };
    }
    case "prompt":
      return promptRows(model, page, size);
    case "store":
      return {
        body: storeRows(model, page.chosen, size),
        keys: t("keys.store"),
      };
    case "notes":
      return { body: writingRows(model, page, size), keys: t("keys.notes") };
    case "room":
      return {
        body: roomPageRows(model, room, page.chosen, size),
        keys: t("keys.room"),
      };
    case "setting":
      return {
        body: [
          line(t("setting.of", { setting: page.key, room: room ?? "?" }), "bold"),
          blank,
          fieldRow(t("field.value"), page.value),
        ],
        keys: t("keys.setting"),
      };
    case "command":
      return {
        body: [
          line(t("ask.command"), "bold"),
          blank,
          fieldRow("roomcast", page.value),
          blank,
          line(t("ask.commandHelp")),
        ],
        keys: t("keys.command"),
      };
    case "cast":
      return {
        body: [
          ...paragraph(
            t("ask.cast", {
              pc: namesOf(model, [page.sender]).join(""),
              whom: page.targets.room ?? namesOf(model, page.targets.pcs).join(", "),
            }),
            size.columns,
            "bold",
          ),
          blank,
          fieldRow(t("field.image"), page.value),
          line(t("ask.castEmpty")),
        ],
        keys: t("keys.continue"),
      };
    case "identity": {
      const pc = model.pcs.get(page.pc);
      const all = pc === undefined ? [] : identities(pc, speech);
      return {
        body: [
          ...paragraph(
            t("ask.identity", { pc: pc?.name ?? "?", mac: pc?.mac ?? "?" }),
            size.columns,
            "bold",
          ),
          blank,
          ...all.map(({ text }, index) =>
            line(`${index + 1}  ${text}`, index === page.chosen ? "chosen" : "plain"),
          ),
        ],
        keys: t("keys.chooseNumber"),
      };
    }
    case "methods":
      return {
        body: [
          ...paragraph(
            t("ask.wipe", { names: namesOf(model, page.pcs).join(", ") }),
            size.columns,
            "bold",
          ),
          blank,
          ...wipeMethods.map((method, index) =>
            line(
              `${index + 1}  ${t(`wipe.${method}`)}`,
              index === page.chosen ? "chosen" : "plain",
            ),
          ),
        ],
        keys: t("keys.chooseNumber"),
      };
    case "word":
      return { body: wordRows(page, speech, size), keys: t("keys.word") };
    case "confirm":
      return {
        body: [
          ...paragraph(page.question, size.columns, "bold"),
          blank,
          ...page.warnings.flatMap((warning) => paragraph(warning, size.columns, "warn")),
        ],
        keys: t("keys.yes"),
      };
  }
}

function imageRows(
  model: Model,
  page: Extract<Page, { name: "images" }>,
  { columns, lines }: ScreenSize,
): Row[] {
  const { targets, chosen } = page;
  const speech = speechOf(model);
  const { t } = speech;
  const images = imagesToChoose(model);
  const names = namesOf(model, targets.pcs);
  const whom = targets.room === null ? names.join(", ") : t("ask.allOf", { room: targets.room });
  const title = paragraph(t("ask.image", { whom }), columns, "bold").slice(0, 2);
  if (images.length === 0) {
    return [...title, blank, line(t("image.none"))];
  }
  const noted = notesRowsOf(images[chosen], speech, columns);
  return [
    ...title,
    blank,
    ...imageList(images, chosen, speech, { columns, lines: lines - 13 - noted.length }),
    blank,
    ...noted,
    ...optionRows(page.options, speech),
  ];
}

/** What staff say of the image that is about to be taken. */
const notesRowsOf = (
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
  ).map(([key, what, how]) => [span(` ${key}  `, "bold"), span(`${cell(t(what), 8)}${t(how)}`)]);

function overwriteRows(
  model: Model,
  page: Extract<Page, { name: "overwrite" }>,
  { columns, lines }: ScreenSize,
): Row[] {
  const { targets, image, value, refused, from, options } = page;
  const speech = speechOf(model);
  const { t, told } = speech;
  const { keys, pcs } = overwrittenPcs(model, targets);
  const word = overwriteWord(model, targets);
  const warnings = image.warnings
    .slice(0, 2)
    .flatMap((warning) => paragraph(told(warning), columns, "warn").slice(0, 2));
  const ask: Row[] = [
    blank,
    ...paragraph(
      t("over.written", {
        ...{ image: imageName(image), size: speech.size(image.usedBytes), source: image.source },
        how: howText(options, speech),
      }),
      columns,
    ).slice(0, 2),
    ...notesRowsOf(image, speech, columns),
    ...warnings,
    ...fitSaid(model, targets, image, page.options).lines.flatMap((text) =>
      paragraph(text, columns, "warn").slice(0, 3),
    ),
    ...ownRows(pcs, image, options, speech, { columns, lines }),
    ...orderKeyLines(keys, speech).flatMap((text) => paragraph(text, columns, "warn").slice(0, 3)),
    fieldRow(t("word.type", { word }), value),
    refused ? line(t("word.wrong", { word }), "warn") : blank,
  ];
  const room = Math.max(1, lines - 6 - ask.length);
  const first = Math.max(0, Math.min(from, pcs.length - room));
  const shown = pcs.slice(first, first + room);
  const more =
    pcs.length > shown.length ? t("range", { from: first + 1, to: first + shown.length }) : "";
  return [
    line(`${t("lost", { count: pcs.length })}${more}:`, "bad"),
    blank,
    ...shown.map((pc) => targetRow(pc, model, image, columns)),
    ...ask,
  ];
}

/** What else is to be known of how it is done. */
const howText = ({ delta, afterwards }: RestoreOptions, { t }: ConsoleSpeech): string =>
  (delta ? t("over.differs") : "") +
  (afterwards === "stay" ? "" : t("over.then", { what: t(`then.${afterwards}`) }));

/** So many lines of the screen are for the disks, and for all but what a PC gets as its own. */
const otherLines = 16;

/** What each PC becomes, or which names keep it from that. */
function ownRows(
  pcs: readonly PcView[],
  image: ImageView,
  options: RestoreOptions,
  speech: ConsoleSpeech,
  { columns, lines: screenLines }: ScreenSize,
): Row[] {
  const { t, told } = speech;
  if (options.personalise === "none") return [];
  const faults = nameFaults(pcs, options, systemsOn(image.partitions));
  const lines =
    faults.length > 0
      ? faults.map(({ what }) => t("over.refused", { why: told(what) }))
      : personalLines(image, speech);
  const rows = lines.flatMap((text) =>
    text.startsWith(" ")
      ? [line(cell(text, columns - 2))]
      : paragraph(text, columns, faults.length > 0 ? "bad" : "plain").slice(0, 2),
  );
  const limit = Math.max(4, screenLines - otherLines);
  if (rows.length <= limit) return rows;
  const rest =
    faults.length > 0 ? t("over.moreNames") : t("over.moreSteps", { image: imageName(image) });
  return [...rows.slice(0, limit - 1), line(rest)];
}

/** One PC, and the disk that will be overwritten there: the one that its agent will choose. */
function targetRow(pc: PcView, model: Model, image: ImageView, columns: number): Row {
  const speech = speechOf(model);
  const off = pc.state === "offline" ? speech.t("over.off") : "";
  // Only the agent knows where the image's data end: it refuses a disk that is too small.
  const request = { named: null, failingDisks: [], sectors: sectorsOf(image) };
  const { text, refused } = foreseenTarget(pc, model.rooms.values(), request, speech);
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
  const speech = speechOf(model);
  const { t } = speech;
  const field = fieldRow(t("field.name"), page.value);
  switch (page.for) {
    case "capture": {
      const known = [...new Set([...model.images.values()].map(({ name }) => name))].sort();
      return {
        body: [
          ...paragraph(t("ask.capture", { names }), columns, "bold"),
          blank,
          ...(page.disk === null
            ? []
            : [
                line(cell(t("ask.onlyRead", { disk: diskLine(page.disk, speech) }), columns - 2)),
                blank,
              ]),
          field,
          line(known.includes(page.value) ? t("image.newVersion") : ""),
          blank,
          ...paragraph(
            known.length === 0 ? "" : t("ask.images", { names: known.join(", ") }),
            columns,
          ).slice(0, 4),
        ],
        keys: t("keys.capture"),
      };
    }
    case "create":
      return {
        body: [line(t("ask.create"), "bold"), blank, field],
        keys: t("keys.create"),
      };
    case "rename":
      return {
        body: [...paragraph(t("ask.rename", { names }), columns, "bold"), blank, field],
        keys: t("keys.rename"),
      };
    case "move": {
      const isNew = page.value !== "" && !model.rooms.has(page.value);
      return {
        body: [
          ...paragraph(t("ask.move", { names }), columns, "bold"),
          blank,
          field,
          line(isNew ? t("ask.newRoom") : ""),
          blank,
          ...paragraph(t("ask.rooms", { names: roomNames(model).join(", ") }), columns),
        ],
        keys: t("keys.move"),
      };
    }
  }
}
