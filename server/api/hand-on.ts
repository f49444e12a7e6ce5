/** Hands calls on to the server of the campus that the caller names: an order, which that one does as a call of its own. */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { assert, RoomcastError } from "../../core/errors.ts";
import { whenClosed } from "../../core/node/when-closed.ts";
import { printable } from "../../core/units/printable.ts";
import { type OrderedCall, serverHeader } from "../../core/wire/campus-order.ts";
import { roleOf } from "./access.ts";
import { secret } from "./audit.ts";
import { addressOf, type CampusRoutesPorts } from "./campus-routes.ts";

const prefix = "/api/v1";
/** Of a name that a caller gives, in characters. */
const nameLimit = 253;

/** The other server that shall do this call; null: this one. */
export function askedOf(
  { headers, caller, is404 }: FastifyRequest,
  campus: CampusRoutesPorts | null,
): string | null {
  const name = headers[serverHeader];
  if (name === undefined || is404 || caller?.from !== null) return null;
  const server = printable(String(name)).slice(0, nameLimit);
  return server === campus?.rooms.server ? null : server;
}

/** After the guard: a caller orders elsewhere what they may do here. */
export function handOn(app: FastifyInstance, campus: CampusRoutesPorts | null): void {
  app.addHook("onRequest", async (request) => {
    const to = askedOf(request, campus);
    const from = request.caller?.from ?? null;
    if (to === null && from === null) return;
    requireCampus(campus);
    requireOrderable(request, campus, to ?? campus.rooms.server);
  });
  app.addHook("preValidation", async (request, reply) => {
    const { caller, body } = request;
    const to = askedOf(request, campus);
    if (to === null && (caller?.from ?? null) === null) return;
    requireCampus(campus);
    requireNoSecret(body, campus, to ?? campus.rooms.server);
    if (to === null) return;
    const gone = new AbortController();
    whenClosed(reply.raw, () => gone.abort());
    const answer = await campus.orders.order(to, callOf(request), gone.signal);
    reply.code(answer.status);
    if (answer.type !== null) reply.type(answer.type);
    return reply.send(answer.body === "" ? undefined : answer.body);
  });
}

function callOf({ caller, method, url, body }: FastifyRequest): OrderedCall {
  assert(caller !== null, "the guard knows who calls");
  return {
    operator: caller.name,
    role: caller.role === "viewer" ? "viewer" : "operator",
    method: method as OrderedCall["method"],
    path: url.slice(prefix.length),
    body: body === undefined || body === null ? null : JSON.stringify(body),
  };
}

function requireCampus(campus: CampusRoutesPorts | null): asserts campus is CampusRoutesPorts {
  if (campus !== null) return;
  throw new RoomcastError(
    "refused",
    "this server belongs to no campus, and can ask no other one",
    "call the other server itself; or see docs/several-servers.md",
  );
}

/** Throws `not-found` for a server that is not there, and `refused` for what is to be asked of the server itself. */
function requireOrderable(
  { caller, method, routeOptions: { config, schema } }: FastifyRequest,
  campus: CampusRoutesPorts,
  to: string,
): void {
  const { summary = "it" } = (schema ?? {}) as { summary?: string };
  const needsAdmin = roleOf(method, config) === "admin";
  if (caller?.from === null) campus.orders.serverNamed(to);
  if (config.everywhere === true && needsAdmin) throw atAny(summary, to);
  if (needsAdmin) throw atItself(`${summary}: what needs an admin`, campus, to);
  if (config.ordered === false || caller?.role === "wall")
    throw atItself(`${summary}: this`, campus, to);
}

/** What goes through the campus's database can be read there. */
function requireNoSecret(body: unknown, campus: CampusRoutesPorts, to: string): void {
  if (typeof body !== "object" || body === null) return;
  for (const [field, value] of Object.entries(body))
    if (value !== null && secret.test(field))
      throw atItself(`${field} is a secret: it`, campus, to);
}

/** Operators and SSH keys. */
const atAny = (what: string, to: string): RoomcastError =>
  new RoomcastError(
    "refused",
    `${what}: the servers of the campus have one list, which is the same at ${to} as here`,
    `do it here: leave out --server-name, or the header ${serverHeader}`,
  );

const atItself = (what: string, campus: CampusRoutesPorts, to: string): RoomcastError =>
  new RoomcastError(
    "refused",
    `${what} cannot be asked of ${to} through another server of the campus`,
    `ask ${to} itself, where your token and password count as they do here${addressOf(campus, to)}`,
  );
