/** An order of a campus: a call of the API that one server does for an operator of another one. */
import { type Static, Type } from "typebox";
import { nullable } from "./nullable.ts";

/** The header of a call that names the server which shall do it. */
export const serverHeader = "roomcast-server";

/** Of its body, in bytes. */
export const orderBytesLimit = 1024 * 1024;
/** Of its answer, in bytes. */
export const answerBytesLimit = 4 * 1024 * 1024;

/** A host's name, or what the configuration says. */
const ServerName = Type.String({ pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$" });

/** What is asked, and for whom. */
export const OrderedCall = Type.Object({
  /** At the server that gives the order. */
  operator: Type.String({ pattern: "^[A-Za-z0-9._-]{1,63}$" }),
  /** What needs an admin is never ordered. */
  role: Type.Union([Type.Literal("viewer"), Type.Literal("operator")]),
  method: Type.Union([
    Type.Literal("GET"),
    Type.Literal("POST"),
    Type.Literal("PUT"),
    Type.Literal("PATCH"),
    Type.Literal("DELETE"),
  ]),
  /** With its query, without the API's prefix. */
  path: Type.String({ pattern: "^/[!-~]{0,4095}$" }),
  /** JSON; null: it has none. */
  body: nullable(Type.String({ maxLength: orderBytesLimit })),
});
export type OrderedCall = Static<typeof OrderedCall>;

export const CampusOrder = Type.Object({
  ...OrderedCall.properties,
  id: Type.String({ pattern: "^[0-9a-f]{32}$" }),
  /** The server that gives it. */
  from: ServerName,
  /** The server that shall do it. */
  to: ServerName,
});
export type CampusOrder = Static<typeof CampusOrder>;

/** As of HTTP. */
export interface OrderAnswer {
  readonly status: number;
  /** The type of its content; null: it has none. */
  readonly type: string | null;
  readonly body: string;
}
