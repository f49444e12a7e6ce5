/**
 * Which caller may call what. A caller on the local socket is its owner or root, and may do everything;
 * over the network a call carries an operator's token, or the cookie of a browser that is logged in.
 */
import type { FastifyInstance, FastifyRequest } from "fastify";
import { Type } from "typebox";
import { assert, RoomcastError } from "../../core/errors.ts";
import type { CallerRole, LoginView, Role } from "../../core/wire/api.ts";
import type { Logins } from "./logins.ts";
import type { Operators } from "./operators.ts";
import type { CountTry } from "./tries.ts";

/** The caller; `address` is null on the local socket. */
export interface Caller extends LoginView {
  readonly address: string | null;
  /** The server of the campus where it was ordered; null: this one. */
  readonly from: string | null;
  /** The login that its cookie has shown, by its hash; null: another credential. */
  readonly login: string | null;
  /** Whether what it has opened and is still open may stay so. */
  stays(): boolean;
  /** Tells when all that it has open has to end. */
  end(): AbortSignal;
}

declare module "fastify" {
  interface FastifyRequest {
    caller: Caller | null;
  }
  interface FastifyContextConfig {
    /** The role that the route needs. By default a viewer may read, and an operator may change. */
    role?: Role;
    /** True: the page on a room's wall may call it, too. */
    wall?: boolean;
    /** False: the calls of this route are not logged one by one. */
    audit?: boolean;
    /** False: no other server of the campus can order it. Nor what needs an admin. */
    ordered?: false;
    /** True: what it changes is the same at all servers of a campus. */
    everywhere?: true;
  }
}

const rank: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 };

export const changes = (method: string): boolean => method !== "GET" && method !== "HEAD";

/** The least role that may call a route. */
export const roleOf = (method: string, config: { readonly role?: Role }): Role =>
  config.role ?? (changes(method) ? "operator" : "viewer");

/** Of the cookie; a browser takes one of this name over TLS only, from this host alone, and for all paths (RFC 6265bis, 4.1.3). */
export const cookieName = "__Host-roomcast";
/** The same of a wall's login: opened in an operator's browser, a wall leaves the operator's login as it is. */
export const wallCookieName = "__Host-roomcast-wall";

/** Of a route that a wall may call, too: which of the cookies counts. */
export const AsWall = Type.Object({
  wall: Type.Optional(
    Type.String({ description: "the call is that of a wall's page, by the wall's cookie alone" }),
  ),
});

export type Identify = (request: FastifyRequest) => Promise<Caller>;

const never = new AbortController().signal;
/** Of a caller whose call is over before anything about them changes. */
export const always = { stays: () => true, end: () => never };

export const localCaller: Identify = async () => ({
  ...{ name: "local", role: "admin", room: null, until: null, address: null, from: null },
  ...{ login: null, ...always },
});

/**
 * Reads `Authorization: Bearer TOKEN`, or else the cookie. Rejects with `unauthorized`, `too-many` for an address
 * that guesses tokens, and `refused` for a cookie that came along with what another page asked for.
 */
export const networkCaller =
  (operators: Operators, logins: Logins, countTry: CountTry): Identify =>
  async (request) => {
    if (request.headers.authorization === undefined)
      return cookieCaller(request, operators, logins);
    const [, token] = /^Bearer ([!-~]{1,256})$/.exec(request.headers.authorization) ?? [];
    if (token === undefined) throw unauthorized("the call has no operator's token");
    let operator = operators.known(token);
    if (operator === null) {
      await countTry(request);
      operator = await operators.check(token);
    }
    if (operator === null) throw unauthorized("the token belongs to no operator");
    const { name, role } = operator;
    // From this moment on: a change that comes before something is opened ends it, too.
    const change = operators.changeOf(name);
    return {
      ...{ name, role, room: null, until: null, address: request.ip, from: null, login: null },
      ...always,
      end: () => change,
    };
  };

function cookieCaller(request: FastifyRequest, operators: Operators, logins: Logins): Caller {
  const isWall = Object.hasOwn(request.query as object, "wall");
  const secret = request.cookies[isWall ? wallCookieName : cookieName];
  if (secret === undefined) throw unauthorized("the call has no operator's token, and no login");
  requireOwnPage(request);
  const login = logins.use(secret);
  if (login === null) throw unauthorized("the login is over");
  const { hash, name, role, room, until } = login;
  const over = logins.endOf(hash);
  const change = room === null ? operators.changeOf(name) : never;
  const end = (): AbortSignal => AbortSignal.any([over, change]);
  return {
    ...{ name, role, room, until, address: request.ip, from: null, login: hash },
    ...{ stays: () => logins.stays(hash), end },
  };
}

/**
 * A browser adds the cookie to whatever a page asks for. It says which page in `Origin`, with all that changes
 * something and with WebSockets, and in `Sec-Fetch-Site`; that an origin is the server's own is looked at for
 * all calls (`own-names.ts`).
 */
function requireOwnPage(request: FastifyRequest): void {
  const { origin, "sec-fetch-site": site = "none" } = request.headers;
  const needsOrigin = changes(request.method) || request.ws;
  const isOwn = site === "same-origin" || site === "none";
  if (isOwn && (!needsOrigin || origin !== undefined)) return;
  const next = "open the server's own page, or use a token";
  throw new RoomcastError("refused", "a login counts for calls of the server's own page", next);
}

/**
 * Lets a call through only if the caller may make it; `audit` hears of each that changed something, or
 * tried to without being allowed. The caller is null for who has no token that is known.
 */
export function guard(
  app: FastifyInstance,
  identify: Identify,
  audit: (request: FastifyRequest, caller: Caller | null, status: number) => void,
): void {
  app.decorateRequest("caller", null);
  app.addHook("onRequest", async (request) => {
    const caller = await identify(request);
    request.caller = caller;
    const { config } = request.routeOptions;
    const needed = roleOf(request.method, config);
    if (mayCall(caller.role, needed, config.wall === true)) return;
    throw new RoomcastError(
      "refused",
      `${caller.name} is a ${caller.role}, and this needs an ${needed}`,
      `ask an ${needed} to do it, or an admin for that role`,
    );
  });
  app.addHook("onResponse", async (request, reply) => {
    const { audit: isAudited, role } = request.routeOptions.config;
    const isTold = isAudited ?? (changes(request.method) || role !== undefined);
    if (isTold) audit(request, request.caller, reply.statusCode);
  });
}

/** Between two looks at whether a caller may stay, in milliseconds. */
const lookEveryMs = 5000;

/** For what stays open, such as live events: calls `end` once the caller is not let in any more. Answers how to stop that. */
export function whileLetIn({ caller }: FastifyRequest, end: () => void): () => void {
  assert(caller !== null, "the guard knows who calls");
  const over = caller.end();
  if (over.aborted) queueMicrotask(end);
  over.addEventListener("abort", end, { once: true });
  const looks = setInterval(() => {
    if (!caller.stays()) end();
  }, lookEveryMs);
  return () => {
    over.removeEventListener("abort", end);
    clearInterval(looks);
  };
}

const mayCall = (role: CallerRole, needed: Role, isForWalls: boolean): boolean =>
  role === "wall" ? isForWalls : rank[role] >= rank[needed];

const unauthorized = (why: string): RoomcastError =>
  new RoomcastError(
    "unauthorized",
    why,
    "log in at the server's page; or ask an admin to run `roomcast operator add`, and name the token's file with --token-file",
  );
