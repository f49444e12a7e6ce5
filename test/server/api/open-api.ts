/** The API on a lab of its own, without a network, as its tests call it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import websocket from "@fastify/websocket";
import fastify, { type FastifyInstance, type RouteOptions } from "fastify";
import { systemClock } from "../../../core/node/clock.ts";
import { localCaller, tokenCaller } from "../../../server/api/access.ts";
import { answerError } from "../../../server/api/errors.ts";
import { metricsRoute } from "../../../server/api/metrics.ts";
import { Operators } from "../../../server/api/operators.ts";
import { apiRoutes } from "../../../server/api/routes.ts";
import { Lab } from "../../../server/lab/lab.ts";
import { openStateStore, type StateStore } from "../../../server/state/state-store.ts";
import { type ImageStore, openImageStore } from "../../../server/store/image-store.ts";

export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

export interface TestApi {
  /** The data folder: what listens on `roomcast.sock` in it is found by the command line. */
  readonly folder: string;
  readonly images: ImageStore;
  readonly lab: Lab;
  readonly state: StateStore;
  readonly operators: Operators;
  readonly app: FastifyInstance;
  /** Every route that was registered. */
  readonly routes: readonly RouteOptions[];
  call(
    method: Method,
    path: string,
    body?: unknown,
    token?: string,
    // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
  ): Promise<{ status: number; body: any }>;
  close(): Promise<void>;
}

/** `trust`: who may call, by the local socket's rule or by tokens. */
export async function openApi(trust: "local" | "tokens"): Promise<TestApi> {
  const folder = await mkdtemp(join(tmpdir(), "roomcast-api-"));
  const state = openStateStore(folder);
  const images = await openImageStore(join(folder, "store"));
  const lab = new Lab({
    state,
    images,
    clock: systemClock,
    version: "test",
    openSender: () => Promise.reject(new Error("nothing is cast in this test")),
    startReceiver: () => Promise.reject(new Error("nothing is cast in this test")),
    rateLimitBps: () => null,
    wake: async () => {},
    log: () => {},
  });
  const app = fastify({
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
  }) as unknown as FastifyInstance;
  app.setErrorHandler(answerError);
  await app.register(websocket);
  const routes: RouteOptions[] = [];
  app.addHook("onRoute", (route) => void routes.push(route));
  const operators = new Operators(state, systemClock);
  const identify = trust === "local" ? localCaller : await tokenCaller(app, operators);
  const status = async () => ({
    ...{ version: "test", url: "http://test", startedAt: "t", listeners: [] },
    ...{ rooms: 1, pcs: 0, online: 0, sessions: 0, images: 0, storedBytes: 5, freeBytes: 7 },
    ...{ interface: "lab0", warnings: [] },
    dhcp: { mode: "off" as const, why: "--dhcp off", otherServers: [] },
  });
  const doctor = async () => ({ interface: "lab0", isServing: true, isWell: true, findings: [] });
  const ports = { lab, images, state, operators, status, doctor };
  await app.register(apiRoutes(ports, identify), { prefix: "/api/v1" });
  await metricsRoute(app, ports, identify);
  return {
    ...{ folder, images, lab, state, operators, app, routes },
    async call(method, path, body, token) {
      const answer = await app.inject({
        method,
        url: path.startsWith("/metrics") ? path : `/api/v1${path}`,
        ...(body === undefined ? {} : { payload: body as object }),
        ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
      });
      const isJson = /json/.test(String(answer.headers["content-type"]));
      return { status: answer.statusCode, body: isJson ? answer.json() : answer.body };
    },
    async close() {
      await app.close();
      await lab.close();
      await images[Symbol.asyncDispose]();
      state.close();
      await rm(folder, { recursive: true });
    },
  };
}
