/** Grants as the gate seals and checks them: nobody but this start of the server can make one. */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { FastifyRequest } from "fastify";
import { RoomcastError } from "../../core/errors.ts";
import { type Grant, type GrantRole, grantText, readGrant } from "../../core/trust/grant.ts";

export class Grants {
  /** In memory alone: with the process it is gone, and so is every grant. */
  private readonly secret = randomBytes(32);

  seal(grant: Grant): string {
    const text = grantText(grant);
    return `${text}/${createHmac("sha256", this.secret).update(text).digest("base64url")}`;
  }

  /** What a grant says, if it was sealed here; it may be over all the same. */
  open(text: string): Grant | null {
    const read = readGrant(text);
    if (!read.ok) return null;
    const right = Buffer.from(this.seal(read.value));
    const shown = Buffer.from(text);
    return right.length === shown.length && timingSafeEqual(right, shown) ? read.value : null;
  }
}

/** Whether the server still wants what the grant lets its PC do. */
export type Holds = (grant: Grant) => boolean;

/**
 * The grant of this role, for the object that its path names, that the request shows. Throws without one: `unauthorized`
 * (401) without one, `not-granted` (403) with another. Nothing of what there is shows in either.
 */
export function requireGrant(
  request: FastifyRequest,
  role: GrantRole,
  trust: { readonly grants: Grants; readonly holds: Holds } | null,
): Grant {
  const [scheme, text] = request.headers.authorization?.split(" ") ?? [];
  if (scheme?.toLowerCase() !== "bearer" || text === undefined) {
    const next = "the server gives one with each order; boot the PC again from this server";
    throw new RoomcastError("unauthorized", "this needs a grant", next);
  }
  const { id, task, name } = request.params as { id?: string; task?: string; name?: string };
  const grant = trust?.grants.open(text) ?? null;
  const isFor = grant?.role === role && grant.object === (id ?? task ?? name ?? "");
  if (isFor && trust?.holds(grant) === true) return grant;
  const next = "nothing needs to be done: the PC is told when its work is over";
  throw new RoomcastError("not-granted", "the grant is not for this, or it is over", next);
}
