/**
 * Who may call what. Whoever reaches the local socket is its owner or root, and may do everything;
 * over the network a call carries an operator's token.
 */
import rateLimit from "@fastify/rate-limit";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { RoomcastError } from "../../core/errors.ts";
import type { Role } from "../../core/wire/api.ts";
import type { Operators } from "./operators.ts";

/** Who calls; `address` is null on the local socket. */
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
    /** Who may call the route; else a viewer may read and an operator may change. */
    role?: Role;
    /** False: the calls of this route are not written down one by one. */
    audit?: boolean;
  }
}

const rank: Readonly<Record<Role, number>> = { viewer: 0, operator: 1, admin: 2 };

export const changes = (method: string): boolean => method !== "GET" && method !== "HEAD";

/** The least role that may call a route. */
export const roleOf = (method: string, config: { readonly role?: Role }): Role =>
  config.role ?? (changes(method) ? "operator" : "viewer");

/** Tokens that one address may have checked a minute: a few for people, too few for guessing. */
const triesPerMinute = 20;

export type Identify = (request: FastifyRequest) => Promise<Caller>;

export const localCaller: Identify = async () => ({ name: "local", role: "admin", address: null });

/** Reads `Authorization: Bearer TOKEN`. Rejects with `unauthorized`, and `too-many` from who guesses. */
export async function tokenCaller(app: FastifyInstance, operators: Operators): Promise<Identify> {
  await app.register(rateLimit, { global: false });
  const countTry = app.createRateLimit({ max: triesPerMinute, timeWindow: 60_000 });
  return async (request) => {
    const [, token] = /^Bearer ([!-~]{1,256})$/.exec(request.headers.authorization ?? "") ?? [];
    if (token === undefined) throw unauthorized("the call carries no operator's token");
    let operator = operators.known(token);
    if (operator === null) {
      const tries = await countTry(request);
      if (!tries.isAllowed && tries.isExceeded) {
        throw new RoomcastError(
          "too-many",
          "too many tokens were tried from this address",
          `wait ${tries.ttlInSeconds} s`,
        );
      }
      operator = await operators.check(token);
    }
    if (operator === null) throw unauthorized("the token is not, or no longer, an operator's");
    return { name: operator.name, role: operator.role, address: request.ip };
  };
}

/**
 * Lets a call of the application's routes through only from who may make it; `audit` is told of each
 * that changed something, or tried to without being allowed.
 */
export function guard(
  app: FastifyInstance,
  identify: Identify,
  audit: (request: FastifyRequest, caller: Caller, status: number) => void,
): void {
  app.decorateRequest("caller", null);
  app.addHook("onRequest", async (request) => {
    const caller = await identify(request);
    request.caller = caller;
    const needed = roleOf(request.method, request.routeOptions.config);
    if (rank[caller.role] >= rank[needed]) return;
    throw new RoomcastError(
      "refused",
      `${caller.name} is a ${caller.role}, and this takes an ${needed}`,
      "ask someone who is, or an admin for that role",
    );
  });
  app.addHook("onResponse", async (request, reply) => {
    const { audit: isAudited, role } = request.routeOptions.config;
    const isTold = isAudited ?? (changes(request.method) || role !== undefined);
    if (isTold && request.caller !== null) audit(request, request.caller, reply.statusCode);
  });
}

const unauthorized = (why: string): RoomcastError =>
  new RoomcastError(
    "unauthorized",
    why,
    "have an admin run `roomcast operator add`, and name the token's file with --token-file",
  );
