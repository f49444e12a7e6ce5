import type { FastifyRequest } from "fastify";
import type { Subjects } from "../lab/announcer.ts";
import type { Lab } from "../lab/lab.ts";
import type { Caller } from "./access.ts";

/** Longest value of a call in the log, in characters; longer ones are cut. */
const valueLimit = 80;
/** Values of fields with such a name are never logged: they are secret, or may have secrets in them. */
export const secret = /pin|token|secret$|password|script|^text$/i;

/**
 * A call as a line of the history: who did what, with which values, and how it was answered. `elsewhere`: the other
 * server of the campus that was to do it; what it is about is there.
 */
export function auditLine(
  lab: Lab,
  request: FastifyRequest,
  caller: Caller,
  status: number,
  elsewhere: string | null,
): { readonly about: Subjects; readonly text: string } {
  const { schema, url = "" } = request.routeOptions;
  const what = (schema as { summary?: string } | undefined)?.summary ?? `${request.method} ${url}`;
  const refused = status < 400 ? "" : ` (refused: ${status})`;
  const from = caller.address === null ? "" : ` from ${caller.address}`;
  return {
    about:
      elsewhere !== null
        ? {}
        : {
            ...subjectsIn(lab, request.body),
            ...subjectOf(lab, url, request.params as Record<string, string>),
          },
    text: `${caller.name}${from}: ${what}${elsewhere === null ? "" : ` at ${elsewhere}`}${valuesOf(request.body)}${refused}`,
  };
}

function subjectOf(lab: Lab, url: string, params: Readonly<Record<string, string>>): Subjects {
  const { id = null, name = null } = params;
  if (id !== null && url.includes("/pcs/")) return { pc: lab.inventory.idIfOne(id) };
  if (id !== null && url.includes("/images/")) return { image: lab.images.nameOf(id) };
  if (id !== null && url.includes("/sessions/")) return lab.sessions.has(id) ? { session: id } : {};
  if (name !== null && url.includes("/rooms/")) return { room: name };
  return {};
}

/** The image, room or PC that the call names. */
function subjectsIn(lab: Lab, body: unknown): Subjects {
  const { room, image, pc } = (body ?? {}) as Readonly<Record<string, unknown>>;
  return {
    ...(typeof room === "string" ? { room } : {}),
    ...(typeof image === "string" ? { image: lab.images.nameOf(image) } : {}),
    ...(typeof pc === "string" ? { pc: lab.inventory.idIfOne(pc) } : {}),
  };
}

function valuesOf(body: unknown): string {
  if (typeof body !== "object" || body === null || ArrayBuffer.isView(body)) return "";
  const told = Object.entries(body)
    .filter(([key, value]) => key !== "overwrite" && value !== null)
    .map(([key, value]) => {
      const text = secret.test(key)
        ? "…"
        : typeof value === "string"
          ? value
          : JSON.stringify(value);
      return `${key}=${text.slice(0, valueLimit)}`;
    });
  return told.length === 0 ? "" : `, ${told.join(" ")}`;
}
