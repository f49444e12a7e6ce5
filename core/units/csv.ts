/** Comma-separated values (RFC 4180), for spreadsheets: a cell that they would take for a formula is text. */
import type { Decoded } from "../errors.ts";

/** What a spreadsheet takes for a formula; of the wide signs, one that is set to East Asian text. */
const formula = /^ *[=+\-@\uff1d\uff0b\uff0d\uff20]/;

/** An apostrophe before the cell makes it text; `plainCell` takes it away again. */
export const safeCell = (text: string): string => (isTaken(text) ? `'${text}` : text);

/** What `safeCell` was given, also where its apostrophe was typed by hand. */
export const plainCell = (text: string): string =>
  text.startsWith("'") && isTaken(text.slice(1)) ? text.slice(1) : text;

/** A cell with an apostrophe before a formula gets another one, so that it comes back as it was. */
const isTaken = (text: string): boolean => formula.test(text.replace(/^'+/, ""));

/** A line without its end. */
export const csvLine = (cells: readonly string[]): string =>
  cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(",");

export interface CsvRow {
  /** The line that it begins on, counted from 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** Lines may end as on any system, and empty ones are left out. */
export function readCsv(text: string): Decoded<readonly CsvRow[]> {
  const rows: CsvRow[] = [];
  let [at, line] = [text.startsWith("\ufeff") ? 1 : 0, 1];
  while (at < text.length) {
    const begin = line;
    const cells: string[] = [];
    for (;;) {
      const cell = cellAt(text, at);
      if (cell === undefined) return { ok: false, reason: `line ${line}: a quote is not closed` };
      line += cell.text.split("\n").length - 1;
      cells.push(cell.text);
      at = cell.end + 1;
      if (text[cell.end] === ",") continue;
      if (text[cell.end] === "\r" && text[at] === "\n") at++;
      else if (text[cell.end] !== "\r" && text[cell.end] !== "\n" && cell.end < text.length)
        return { ok: false, reason: `line ${line}: there is something behind a closing quote` };
      break;
    }
    line++;
    if (cells.length > 1 || cells[0] !== "") rows.push({ line: begin, cells });
  }
  return { ok: true, value: rows };
}

/** The cell that begins there, and the place of what ends it. */
function cellAt(text: string, at: number): { text: string; end: number } | undefined {
  const ends = /[,\r\n]|$/g;
  if (text[at] !== '"') {
    ends.lastIndex = at;
    const end = ends.exec(text)?.index ?? text.length;
    return { text: text.slice(at, end), end };
  }
  const quoted = /"([^"]*(?:""[^"]*)*)"/y;
  quoted.lastIndex = at;
  const found = quoted.exec(text);
  if (found === null) return undefined;
  return { text: (found[1] ?? "").replaceAll('""', '"'), end: quoted.lastIndex };
}
