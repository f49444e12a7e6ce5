/** The API as the command line and the console see it. They use nothing else of the server. */
import { request as httpRequest, type IncomingMessage } from "node:http";
import { setTimeout } from "node:timers/promises";
import { type ErrorCode, RoomcastError } from "../../core/errors.ts";
import type { RoomView } from "../../core/wire/rooms.ts";
import type { ImageView, PcView, SessionView } from "../../core/wire/views.ts";

export interface StatusView {
  readonly version: string;
  readonly url: string;
  readonly startedAt: string;
  readonly listeners: readonly string[];
  readonly rooms: number;
  readonly pcs: number;
  readonly online: number;
  readonly sessions: number;
  readonly images: number;
  readonly storedBytes: number;
  readonly freeBytes: number;
}

/** What `/api/v1/events` says, one JSON object an event. The first ones describe all there is; `ready` follows. */
export type ApiEvent =
  | { readonly type: "pc"; readonly pc: PcView }
  | { readonly type: "pc-gone"; readonly id: string }
  | { readonly type: "room"; readonly room: RoomView }
  | { readonly type: "room-gone"; readonly name: string }
  | { readonly type: "session"; readonly session: SessionView }
  | { readonly type: "image"; readonly image: ImageView }
  | { readonly type: "image-gone"; readonly id: string }
  | { readonly type: "note"; readonly time: string; readonly text: string }
  | { readonly type: "ready" };

/** Said by `ApiClient.events` itself when the way to the server breaks and when it is there again. */
export interface ConnectionEvent {
  readonly type: "connection";
  readonly state: "up" | "down";
  readonly detail: string;
}

/** Between two tries to reach a server that is away, in milliseconds. */
const retryEvery = 1000;
/** The server says something every 5 s; after this long without, the stream is dead. */
const eventSilence = 15_000;

const octets = "application/octet-stream";

/** A client of the server's local socket. */
export class ApiClient {
  private readonly socketPath: string;

  constructor(socketPath: string) {
    this.socketPath = socketPath;
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

  /** Sends and answers bytes; rejects as the other calls do. */
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

  /** The lines of an answer that goes on; each is a JSON document. Ends with `signal`. */
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

  /** All there is, `ready`, then what changes; after a break all of it again. Ends with `signal`. */
  async *events(signal: AbortSignal): AsyncGenerator<ApiEvent | ConnectionEvent> {
    while (!signal.aborted) {
      try {
        const answer = await this.request("GET", "/events", undefined, signal);
        answer.setTimeout(eventSilence, () => answer.destroy());
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
        const detail = error instanceof Error ? error.message : String(error);
        yield { type: "connection", state: "down", detail };
      }
      await setTimeout(retryEvery, undefined, { signal }).catch(() => {});
    }
  }

  private async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.request(method, path, body);
    let text = "";
    for await (const part of answer.setEncoding("utf8")) text += String(part);
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
    const { socketPath } = this;
    return new Promise((resolve, reject) => {
      const sent = httpRequest(
        {
          socketPath,
          method,
          path: `/api/v1${path}`,
          headers:
            body === undefined
              ? {}
              : { "content-type": body instanceof Uint8Array ? octets : "application/json" },
          ...(signal === undefined ? {} : { signal }),
        },
        resolve,
      );
      sent.on("error", (cause) => {
        if (signal?.aborted === true) return reject(stopped());
        const why = `the server is not reached at ${socketPath} (${cause.message})`;
        const next = "start it with `roomcast serve`, or name its data folder with --data";
        reject(new RoomcastError("unreachable", why, next, { cause }));
      });
      sent.end(body === undefined || body instanceof Uint8Array ? body : JSON.stringify(body));
    });
  }
}

async function* partsOf(answer: IncomingMessage, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    for await (const part of answer) yield part as Buffer;
  } catch (cause) {
    throw signal.aborted ? stopped() : brokenOff(cause);
  }
}

const stopped = (): RoomcastError =>
  new RoomcastError("cancelled", "stopped", "start it again at any time");

const brokenOff = (cause?: unknown): RoomcastError =>
  new RoomcastError(
    "unreachable",
    "the server broke off its answer",
    "see the server's log, and try again",
    { cause },
  );

function refusal(text: string): RoomcastError {
  const said = JSON.parse(text) as { code: ErrorCode; message: string; next: string };
  return new RoomcastError(said.code, said.message, said.next);
}
