/** A server that plays a script to the page: the page's own files and headers are the real ones, what it is told is the test's. */
import fastify, { type FastifyReply, type FastifyRequest } from "fastify";
import { ensurePage, pageFolder } from "../../client/page/build.ts";
import type { LiveEvent } from "../../core/wire/api.ts";
import { serverHeader } from "../../core/wire/campus-order.ts";
import { holdBrowsers } from "../../server/answer-headers.ts";
import { pageRoutes } from "../../server/gate/page-routes.ts";

export interface SentCall {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  /** The server of the campus that is to do it; null: this one. */
  readonly server: string | null;
}

export interface FakeServer {
  readonly url: string;
  /** What the page has asked to be changed. */
  readonly calls: SentCall[];
  /** What is answered instead to what changes something, by method and path: `POST /trust/rotate`. */
  readonly handlers: Map<string, (reply: FastifyReply, body: unknown) => unknown>;
  /** What `GET` answers, by path, behind the name of the server that is asked; what is not here is an empty list. */
  readonly answers: Map<string, unknown>;
  /** The whole state: said to everybody who connects, before `ready`. */
  state: readonly LiveEvent[];
  /** Said to all who listen. */
  say(...events: readonly LiveEvent[]): void;
  /** Nothing more is said to those who listen, and whoever comes to listen gets no answer: as with its cable pulled. */
  isCutOff: boolean;
  /** Who is logged in; null: nobody, and what is tried as a token becomes it. */
  login: object | null;
  close(): Promise<void>;
}

/** The server's own way to say no. */
export const refuse = (reply: FastifyReply, message: string, next: string): FastifyReply =>
  reply.code(409).send({ code: "refused", message, next });

export const admin = {
  ...{ name: "ann", role: "admin", room: null },
  until: "2026-11-28T21:00:00Z",
};

export async function openFakeServer(): Promise<FakeServer> {
  await ensurePage();
  const app = fastify({ forceCloseConnections: true });
  holdBrowsers(app);
  await pageRoutes(app, pageFolder);
  const listeners = new Set<FastifyReply>();
  const tell = (reply: FastifyReply, events: readonly LiveEvent[]): void => {
    reply.raw.write(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(""));
  };
  const server: FakeServer = {
    url: "",
    calls: [],
    handlers: new Map(),
    // It belongs to none.
    answers: new Map([["/campus", null]]),
    state: [],
    isCutOff: false,
    login: admin,
    say(...events) {
      if (server.isCutOff) return;
      for (const reply of listeners) tell(reply, events);
    },
    close() {
      clearInterval(alive);
      return app.close();
    },
  };
  const alive = setInterval(() => {
    if (!server.isCutOff) for (const reply of listeners) reply.raw.write(": alive\n\n");
  }, 250);
  app.get("/api/v1/events", (request, reply) => {
    reply.hijack();
    if (server.isCutOff) return;
    reply.raw.writeHead(200, { "content-type": "text/event-stream" });
    tell(reply, [...server.state, { type: "ready" }]);
    listeners.add(reply);
    request.raw.on("close", () => listeners.delete(reply));
  });
  app.get("/api/v1/login/ways", async () => ({ password: true, oidc: null }));
  const unauthorized = { code: "unauthorized", message: "nobody is logged in", next: "log in" };
  app.get("/api/v1/login", async (_request, reply) =>
    server.login === null ? reply.code(401).send(unauthorized) : server.login,
  );
  app.post("/api/v1/login", async () => {
    server.login ??= admin;
    return server.login;
  });
  const serverOf = ({ headers }: FastifyRequest): string | null =>
    headers[serverHeader] === undefined ? null : String(headers[serverHeader]);
  app.get("/api/v1/*", async (request, reply) => {
    const asked = serverOf(request);
    const path = `${asked === null ? "" : `${asked} `}${request.url.replace("/api/v1", "")}`;
    const handler = server.handlers.get(`GET ${path}`);
    if (handler !== undefined) return handler(reply, undefined);
    const known = [path, path.replace(/\?.*/, "")].find((each) => server.answers.has(each));
    // As JSON, where it is null as well.
    return reply
      .type("application/json")
      .send(JSON.stringify(server.answers.get(known ?? "") ?? (known === undefined ? [] : null)));
  });
  app.route({
    method: ["POST", "PUT", "PATCH", "DELETE"],
    url: "/api/v1/*",
    handler: async (request, reply) => {
      const { method, url, body } = request;
      const path = url.replace("/api/v1", "");
      server.calls.push({ method, path, body, server: serverOf(request) });
      return server.handlers.get(`${method} ${path}`)?.(reply, body) ?? {};
    },
  });
  const url = await app.listen({ host: "127.0.0.1", port: 0 });
  return Object.assign(server, { url });
}
