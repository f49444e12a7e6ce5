import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from "fastify";
import { RoomcastError } from "../../core/errors.ts";
import type { Grant } from "../../core/trust/grant.ts";
import { requireLength } from "../store/body.ts";
import { requireGrant } from "./grants.ts";
import { type GateRow, gateRows } from "./table.ts";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Of a route of the gate, its rows by HTTP method. */
    gateRows?: Readonly<Record<string, GateRow>>;
  }
  interface FastifyRequest {
    /** Of a route of the gate whose row asks for one: what it was shown, and holds. */
    grant: Grant | null;
  }
}

/**
 * Lets an application have the routes of the table for its port and no others, and holds each request to
 * its row before its body is read: 401 and 403 without the grant that it needs, 429 for too many of one
 * address at once, 413 for a body that is too long.
 */
export function holdToTable(
  app: FastifyInstance,
  port: GateRow["port"],
  trust: Parameters<typeof requireGrant>[2],
): void {
  /** Requests under way, by row and address. */
  const underWay = new Map<string, number>();
  app.decorateRequest("grant", null);

  app.addHook("onRoute", (route) => {
    const rows = Object.fromEntries(
      [route.method].flat().map((method) => [method, rowOf(route, method, port)]),
    );
    route.config = { ...route.config, gateRows: rows };
    const [{ bodyBytes }] = Object.values(rows) as [GateRow];
    if (typeof bodyBytes === "number" && bodyBytes > 0) route.bodyLimit = bodyBytes;
  });

  app.addHook("onRequest", async (request, reply) => {
    const row = request.routeOptions.config.gateRows?.[request.method];
    if (row === undefined) return;
    if (row.role !== null) request.grant = requireGrant(request, row.role, trust);
    const key = `${row.method} ${row.path} ${request.ip}`;
    const count = underWay.get(key) ?? 0;
    if (count >= row.inFlight) {
      const what = `${request.ip} has ${count} of these requests under way already`;
      throw new RoomcastError("too-many", what, "wait for the answers to earlier requests");
    }
    underWay.set(key, count + 1);
    closing(request, reply).once("close", () => {
      const left = (underWay.get(key) ?? 1) - 1;
      if (left === 0) underWay.delete(key);
      else underWay.set(key, left);
    });
    // The body of a link is what it says before its hello: the link looks after that.
    const limit = row.method === "WS" ? 0 : row.bodyBytes;
    if (typeof limit === "number") requireLength(request, limit);
  });
}

/** What is closed when the request is over: a WebSocket's answer never is. */
const closing = (request: FastifyRequest, reply: FastifyReply) =>
  request.ws ? request.raw.socket : reply.raw;

function rowOf(route: RouteOptions, method: string, port: GateRow["port"]): GateRow {
  const wanted = route.websocket === true ? "WS" : method;
  const row = gateRows.find(
    (each) => each.method === wanted && each.path === route.url && each.port === port,
  );
  if (row !== undefined) return row;
  throw new Error(`${wanted} ${route.url} is not in the gate's table for ${port}`);
}
