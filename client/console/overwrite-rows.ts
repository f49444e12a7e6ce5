/** The dialog that shows which disks a restore will overwrite, what each PC becomes, and asks for a typed word. */
import { imageName } from "../../core/image/manifest.ts";
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
import { systemsOn } from "../../core/wire/host-names.ts";
import type { ImageView, PcView } from "../../core/wire/views.ts";
import { fieldRow } from "./field-row.ts";
import { fitSaid } from "./fit.ts";
import { notesRowsOf } from "./image-rows.ts";
import type { Model } from "./model.ts";
import { type ConsoleSpeech, speechOf } from "./speech.ts";
import {
  nameFaults,
  overwriteWord,
  overwrittenPcs,
  type Page,
  type RestoreOptions,
} from "./state.ts";

export function overwriteRows(
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
