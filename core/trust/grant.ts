/**
 * What a grant says: what one PC may ask for over HTTP. As text it names all of that and ends with a
 * seal that only the server can make (`server/gate/grants.ts`).
 */
import { assert, type Decoded } from "../errors.ts";

/** What an order lets its PC do. */
const workRoles = ["image", "upload", "send", "receive", "personal"] as const;
export type WorkRole = (typeof workRoles)[number];

/** What a person looks at on the PC's screen, without an order. */
const viewRoles = ["list", "targets", "check"] as const;
export type ViewRole = (typeof viewRoles)[number];

export type GrantRole = WorkRole | ViewRole;

/** Part of an order: holds for as long as the server wants that attempt of the PC. */
export interface WorkGrant {
  readonly role: WorkRole;
  readonly pc: string;
  readonly session: string;
  readonly attempt: number;
  /** The image's id, or the session's. */
  readonly object: string;
}

/** Given on request: holds for some minutes, while the PC is connected. */
export interface ViewGrant {
  readonly role: ViewRole;
  readonly pc: string;
  /** In milliseconds of the lab's time. */
  readonly until: number;
  /** Of `targets` the room; else empty. */
  readonly object: string;
}

export type Grant = WorkGrant | ViewGrant;

/** A grant without its seal. No id and no name in it has a `/`. */
export function grantText(grant: Grant): string {
  const { role, pc, object } = grant;
  const term = "until" in grant ? [grant.until] : [grant.session, grant.attempt];
  const fields = [role, pc, ...term, object];
  const text = fields.join("/");
  assert(text.split("/").length === fields.length, "no field of a grant has a /");
  return text;
}

/** Reads a grant with its seal. Whether the seal is right, and the grant still holds, is for others to say. */
export function readGrant(text: string): Decoded<Grant> {
  const fields = text.split("/");
  const [role = "", pc = ""] = fields;
  if (isOneOf(workRoles, role) && fields.length === 6) {
    const [, , session = "", attempt, object = ""] = fields;
    return { ok: true, value: { role, pc, session, attempt: Number(attempt), object } };
  }
  if (isOneOf(viewRoles, role) && fields.length === 5) {
    const [, , until, object = ""] = fields;
    return { ok: true, value: { role, pc, until: Number(until), object } };
  }
  return { ok: false, reason: "it has not the fields of a grant" };
}

const isOneOf = <T extends string>(roles: readonly T[], role: string): role is T =>
  (roles as readonly string[]).includes(role);
