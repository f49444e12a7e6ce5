/** Letters to be read from across the room. */
import { asciiCell, blank, cut, line, type Row, type ScreenSize, type Style, span } from "./row.ts";

/** Rows from the top, parted by blanks; five cells each. */
const glyphs: Readonly<Record<string, string>> = {
  A: ".###. #...# #...# ##### #...# #...# #...#",
  B: "####. #...# #...# ####. #...# #...# ####.",
  C: ".###. #...# #.... #.... #.... #...# .###.",
  D: "####. #...# #...# #...# #...# #...# ####.",
  E: "##### #.... #.... ####. #.... #.... #####",
  F: "##### #.... #.... ####. #.... #.... #....",
  G: ".###. #...# #.... #.### #...# #...# .###.",
  H: "#...# #...# #...# ##### #...# #...# #...#",
  I: ".###. ..#.. ..#.. ..#.. ..#.. ..#.. .###.",
  J: "..### ...#. ...#. ...#. ...#. #..#. .##..",
  K: "#...# #..#. #.#.. ##... #.#.. #..#. #...#",
  L: "#.... #.... #.... #.... #.... #.... #####",
  M: "#...# ##.## #.#.# #.#.# #...# #...# #...#",
  N: "#...# ##..# ##..# #.#.# #..## #..## #...#",
  O: ".###. #...# #...# #...# #...# #...# .###.",
  P: "####. #...# #...# ####. #.... #.... #....",
  Q: ".###. #...# #...# #...# #.#.# #..#. .##.#",
  R: "####. #...# #...# ####. #.#.. #..#. #...#",
  S: ".#### #.... #.... .###. ....# ....# ####.",
  T: "##### ..#.. ..#.. ..#.. ..#.. ..#.. ..#..",
  U: "#...# #...# #...# #...# #...# #...# .###.",
  V: "#...# #...# #...# #...# .#.#. .#.#. ..#..",
  W: "#...# #...# #...# #.#.# #.#.# ##.## #...#",
  X: "#...# #...# .#.#. ..#.. .#.#. #...# #...#",
  Y: "#...# #...# .#.#. ..#.. ..#.. ..#.. ..#..",
  Z: "##### ....# ...#. ..#.. .#... #.... #####",
  0: ".###. #...# #..## #.#.# ##..# #...# .###.",
  1: "..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###.",
  2: ".###. #...# ....# ...#. ..#.. .#... #####",
  3: ".###. #...# ....# ..##. ....# #...# .###.",
  4: "...#. ..##. .#.#. #..#. ##### ...#. ...#.",
  5: "##### #.... ####. ....# ....# #...# .###.",
  6: ".###. #.... #.... ####. #...# #...# .###.",
  7: "##### ....# ...#. ..#.. ..#.. .#... .#...",
  8: ".###. #...# #...# .###. #...# #...# .###.",
  9: ".###. #...# #...# .#### ....# ....# .###.",
  "%": "##..# ##..# ...#. ..#.. .#... #..## #..##",
  "-": "..... ..... ..... .###. ..... ..... .....",
  _: "..... ..... ..... ..... ..... ..... #####",
  ".": "..... ..... ..... ..... ..... .##.. .##..",
  "!": "..#.. ..#.. ..#.. ..#.. ..#.. ..... ..#..",
};

const glyphColumns = 5;
export const glyphLines = 7;
const gapColumns = 1;

/**
 * `text` in block letters, as large as `size` allows, centred. Where not even the smallest fit, an
 * ordinary line. Letters have no accents at this size; characters that there is no letter for are left blank.
 */
export function bigLetters(text: string, size: ScreenSize, style: Style): Row[] {
  const letters = [...text.toUpperCase()].map((letter) => glyphOf(asciiCell(letter)));
  const columns =
    letters.reduce((sum, [top = ""]) => sum + top.length, 0) + (letters.length - 1) * gapColumns;
  const scale = Math.min(Math.floor(size.columns / columns), Math.floor(size.lines / glyphLines));
  if (scale < 1) return [line(cut(text, size.columns - 2), "bold", 1)];
  const indent = Math.floor((size.columns - columns * scale) / 2);
  const rows: Row[] = [];
  for (let y = 0; y < glyphLines; y++) {
    const cells = letters.map((glyph) => glyph[y]).join(".".repeat(gapColumns));
    const row = rowOf(cells, scale, indent, style);
    for (let copy = 0; copy < scale; copy++) rows.push(row);
  }
  return rows;
}

/** A letter's rows without the columns at its sides that nothing is in. Digits stay as wide as each other: they count. */
function glyphOf(letter: string): string[] {
  const rows = glyphs[letter]?.split(" ");
  if (rows === undefined) return Array.from({ length: glyphLines }, () => "..");
  if (letter >= "0" && letter <= "9") return rows;
  const first = Math.min(
    ...rows.map((row) => (row.includes("#") ? row.indexOf("#") : glyphColumns)),
  );
  const last = Math.max(...rows.map((row) => row.lastIndexOf("#")));
  return rows.map((row) => row.slice(first, last + 1));
}

/** Runs of `#` in the given style, runs of anything else blank. */
function rowOf(cells: string, scale: number, indent: number, style: Style): Row {
  const runs = cells.match(/#+|[^#]+/g) ?? [];
  if (!cells.includes("#")) return blank;
  return [
    span(" ".repeat(indent)),
    ...runs.map((run) =>
      run.startsWith("#")
        ? span("#".repeat(run.length * scale), style)
        : span(" ".repeat(run.length * scale)),
    ),
  ];
}
