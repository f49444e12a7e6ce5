import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import type { RouteOptions } from "fastify";
import { DoctorView, StatusView } from "../../core/wire/api.ts";
import type { Lab } from "../lab/lab.ts";
import { RareLine } from "../lab/rare-line.ts";
import type { StateStore } from "../state/state-store.ts";
import type { ImageStore } from "../store/image-store.ts";
import { guard, type Identify } from "./access.ts";
import { auditLine } from "./audit.ts";
import { type CampusRoutesPorts, campusRoutes } from "./campus-routes.ts";
import { answerError, noCall } from "./errors.ts";
import { eventRoutes, type HistoryPort } from "./event-routes.ts";
import { askedOf, handOn } from "./hand-on.ts";
import { imageApiRoutes } from "./image-api-routes.ts";
import type { LiveEvents } from "./live-events.ts";
import { loginRoutes } from "./login-routes.ts";
import type { Logins } from "./logins.ts";
import type { StorageTraffic } from "./metrics.ts";
import type { Oidc } from "./oidc.ts";
import { operatorRoutes } from "./operator-routes.ts";
import type { Operators } from "./operators.ts";
import { pcRoutes } from "./pc-routes.ts";
import { requestRoutes } from "./request-routes.ts";
import { roomRoutes } from "./room-routes.ts";
import { scheduleRoutes } from "./schedule-routes.ts";
import { sessionRoutes } from "./session-routes.ts";
import { shellRoute } from "./shell-route.ts";
import { sshKeyRoutes } from "./ssh-key-routes.ts";
import { type TrustPorts, trustRoutes } from "./trust-routes.ts";
import { wallRoutes } from "./wall-routes.ts";

export interface ApiPorts {
  readonly lab: Lab;
  readonly images: ImageStore;
  readonly state: StateStore;
  readonly operators: Operators;
  readonly logins: Logins;
  readonly live: LiveEvents;
  /** The site's provider of identities; null: it has none. */
  readonly oidc: Oidc | null;
  readonly trust: TrustPorts;
  /** Null: the server belongs to none. */
  readonly campus: CampusRoutesPorts | null;
  /** The same. */
  readonly storage: StorageTraffic | null;
  readonly history: HistoryPort | null;
  status(): Promise<StatusView>;
  doctor(): Promise<DoctorView>;
}

/** The REST API, without its prefix `/api/v1`; `identify` finds out who the caller is. */
export const apiRoutes =
  (ports: ApiPorts, identify: Identify): FastifyPluginAsyncTypebox =>
  async (app) => {
    const { lab, images, operators, logins, status } = ports;
    app.setErrorHandler(answerError);
    const strangers = new RareLine(() => performance.now());
    guard(app, identify, (request, caller, code) => {
      if (caller !== null) {
        const elsewhere = askedOf(request, ports.campus);
        const { about, text } = auditLine(lab, request, caller, code, elsewhere);
        return lab.announcer.note({ ...about, operator: caller.name }, text);
      }
      const line = strangers.take(
        `${request.ip} has no token or login that counts: ${request.method} ${request.url.slice(0, 80)}`,
      );
      if (line !== null) lab.announcer.note({}, `${line} (refused: ${code})`);
    });
    handOn(app, ports.campus);
    const routes: RouteOptions[] = [];
    let document: Promise<object> | undefined;
    app.addHook("onRoute", (route) => void routes.push(route));
    // What is not there is the guard's too.
    app.setNotFoundHandler((request, reply) => answerError(noCall(request), request, reply));

    app.get("/openapi.json", { schema: { hide: true } }, async () => {
      document ??= import("./open-api.ts").then(({ openApiDocument }) => openApiDocument(routes));
      return document;
    });
    app.get(
      "/status",
      {
        schema: {
          summary: "show version, listeners, counts and store size",
          response: { 200: StatusView },
        },
      },
      () => status(),
    );
    app.get(
      "/doctor",
      {
        schema: {
          summary: "check the host and the network, and say how to fix them",
          response: { 200: DoctorView },
        },
      },
      () => ports.doctor(),
    );
    await app.register(eventRoutes(ports));
    await app.register(pcRoutes(lab));
    await app.register(shellRoute(lab));
    await app.register(roomRoutes(lab, logins));
    await app.register(campusRoutes(lab, ports.campus));
    await app.register(wallRoutes(lab, logins, () => ports.trust.view().gate));
    await app.register(imageApiRoutes({ lab, images }));
    await app.register(sessionRoutes(lab));
    await app.register(requestRoutes(lab.requests));
    await app.register(scheduleRoutes(lab.schedule));
    await app.register(operatorRoutes(operators));
    await app.register(loginRoutes(logins));
    await app.register(trustRoutes(ports.trust));
    await app.register(sshKeyRoutes(lab.sshKeys));
  };
