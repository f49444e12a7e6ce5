/** The languages in which screens speak to people. */
import { type Static, Type } from "typebox";

export const Language = Type.Union([
  Type.Literal("en"),
  Type.Literal("fr"),
  Type.Literal("es"),
  Type.Literal("pt"),
]);
export type Language = Static<typeof Language>;
