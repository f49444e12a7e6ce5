/** The dialog that shows which disks a restore will overwrite, what each PC becomes, and asks for a typed word. */
import { imageName } from "../../core/image/manifest.ts";
import { personalLines } from "../../core/screen/personal.ts";
import {
  cell,
  line,
  paragraph,
  type Row,
  type ScreenSize,
  type Style,
  span,
} from "../../core/screen/row.ts";
import { sectorsOf } from "../../core/screen/target.ts";
import { systemsOn } from "../../core/wire/host-names.ts";
import { fitSaid } from "./fit.ts";
import { notesRowsOf } from "./image-rows.ts";
import type { LongPage } from "./long-page.ts";
import { type Losses, lossesOf } from "./losses.ts";
import type { Model } from "./model.ts";
import { type ConsoleSpeech, speechOf } from "./speech.ts";
import {
  nameFaults,
  overwriteWord,
  overwrittenPcs,
  type Page,
  type RestoreOptions,
} from "./state.ts";
import { askRows, factRows, gapOf, wrapParts } from "./word-rows.ts";

/** `size`: what there is of the screen for the page. */
export function overwritePage(
  model: Model,
  page: Extract<Page, { name: "overwrite" }>,
  size: ScreenSize,
): LongPage {
  const { targets, image, value, refused, from, options } = page;
  const { columns, lines } = size;
  const speech = speechOf(model);
  const { t, told } = speech;
  const { keys, pcs } = overwrittenPcs(model, targets);
  const said = (texts: readonly string[], style: Style): Row[] =>
    texts.flatMap((text) => paragraph(text, columns, style));
  // Only the agent knows where the image's data end: it refuses a disk that is too small.
  const request = { named: null, failingDisks: [], sectors: sectorsOf(image) };
  const { warnings, disks, leftOut } = lossesOf(model, pcs, keys, request);
  const faults = nameFaults(pcs, options, systemsOn(image.partitions));
  const text = [
    ...said(
      faults.map(({ what }) => t("over.refused", { why: told(what) })),
      "bad",
    ),
    ...said(warnings, "warn"),
    ...disks.flatMap((disk, index) =>
      diskRows(disk, pcs[index]?.state === "offline", speech, columns),
    ),
    ...said(leftOut, "warn"),
  ];
  const about = [
    ...said(
      [
        t("over.written", {
          ...{ image: imageName(image), size: speech.size(image.usedBytes), source: image.source },
          how: howText(options, speech),
        }),
      ],
      "plain",
    ),
    ...notesRowsOf(image, speech, columns),
    ...said(image.warnings.map(told), "warn"),
    ...said(fitSaid(model, targets, image, options).lines, "warn"),
    ...(options.personalise === "none" || faults.length > 0
      ? []
      : personalLines(image, speech).flatMap((each) =>
          paragraph(each.trimStart(), columns, "plain", each.startsWith(" ") ? 3 : 1),
        )),
  ];
  const title = `${t("lost", { count: pcs.length })}:`;
  const head = [...paragraph(title, columns, "bad"), ...gapOf(size)];
  const gap = gapOf(size);
  const ask = askRows({ word: overwriteWord(model, targets), value, refused }, speech, size);
  // What is written stays below the disks as long as that leaves them half of the page.
  const room = lines - head.length - gap.length - ask.length;
  const stays = about.length <= room - Math.min(text.length, Math.ceil(room / 2));
  return {
    head,
    text: stays ? text : [...text, ...gap, ...about],
    foot: [...gap, ...(stays ? about : []), ...ask],
    from,
  };
}

/** What else is to be known of how it is done. */
const howText = ({ delta, afterwards }: RestoreOptions, { t }: ConsoleSpeech): string =>
  (delta ? t("over.differs") : "") +
  (afterwards === "stay" ? "" : t("over.then", { what: t(`then.${afterwards}`) }));

/** Of a PC's name before its disk; a longer name is above it. */
const nameWidth = 14;
/** On narrower screens the disk hangs below the name. */
const narrow = 60;

/** One PC, and the disk that will be overwritten there: the one that its agent will choose. */
function diskRows(
  { pc, text, needsCare }: Losses["disks"][number],
  isOff: boolean,
  { t }: ConsoleSpeech,
  columns: number,
): Row[] {
  const style = needsCare ? "warn" : "plain";
  const disk = `${isOff ? t("over.off") : ""}${text}`;
  if (columns < narrow) return factRows(`${pc}  ${disk}`, columns, style);
  const isLong = pc.length > nameWidth;
  const texts = wrapParts(disk, columns - nameWidth - 3);
  return [
    ...(isLong ? [line(pc, "bold")] : []),
    ...texts.map((part, index): Row => {
      const name = index === 0 && !isLong ? pc : "";
      return [span(` ${cell(name, nameWidth)} `, "bold"), span(part, style)];
    }),
  ];
}
