/**
 * What a grant says: what one PC may ask for over HTTP. As text it names all of that and ends with a
 * seal that only the server can make (`server/gate/grants.ts`).
 */
import { assert, type Decoded } from "../errors.ts";

/** What an order lets its PC do. */
const workRoles = ["image", "upload", "send", "receive"] as const;
export type WorkRole = (typeof workRoles)[number];

/** Part of an order: holds for as long as the server wants that attempt of the PC. */
export interface WorkGrant {
  readonly role: WorkRole;
  /** Ids and names have no `/`. */
  readonly pc: string;
  readonly session: string;
  readonly attempt: number;
  /** The image's id, or the session's. */
  readonly object: string;
}

const fieldCount = 5;

/** A grant without its seal. */
export function grantText({ role, pc, session, attempt, object }: WorkGrant): string {
  const text = [role, pc, session, attempt, object].join("/");
  assert(text.split("/").length === fieldCount, "no field of a grant has a /");
  return text;
}

/** Reads a grant with its seal. Whether the seal is right, and the grant still holds, is for others to say. */
export function readGrant(text: string): Decoded<WorkGrant> {
  const fields = text.split("/");
  if (fields.length !== fieldCount + 1) return { ok: false, reason: "it has not a grant's fields" };
  const [role, pc, session, attempt, object] = fields as [string, string, string, string, string];
  if (!isWorkRole(role)) return { ok: false, reason: "it is for nothing that there is" };
  return { ok: true, value: { role, pc, session, attempt: Number(attempt), object } };
}

const isWorkRole = (role: string): role is WorkRole =>
  (workRoles as readonly string[]).includes(role);
