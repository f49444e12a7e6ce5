import { paragraph, type Row, span } from "../../core/screen/row.ts";

/** What is typed, behind its name; of what is too long the end, behind a `~`. */
export function fieldRow(name: string, value: string, columns: number): Row {
  const room = Math.max(2, columns - name.length - 4);
  const shown = value.length <= room ? value : `~${value.slice(1 - room)}`;
  return [span(` ${name} `, "bold"), span(`${shown}_`, "accent")];
}

/** A question, with room for an answer of so many characters: beside it, or else below. */
export const fieldRows = (
  name: string,
  value: string,
  { columns, room }: { readonly columns: number; readonly room: number },
): Row[] =>
  name.length + room + 4 <= columns
    ? [fieldRow(name, value, columns)]
    : [...paragraph(name, columns, "bold"), fieldRow(">", value, columns)];
