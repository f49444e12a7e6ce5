/** A browser, as far as the server sees one: it keeps the cookie, and says which page asks. */
import type { FastifyInstance } from "fastify";
import { cookieName, wallCookieName } from "../../../server/api/access.ts";
import type { Method } from "./open-api.ts";

export const ownOrigin = "https://localhost";

interface Said {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
  readonly body: any;
}

export class Browser {
  /** The secret in the cookie; null: none. */
  cookie: string | null = null;
  /** The same of a wall. */
  wallCookie: string | null = null;
  private readonly app: FastifyInstance;
  private readonly address: string;

  constructor(app: FastifyInstance, address = "127.0.0.1") {
    this.app = app;
    this.address = address;
  }

  /** A call of the server's own page, unless `headers` say otherwise; `origin: ""` says none. */
  async call(
    method: Method,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Said> {
    const cookies = [
      ...(this.cookie === null ? [] : [`${cookieName}=${this.cookie}`]),
      ...(this.wallCookie === null ? [] : [`${wallCookieName}=${this.wallCookie}`]),
    ];
    const all = {
      ...{ host: "localhost", origin: ownOrigin, "sec-fetch-site": "same-origin" },
      ...(cookies.length === 0 ? {} : { cookie: cookies.join("; ") }),
      ...headers,
    };
    const answer = await this.app.inject({
      ...{ method, url: path.startsWith(".") ? path.slice(1) : `/api/v1${path}` },
      headers: Object.fromEntries(Object.entries(all).filter(([, value]) => value !== "")),
      remoteAddress: this.address,
      ...(body === undefined ? {} : { payload: body as object }),
    });
    for (const { name, value } of answer.cookies) {
      const kept = value === "" ? null : value;
      if (name === cookieName) this.cookie = kept;
      if (name === wallCookieName) this.wallCookie = kept;
    }
    const isJson = /json/.test(String(answer.headers["content-type"]));
    return {
      status: answer.statusCode,
      headers: answer.headers,
      body: isJson ? answer.json() : answer.body,
    };
  }
}
