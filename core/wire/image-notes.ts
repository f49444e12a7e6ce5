/** What staff write on an image for each other: a few lines that are shown wherever the image is chosen. */
import { Type } from "typebox";
import { printableLines } from "../units/printable.ts";

/** In characters: a page of a terminal, 25 lines of 80. */
export const imageNotesLimit = 2000;

/** As somebody sends them; empty: there are none any more. */
export const ImageNotes = Type.String({ maxLength: imageNotesLimit });

/** As they are kept: lines of what can be seen, without blanks at their ends and empty lines around them. Twice is the same as once. */
export const keptImageNotes = (text: string): string =>
  printableLines(text)
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n")
    .replace(/^\n+|\n+$/g, "");

/** The first line, which says what the image is; empty where there are no notes. */
export const firstImageNote = (notes: string): string => notes.split("\n", 1)[0] ?? "";
