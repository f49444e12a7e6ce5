import type { FastifyRequest } from "fastify";
import { Type } from "typebox";
import { assert } from "../../core/errors.ts";
import { PairingCode } from "../../core/wire/login.ts";
import { nullable } from "../../core/wire/nullable.ts";
import type { OrderedBy } from "../lab/admissions.ts";
import { Reference } from "./schemas.ts";

/**
 * In a call that orders: the PCs that its caller was shown as never placed before, each with its code.
 * The order places these and no others; without the list it places all that it names.
 */
export const Shown = Type.Optional(
  Type.Array(
    Type.Object({ pc: Reference, code: nullable(PairingCode) }, { additionalProperties: false }),
    { maxItems: 1000 },
  ),
);
type Shown = readonly { readonly pc: string; readonly code: string | null }[];

/** Who calls. */
export function operatorOf({ caller }: Pick<FastifyRequest, "caller">): string {
  assert(caller !== null, "the guard knows who calls");
  return caller.name;
}

export const orderedBy = (request: Pick<FastifyRequest, "caller">, shown?: Shown): OrderedBy => ({
  operator: operatorOf(request),
  shown: shown === undefined ? null : new Map(shown.map(({ pc, code }) => [pc, code])),
});
