/** The three HTTP applications of the server, and all that can be reached in them. */
import type { IncomingMessage } from "node:http";
import type { ServerOptions } from "node:https";
import cookie from "@fastify/cookie";
import websocket from "@fastify/websocket";
import fastify, { type FastifyInstance, type FastifyRequest, LogController } from "fastify";
import type { CampusOrder, OrderAnswer } from "../core/wire/campus-order.ts";
import { holdBrowsers } from "./answer-headers.ts";
import { type Identify, localCaller, networkCaller } from "./api/access.ts";
import { answerError, noCall } from "./api/errors.ts";
import { doorRoutes } from "./api/login-routes.ts";
import { metricsRoute } from "./api/metrics-route.ts";
import { oidcRoutes } from "./api/oidc-routes.ts";
import { OrderedCalls } from "./api/ordered-calls.ts";
import { type ApiPorts, apiRoutes } from "./api/routes.ts";
import { countTries } from "./api/tries.ts";
import { compiledOnce } from "./compiled-schemas.ts";
import type { BootRoutesOptions } from "./gate/boot/boot-routes.ts";
import { bootGate, type GatePorts, gate } from "./gate/gate.ts";
import { holdToTable } from "./gate/hold-to-table.ts";
import { holdToOwnNames } from "./gate/own-names.ts";
import { pageRoutes } from "./gate/page-routes.ts";
import { limitPipelines } from "./gate/pipelines.ts";
import { cutStalled } from "./gate/stalled.ts";
import { betweenMs, headersMs, limitStrangers, lookEveryMs } from "./gate/strangers.ts";
import type { Log } from "./host/log.ts";
import { RareLine, troubleLines } from "./lab/rare-line.ts";

/** Of a WebSocket's frame, in bytes: a bitmap over the largest index has 2 MiB. */
const frameLimit = 4 * 1024 * 1024;
/** A request that is not here in this time is cut off, in milliseconds: Node's own time, which fastify would lift. */
const requestLimitMs = 300_000;

/** A part of the application that is not ready in this time never will be, in milliseconds. */
const pluginLimitMs = 120_000;

/** An application without routes yet; with `tls`, for HTTPS. */
export function application(log: Log, tls: ServerOptions | null = null): FastifyInstance {
  /** Of the routes that are WebSockets. */
  const paths: RegExp[] = [];
  const listener = {
    connectionsCheckingInterval: lookEveryMs,
    // RFC 9110 section 7.8: whoever wants another protocol, or this one elsewhere, is answered in HTTP.
    shouldUpgradeCallback: ({ method, headers, url = "" }: IncomingMessage) =>
      method === "GET" &&
      headers.upgrade?.toLowerCase() === "websocket" &&
      paths.some((path) => path.test(url)),
  };
  const app = fastify({
    ...(tls === null ? { http: listener } : { https: { ...tls, ...listener } }),
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    // What does not fit is refused, not bent: a null must not become an empty string.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
    schemaController: { compilersFactory: compiledOnce },
    forceCloseConnections: true,
    // On a slow or busy host its modules alone take longer than the usual 10 s.
    pluginTimeout: pluginLimitMs,
    requestTimeout: requestLimitMs,
    keepAliveTimeout: betweenMs,
    // What can be reached is what is registered by name.
    exposeHeadRoutes: false,
  }) as unknown as FastifyInstance;
  app.server.headersTimeout = headersMs;
  app.addHook("onRoute", ({ websocket: isSocket, url }) => {
    if (isSocket === true) paths.push(new RegExp(`^${url.replace(/:[^/]+/g, "[^/?]+")}(\\?|$)`));
  });
  app.setErrorHandler(answerError);
  // What is there says how long a body may be; of what is not, none is read.
  app.addHook("preParsing", async (request) => {
    const { "content-length": length, "transfer-encoding": coding } = request.headers;
    if (request.is404 && (length ?? coding) !== undefined) throw noCall(request);
  });
  return app;
}

/** For the lab's network in clear: boot files, and nothing else. */
export async function bootApplication(
  app: FastifyInstance,
  boot: BootRoutesOptions,
): Promise<FastifyInstance> {
  limitPipelines(app);
  // Whoever boots is a stranger, and stays one.
  limitStrangers(app, () => false);
  cutStalled(app);
  await app.register(bootGate(boot));
  return app;
}

export interface NetworkSides {
  readonly api: ApiPorts;
  readonly gate: GatePorts;
  /** By which the server may be called. */
  readonly names: readonly string[];
  /** Of the page's files. */
  readonly pageFolder: string;
}

/** For the lab's network over TLS: gate, page and login, which need no token, and the operators' API, which does. */
export async function networkApplication(
  app: FastifyInstance,
  { api, gate: gatePorts, names, pageFolder }: NetworkSides,
): Promise<FastifyInstance> {
  limitPipelines(app);
  limitStrangers(app, isLetIn);
  cutStalled(app);
  // First of those that refuse: it ends the connection of an upgrade that was refused, if it has seen that.
  await registerWebSockets(app);
  holdBrowsers(app);
  holdToOwnNames(app, names);
  await app.register(cookie);
  await app.register(gate(gatePorts));
  const { operators, logins } = api;
  const tries = await countTries(app);
  await app.register(async (door) => {
    holdToTable(door, "https", null);
    await pageRoutes(door, pageFolder);
    await door.register(doorRoutes(api, tries), { prefix: "/api/v1" });
    await door.register(oidcRoutes(api, tries.address), { prefix: "/api/v1" });
  });
  return withApi(app, api, networkCaller(operators, logins, tries.address));
}

/** A guard has let it in; a link says so itself. */
function isLetIn({ is404, method, routeOptions }: FastifyRequest): boolean {
  const row = routeOptions.config.gateRows?.[method];
  return !is404 && (row === undefined || row.credential !== "none");
}

async function registerWebSockets(app: FastifyInstance): Promise<void> {
  const lines = new RareLine(() => performance.now(), troubleLines);
  await app.register(websocket, {
    options: { maxPayload: frameLimit },
    // A frame that is none is an error, too.
    errorHandler(err, socket, { ip, log, url }) {
      const line = lines.take("a WebSocket failed");
      if (line !== null) log.warn({ err, address: ip, url }, line);
      socket.terminate();
    },
  });
}

/** For what other servers of the campus order: it listens nowhere. Answers how an order is done. */
export async function orderedApplication(
  app: FastifyInstance,
  api: ApiPorts,
): Promise<(order: CampusOrder) => Promise<OrderAnswer>> {
  const calls = new OrderedCalls();
  // Those of its routes that need it are refused.
  await app.register(websocket);
  await app.register(apiRoutes(api, calls.identify), { prefix: "/api/v1" });
  await app.ready();
  return (order) => calls.do(app, order);
}

/** For the local socket: the operators' API, and whoever reaches it is its owner or root. */
export async function localApplication(
  app: FastifyInstance,
  api: ApiPorts,
): Promise<FastifyInstance> {
  await registerWebSockets(app);
  return withApi(app, api, localCaller);
}

async function withApi(
  app: FastifyInstance,
  api: ApiPorts,
  identify: Identify,
): Promise<FastifyInstance> {
  await app.register(apiRoutes(api, identify), { prefix: "/api/v1" });
  await metricsRoute(app, api, identify);
  return app;
}
