/**
 * Text from elsewhere, made so that it may stand in a line of a terminal, of a log or of a page. Hardware,
 * disks and whoever reaches the server write what they like into names, models and reasons.
 */

/** Blanks of every width, and what ends a line. */
const blanks = /[\p{Z}\t-\r\u0085]/gu;
/**
 * What is no character to be seen: controls (C0, C1, ESC), marks of direction and of no width, private
 * and unassigned code points, lone halves of a pair. Unicode calls a few letters invisible besides.
 */
const unseen = /[\p{C}\p{Default_Ignorable_Code_Point}]/gu;
/** Accents pile up over the lines above: no language has more than two on a letter. */
const flood = /(\p{M}{2})\p{M}+/gu;

/** One line, as long as before or shorter: what is not seen is `?`. Twice is the same as once. */
export const printable = (text: string): string =>
  isPlain(text) ? text : text.replace(blanks, " ").replace(unseen, "?").replace(flood, "$1");

/** ASCII that is seen, and blanks. */
export const isPlain = (text: string): boolean => /^[ -~]*$/.test(text);

/** The same, of each line of a text. */
export const printableLines = (text: string): string => text.split("\n").map(printable).join("\n");

/** The same, of every text in a value as JSON has it; names of fields too. */
export function printableIn<T>(value: T): T {
  if (typeof value === "string") return printable(value) as T;
  if (Array.isArray(value)) return value.map(printableIn) as T;
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(([name, held]) => [printable(name), printableIn(held)]);
  return Object.fromEntries(fields) as T;
}
