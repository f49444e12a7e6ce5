/** The API as the command line and the console see it. They use nothing else of the server. */
import type { ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import type { Agent } from "node:https";
import { setTimeout } from "node:timers/promises";
import { type ErrorCode, RoomcastError } from "../../core/errors.ts";
import type { ApiEvent, ErrorView } from "../../core/wire/api.ts";
import { serverHeader } from "../../core/wire/campus-order.ts";

/** An import would load what Node has of WebSockets, too, and take a tenth of a second more at each start. */
const { request: httpRequest } = process.getBuiltinModule("node:http");

/** `ApiClient.events` adds these itself when the connection to the server breaks or is back. */
export interface ConnectionEvent {
  readonly type: "connection";
  readonly state: "up" | "down";
  readonly detail: string;
}

/** Milliseconds between two tries to reach a server that does not answer. */
const retryEveryMs = 1000;
/** The server sends something every 5 s: after so many milliseconds without, the stream is dead. */
const eventSilenceMs = 15_000;

const octets = "application/octet-stream";

/** Where the server is: its local socket, or over the network with an operator's token. */
export type ServerPlace =
  | { readonly socketPath: string }
  | { readonly url: URL; readonly token: string; readonly agent: Agent };

/** A client of one server, or by it of another one of its campus. */
export class ApiClient {
  readonly place: ServerPlace;
  /** The server of the campus that does what is asked; null: the one that is called. */
  readonly server: string | null;

  constructor(place: ServerPlace, server: string | null = null) {
    this.place = place;
    this.server = server;
  }

  /** The same for another server of the campus. */
  at(server: string): ApiClient {
    return new ApiClient(this.place, server);
  }

  get<T>(path: string): Promise<T> {
    return this.call("GET", path);
  }

  post<T>(path: string, body: unknown = {}): Promise<T> {
    return this.call("POST", path, body);
  }

  patch<T>(path: string, body: unknown): Promise<T> {
    return this.call("PATCH", path, body);
  }

  put<T>(path: string, body: unknown): Promise<T> {
    return this.call("PUT", path, body);
  }

  delete<T>(path: string): Promise<T> {
    return this.call("DELETE", path);
  }

  /** Sends bytes and answers bytes; rejects as the other calls do. */
  async bytes(
    method: "GET" | "POST" | "PUT",
    path: string,
    options: { body?: Uint8Array | undefined; signal: AbortSignal },
  ): Promise<Buffer> {
    const answer = await this.request(method, path, options.body, options.signal);
    const parts: Buffer[] = [];
    for await (const part of partsOf(answer, options.signal)) parts.push(part);
    const bytes = Buffer.concat(parts);
    if ((answer.statusCode ?? 500) < 300) return bytes;
    throw refusal(bytes.toString("utf8"));
  }

  /** The lines of a long answer, as they come; each is a JSON document. Ends with `signal`. */
  async *lines(
    method: "GET" | "POST",
    path: string,
    options: { body?: unknown; signal: AbortSignal },
  ): AsyncGenerator<unknown> {
    const answer = await this.request(method, path, options.body ?? {}, options.signal);
    const decoder = new TextDecoder();
    let rest = "";
    for await (const part of partsOf(answer, options.signal)) {
      rest += decoder.decode(part, { stream: true });
      if ((answer.statusCode ?? 500) >= 300) continue;
      const lines = rest.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) yield JSON.parse(line);
    }
    if ((answer.statusCode ?? 500) >= 300) throw refusal(rest);
  }

  /** The result of work that is answered in lines (`answerInLines`). */
  async follow<T>(
    path: string,
    options: { signal: AbortSignal; onProgress(done: number, total: number): void },
  ): Promise<T> {
    for await (const line of this.lines("POST", path, options)) {
      const { progress, result, error } = line as {
        progress?: { done: number; total: number };
        result?: T;
        error?: { code: ErrorCode; message: string; next: string };
      };
      if (progress !== undefined) options.onProgress(progress.done, progress.total);
      if (error !== undefined) throw new RoomcastError(error.code, error.message, error.next);
      if (result !== undefined) return result;
    }
    throw brokenOff();
  }

  /** The whole state, `ready`, then every change. After a break, all of it again. Ends with `signal`. */
  async *events(signal: AbortSignal): AsyncGenerator<ApiEvent | ConnectionEvent> {
    while (!signal.aborted) {
      try {
        const answer = await this.request("GET", "/events", undefined, signal);
        if ((answer.statusCode ?? 500) >= 300) throw refusal(await textOf(answer));
        answer.setTimeout(eventSilenceMs, () => answer.destroy());
        yield { type: "connection", state: "up", detail: "" };
        let rest = "";
        for await (const part of answer.setEncoding("utf8")) {
          const lines = (rest + String(part)).split("\n");
          rest = lines.pop() ?? "";
          for (const line of lines) {
            if (line.startsWith("data: ")) yield JSON.parse(line.slice(6)) as ApiEvent;
          }
        }
        yield { type: "connection", state: "down", detail: "the server closed the connection" };
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof RoomcastError && error.code !== "unreachable") throw error;
        const isKnown = error instanceof RoomcastError;
        const detail = isKnown ? error.message : "the connection to the server broke";
        yield { type: "connection", state: "down", detail };
      }
      await setTimeout(retryEveryMs, undefined, { signal }).catch(() => {});
    }
  }

  private async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.request(method, path, body);
    const text = await textOf(answer);
    const status = answer.statusCode ?? 500;
    if (status < 300) return (text === "" ? undefined : JSON.parse(text)) as T;
    throw refusal(text);
  }

  private request(
    method: string,
    path: string,
    body?: unknown,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    const { place } = this;
    const type = body instanceof Uint8Array ? octets : "application/json";
    const options = {
      method,
      headers: {
        ...(body === undefined ? {} : { "content-type": type }),
        ...placeHeaders(this),
      },
      ...(signal === undefined ? {} : { signal }),
    };
    return new Promise((resolve, reject) => {
      const sent = sendTo(place, `/api/v1${path}`, options, resolve);
      sent.on("error", (cause) => {
        if (signal?.aborted === true) return reject(stopped());
        reject(unreachable(place, cause));
      });
      sent.end(body === undefined || body instanceof Uint8Array ? body : JSON.stringify(body));
    });
  }
}

/** Of every call. */
export const placeHeaders = ({
  place,
  server,
}: Pick<ApiClient, "place" | "server">): Readonly<Record<string, string>> => ({
  ...("token" in place ? { authorization: `Bearer ${place.token}` } : {}),
  ...(server === null ? {} : { [serverHeader]: server }),
});

export function unreachable(place: ServerPlace, cause: Error): RoomcastError {
  if (cause instanceof RoomcastError && cause.code === "other-key") return cause;
  if ("url" in place && isDistrust(cause)) return distrusted(place.url, cause);
  const where = "socketPath" in place ? place.socketPath : place.url.origin;
  const why = `the server cannot be reached at ${where} (${cause.message})`;
  const next = isShut(cause)
    ? "run it as root"
    : "socketPath" in place
      ? "start it with `roomcast serve`, or name its data folder with --data"
      : "check the address, and that the server is running";
  return new RoomcastError("unreachable", why, next, { cause });
}

/** The server may be there, and its socket is for root and for whom it runs as. */
export const isShut = (cause: unknown): boolean =>
  cause instanceof Error && "code" in cause && cause.code === "EACCES";

function sendTo(
  place: ServerPlace,
  path: string,
  options: RequestOptions,
  onAnswer: (answer: IncomingMessage) => void,
): ClientRequest {
  if ("socketPath" in place) {
    return httpRequest({ ...options, socketPath: place.socketPath, path }, onAnswer);
  }
  const { url, agent } = place;
  return process
    .getBuiltinModule("node:https")
    .request(new URL(path, url), { ...options, agent }, onAnswer);
}

/** OpenSSL's and Node's own names for a certificate that is not trusted. */
const isDistrust = (cause: NodeJS.ErrnoException): boolean =>
  /CERT|SIGNATURE|VERIFY/.test(cause.code ?? "");

const distrusted = (url: URL, cause: Error): RoomcastError =>
  new RoomcastError(
    "other-key",
    `the certificate of ${url.origin} is not trusted (${cause.message})`,
    "name the server's key with --pin, as `roomcast trust show` has it, or who signed its certificate with --ca",
    { cause },
  );

export async function textOf(answer: IncomingMessage): Promise<string> {
  let text = "";
  for await (const part of partsOf(answer)) text += part.toString("latin1");
  return Buffer.from(text, "latin1").toString("utf8");
}

async function* partsOf(answer: IncomingMessage, signal?: AbortSignal): AsyncGenerator<Buffer> {
  try {
    for await (const part of answer) yield part as Buffer;
  } catch (cause) {
    throw signal?.aborted === true ? stopped() : brokenOff(cause);
  }
}

const stopped = (): RoomcastError =>
  new RoomcastError("cancelled", "it was stopped", "start it again at any time");

const brokenOff = (cause?: unknown): RoomcastError =>
  new RoomcastError(
    "unreachable",
    "the server's answer broke off",
    "see the server's log, and try again",
    { cause },
  );

/** The error that the server sent. Something else that listens there may send anything. */
export function refusal(text: string): RoomcastError {
  try {
    const said = JSON.parse(text) as ErrorView;
    if (typeof said.message === "string" && typeof said.next === "string") {
      return new RoomcastError(said.code as ErrorCode, said.message, said.next);
    }
  } catch {
    // It is not JSON, and so no error of ours.
  }
  const why = "what answers there is not a roomcast server";
  return new RoomcastError("unreachable", why, "check the address and the port");
}
