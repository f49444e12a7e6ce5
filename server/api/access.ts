/**
 * Which caller may call what. A caller on the local socket is its owner or root, and may do everything;
 * over the network a call carries an operator's token.
 */
import rateLimit from "@fastify/rate-limit";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { RoomcastError } from "../../core/errors.ts";
import type { Role } from "../../core/wire/api.ts";
import type { Operators } from "./operators.ts";

/** The caller; `address` is null on the local socket. */
export interface Caller {
  readonly name: string;
  readonly role: Role;
  readonly address: string | null;
}

declare module "fastify" {
  interface FastifyRequest {
    caller: Caller | null;
  }
  interface FastifyContextConfig {
    /** The role that the route needs. By default a viewer may read, and an operator may change. */
    role?: Role;
    /** False: the calls of this route are not logged one by one. */
    audit?: boolean;
  }
}

const rank: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 };

export const changes = (method: string): boolean => method !== "GET" && method !== "HEAD";

/** The least role that may call a route. */
export const roleOf = (method: string, config: { readonly role?: Role }): Role =>
  config.role ?? (changes(method) ? "operator" : "viewer");

/** How many tokens one address may try in a minute: enough for people, too few for guessing. */
const triesPerMinute = 20;

export type Identify = (request: FastifyRequest) => Promise<Caller>;

export const localCaller: Identify = async () => ({ name: "local", role: "admin", address: null });

/** Reads `Authorization: Bearer TOKEN`. Rejects with `unauthorized`, or `too-many` for an address that guesses. */
export async function tokenCaller(app: FastifyInstance, operators: Operators): Promise<Identify> {
  await app.register(rateLimit, { global: false });
  const countTry = app.createRateLimit({ max: triesPerMinute, timeWindow: 60_000 });
  return async (request) => {
    const [, token] = /^Bearer ([!-~]{1,256})$/.exec(request.headers.authorization ?? "") ?? [];
    if (token === undefined) throw unauthorized("the call has no operator's token");
    let operator = operators.known(token);
    if (operator === null) {
      const tries = await countTry(request);
      if (!tries.isAllowed && tries.isExceeded) {
        throw new RoomcastError(
          "too-many",
          "too many tokens were tried from this address",
          `try again in ${tries.ttlInSeconds} s`,
        );
      }
      operator = await operators.check(token);
    }
    if (operator === null) throw unauthorized("the token belongs to no operator");
    return { name: operator.name, role: operator.role, address: request.ip };
  };
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
    const needed = roleOf(request.method, request.routeOptions.config);
    if (rank[caller.role] >= rank[needed]) return;
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

const unauthorized = (why: string): RoomcastError =>
  new RoomcastError(
    "unauthorized",
    why,
    "ask an admin to run `roomcast operator add`, and name the token's file with --token-file",
  );
