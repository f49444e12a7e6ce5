/** The pages that ask for a word, or for a yes, before something is done. */
import {
  blank,
  consoleText,
  line,
  paragraph,
  type Row,
  type ScreenSize,
  type Style,
  wrap,
} from "../../core/screen/row.ts";
import { fieldRows } from "./field-row.ts";
import type { LongPage } from "./long-page.ts";
import type { ConsoleSpeech } from "./speech.ts";
import type { Page } from "./state.ts";

/** Lower pages have no blank lines. */
const lowLines = 12;
/** Blanks before all lines of a text but its first. */
const hang = 2;

/** `size`: what there is of the screen for the page. */
export function wordPage(
  { title, warnings, facts, word, value, refused, from }: Extract<Page, { name: "word" }>,
  speech: ConsoleSpeech,
  size: ScreenSize,
): LongPage {
  const { columns } = size;
  return {
    head: [...paragraph(`${title}:`, columns, "bad"), ...gapOf(size)],
    text: [
      ...warnings.flatMap((warning) => paragraph(warning, columns, "warn")),
      ...facts.flatMap((fact) => factRows(fact, columns)),
    ],
    foot: [...gapOf(size), ...askRows({ word, value, refused }, speech, size)],
    from,
  };
}

export function confirmPage(
  { question, warnings, from }: Extract<Page, { name: "confirm" }>,
  size: ScreenSize,
): LongPage {
  const { columns, lines } = size;
  const asked = [...paragraph(question, columns, "bold"), ...gapOf(size)];
  const text = warnings.flatMap((warning) => paragraph(warning, columns, "warn"));
  // Many names leave no room for the rest.
  const stays = asked.length <= lines / 2;
  return {
    head: stays ? asked : [],
    text: stays ? text : [...asked, ...text],
    foot: [],
    from,
  };
}

export const gapOf = ({ lines }: ScreenSize): Row[] => (lines < lowLines ? [] : [blank]);

/** The field for the word, and what is said of another. */
export const askRows = (
  { word, value, refused }: Pick<Extract<Page, { name: "word" }>, "word" | "value" | "refused">,
  { t }: ConsoleSpeech,
  size: ScreenSize,
): Row[] => [
  ...fieldRows(t("word.type", { word }), value, { columns: size.columns, room: word.length }),
  ...(refused ? paragraph(t("word.wrong", { word }), size.columns, "warn") : gapOf(size)),
];

/** A PC and its disk, or what else is a fact: what does not fit in a line hangs below it. */
export const factRows = (fact: string, columns: number, style: Style = "plain"): Row[] =>
  wrapParts(fact, columns - 2 - hang).map((text, index) =>
    line(text, style, index === 0 ? 1 : 1 + hang),
  );

/** Text whose parts stand two blanks apart, in lines of at most `width`: broken between parts where that is enough. */
export function wrapParts(text: string, width: number): string[] {
  const lines: string[] = [];
  let current = "";
  for (const part of consoleText(text).split("  ")) {
    const longer = current === "" ? part : `${current}  ${part}`;
    if (longer.length <= width) {
      current = longer;
      continue;
    }
    if (current !== "") lines.push(current);
    const broken = wrap(part, width);
    lines.push(...broken.slice(0, -1));
    current = broken.at(-1) ?? "";
  }
  return current === "" ? lines : [...lines, current];
}
