import { type Row, span } from "../../core/screen/row.ts";

/** What is typed, behind its name. */
export const fieldRow = (name: string, value: string): Row => [
  span(` ${name} `, "bold"),
  span(`${value}_`, "accent"),
];
