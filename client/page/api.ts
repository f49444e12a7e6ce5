/** Calls to the server. Every error is a RoomcastError: what, why, and what to do next. */
import { signal } from "@preact/signals";
import { type ErrorCode, RoomcastError } from "../../core/errors.ts";
import type { ErrorView } from "../../core/wire/api.ts";
import { serverHeader } from "../../core/wire/campus-order.ts";
import { t } from "./words.ts";

/** A request to the server. */
export interface Call {
  readonly method: "post" | "patch" | "put" | "delete";
  /** Below `/api/v1`. */
  readonly path: string;
  readonly body?: unknown;
  /** The server of the campus that shall do it; by default the page's own. */
  readonly server?: string;
}

/** Counts the answers that say that the login is over. */
export const signedOut = signal(0);

export const get = <T>(
  path: string,
  server?: string,
  signal: AbortSignal | null = null,
): Promise<T> => request<T>("GET", path, undefined, server, signal);

export const send = <T>({ method, path, body, server }: Call): Promise<T> =>
  request<T>(method.toUpperCase(), path, body ?? (method === "delete" ? undefined : {}), server);

/** Work that the server answers in lines: progress now and then, and at the end the result. */
export async function follow<T>(
  { method, path, body }: Call,
  onProgress: (fraction: number) => void,
  signal: AbortSignal,
): Promise<T> {
  const answer = await ask(method.toUpperCase(), path, body ?? {}, signal);
  for await (const lines of linesOf(answer)) {
    for (const line of lines) {
      const said = JSON.parse(line) as {
        progress?: { done: number; total: number };
        result?: T;
        error?: ErrorView;
      };
      if (said.error !== undefined) throw errorOf(said.error);
      if (said.result !== undefined) return said.result;
      const { done = 0, total = 0 } = said.progress ?? {};
      onProgress(total === 0 ? 0 : done / total);
    }
  }
  throw unreachable();
}

/** The server's live events, as `linesOf` has lines; from behind the one with the id `last`, if the server still knows it. */
export async function listen(
  path: string,
  last: string | null,
  signal: AbortSignal,
): Promise<AsyncGenerator<readonly string[]>> {
  const headers = last === null ? {} : { "last-event-id": last };
  return linesOf(await ask("GET", path, undefined, signal, headers));
}

/** The lines of each piece of an answer, of which there may be none, as it comes; until it ends or breaks off. */
async function* linesOf({ body }: Response): AsyncGenerator<readonly string[]> {
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const piece = await reader?.read().catch(() => undefined);
    if (piece === undefined || piece.done) return;
    const lines = (rest + piece.value).split("\n");
    rest = lines.pop() ?? "";
    yield lines;
  }
}

/** What the server says as text: a list, a certificate. */
export const getText = async (path: string): Promise<string> => (await ask("GET", path)).text();

async function request<T>(
  method: string,
  path: string,
  body?: unknown,
  server?: string,
  signal: AbortSignal | null = null,
): Promise<T> {
  const headers = server === undefined ? {} : { [serverHeader]: server };
  const answer = await ask(method, path, body, signal, headers);
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

async function ask(
  method: string,
  path: string,
  body?: unknown,
  signal: AbortSignal | null = null,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const answer = await fetch(`/api/v1${path}`, {
    ...{ method, signal, credentials: "same-origin", cache: "no-store" },
    headers: {
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch(() => {
    throw unreachable();
  });
  if (answer.ok) return answer;
  if (answer.status === 401 && !path.startsWith("/login")) signedOut.value++;
  const said = await answer.json().catch(() => null);
  if (said !== null && typeof said.message === "string") throw errorOf(said as ErrorView);
  throw new RoomcastError("failed", t("error.status", { status: answer.status }), t("error.log"));
}

const errorOf = ({ code, message, next }: ErrorView): RoomcastError =>
  new RoomcastError(code as ErrorCode, message, next);

const unreachable = (): RoomcastError =>
  new RoomcastError("unreachable", t("error.unreachable"), t("error.unreachableNext"));
