/** Against pages of others in an operator's browser: RFC 9110 section 7.2, and the Fetch standard's `Origin`. */
import { isIP } from "node:net";
import type { FastifyInstance } from "fastify";
import { RoomcastError } from "../../core/errors.ts";
import { hostOf } from "../../core/node/pin.ts";

/**
 * Refuses requests that ask for another host than one of `names`, and those that a page of another origin
 * sends. A page that has its own name resolve to this server ("DNS rebinding") says that name; an address
 * in numbers cannot be had by a name, and is let through.
 */
export function holdToOwnNames(app: FastifyInstance, names: readonly string[]): void {
  const own = new Set(names.map((name) => name.toLowerCase()));
  app.addHook("onRequest", async ({ headers }) => {
    const { host = "", origin } = headers;
    const url = URL.canParse(`https://${host}`) ? new URL(`https://${host}`) : null;
    const name = url === null ? "" : hostOf(url);
    if (url === null || (isIP(name) === 0 && !own.has(name))) {
      const next = "use its address, or name it in the configuration: [tls] names";
      throw new RoomcastError("refused", "this server has another name", next);
    }
    if (origin !== undefined && origin !== url.origin) {
      const next = "open the server's own page";
      throw new RoomcastError("refused", "a page of another site may not call this server", next);
    }
  });
}
