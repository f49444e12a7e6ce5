import { type TSchema, Type } from "typebox";

/** What the schema takes, or null. */
export const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
