/**
 * What every screen is made of: rows of styled text. A screen is a function from what is known to as
 * many rows as the terminal has lines; `core/node/terminal.ts` puts them there.
 */

/**
 * Styles by meaning; the terminal decides on attributes, and no meaning rests on colour alone. The
 * `block` styles fill a cell where there is colour, and leave the character to be read elsewhere.
 */
export type Style =
  | "plain"
  | "bold"
  | "bar"
  | "chosen"
  | "accent"
  | "good"
  | "warn"
  | "bad"
  | "block"
  | "blockGood"
  | "blockWarn"
  | "blockBad";

export interface Span {
  readonly text: string;
  readonly style: Style;
}

/** One line of the screen, from its left edge; what it does not cover is blank. */
export type Row = readonly Span[];

/** In character cells. */
export interface ScreenSize {
  readonly columns: number;
  readonly lines: number;
}

export const span = (text: string, style: Style = "plain"): Span => ({
  text: consoleText(text),
  style,
});

/** A row of one style, indented by `indent` blanks. */
export const line = (text: string, style: Style = "plain", indent = 1): Row => [
  span(" ".repeat(indent) + text, style),
];

export const blank: Row = [];

const asciiOf: Readonly<Record<string, string>> = {
  "\u2018": "'",
  "\u2019": "'",
  "\u201c": '"',
  "\u201d": '"',
  "\u2013": "-",
  "\u2014": "-",
  "\u2026": "...",
  "\u00d7": "x",
  "\u00b5": "u",
  "\u00a0": " ",
};

/** Letters and signs of western Europe (ISO 8859-1) that a font of a console has, and a row keeps. */
const latin = /[ª«º»¿¡À-ÖØ-öø-ÿ]/;

/**
 * What a console's font has, and nothing that moves the cursor: names and reasons come from
 * machines that we do not control. Other accents are dropped, the rest becomes `?`.
 */
export function consoleText(text: string): string {
  if (/^[ -~]*$/.test(text)) return text;
  let out = "";
  for (const character of text.normalize("NFC")) {
    out += latin.test(character) ? character : plainText(character);
  }
  return out;
}

/** A character of a row, on a terminal that takes ASCII alone: as many cells as before. */
export const asciiCell = (character: string): string =>
  character <= "~" ? character : (cellOf[character] ?? plainText(character).charAt(0));

/** The letters of `latin` that are not another with an accent. */
const cellOf: Readonly<Record<string, string>> = {
  ...{ "«": '"', "»": '"', "¿": "?", "¡": "!", Æ: "A", æ: "a", Ø: "O", ø: "o" },
  ...{ Ð: "D", ð: "d", Þ: "T", þ: "t", ß: "s" },
};

function plainText(text: string): string {
  let out = "";
  for (const character of text.normalize("NFKD")) {
    if (character >= " " && character <= "~") out += character;
    else if (/[\t\n\r]/.test(character)) out += " ";
    else if (!/\p{M}/u.test(character)) out += asciiOf[character] ?? "?";
  }
  return out;
}

/** At most `width` cells of text; `~` marks that there was more. */
export function cut(text: string, width: number): string {
  const shown = consoleText(text);
  if (shown.length <= width) return shown;
  return width <= 0 ? "" : `${shown.slice(0, width - 1)}~`;
}

/** Exactly `width` cells. */
export const cell = (text: string, width: number, align: "left" | "right" = "left"): string => {
  const shown = cut(text, width);
  return align === "left" ? shown.padEnd(width) : shown.padStart(width);
};

/** Blanks at which a line may end: French sets some before a sign that belongs to the word before. */
const breaks = / +(?![:;?!»](?: |$))/;

/** Breaks text at blanks into lines of at most so many columns, at least one; a longer word is broken anywhere. */
export function wrap(text: string, columns: number): string[] {
  const width = Math.max(1, columns);
  const lines: string[] = [];
  let current = "";
  for (let word of consoleText(text).split(breaks)) {
    if (current !== "" && current.length + 1 + word.length > width) {
      lines.push(current);
      current = "";
    }
    while (word.length > width) {
      lines.push(word.slice(0, width));
      word = word.slice(width);
    }
    current += current === "" ? word : ` ${word}`;
  }
  if (current !== "") lines.push(current);
  return lines;
}

/** Wrapped text as rows. */
export const paragraph = (
  text: string,
  columns: number,
  style: Style = "plain",
  indent = 1,
): Row[] => wrap(text, columns - indent - 1).map((part) => line(part, style, indent));

/** The first rows of a text; where there were more, the last of them says so. */
export function atMost(rows: readonly Row[], count: number, columns: number): Row[] {
  if (rows.length <= count) return [...rows];
  const last = rows[count - 1]?.[0] ?? span("");
  const [start = ""] = wrap(last.text.trim(), columns - 6);
  return [...rows.slice(0, count - 1), line(`${start} ...`, last.style)];
}

/** A title in bold, `titleWidth` cells wide, and what is known under it. */
export const factRow = (
  title: string,
  text: string,
  size: { readonly columns: number; readonly titleWidth: number },
  style: Style = "plain",
): Row => [
  span(` ${cell(title, size.titleWidth)}`, "bold"),
  span(cut(text, size.columns - size.titleWidth - 2), style),
];

/** A row in one style over the whole width, `left` and `right` at its ends. */
export function barRow(left: string, right: string, columns: number, style: Style = "bar"): Row {
  const end = right === "" ? "" : ` ${cut(right, columns - 2)} `;
  return [span(` ${cell(left, Math.max(0, columns - end.length - 1))}${end}`, style)];
}

/** Shortens a row to `columns` cells. */
export function fit(row: Row, columns: number): Row {
  let left = columns;
  const out: Span[] = [];
  for (const { text, style } of row) {
    if (left <= 0) break;
    out.push({ text: text.slice(0, left), style });
    left -= text.length;
  }
  return out;
}

/** The text of a row without its styles. */
export const rowText = (row: Row): string => row.map(({ text }) => text).join("");

/**
 * Exactly `size.lines` rows: `header` at the top, `footer` at the bottom, `body` between, cut where
 * there is no room for it.
 */
export function screenful(
  parts: {
    readonly header: readonly Row[];
    readonly body: readonly Row[];
    readonly footer: readonly Row[];
  },
  size: ScreenSize,
): Row[] {
  const header = parts.header.slice(0, size.lines);
  const footer = parts.footer.slice(0, size.lines - header.length);
  const bodyLines = size.lines - header.length - footer.length;
  const body = parts.body.slice(0, bodyLines);
  const filler = Array.from({ length: bodyLines - body.length }, () => blank);
  return [...header, ...body, ...filler, ...footer].map((row) => fit(row, size.columns));
}

/** The part of a list of `count` to show in `room` lines so that `chosen` is among it. */
export function visibleFrom(chosen: number, count: number, room: number): number {
  if (count <= room) return 0;
  return Math.min(Math.max(0, chosen - Math.floor(room / 2)), count - room);
}
