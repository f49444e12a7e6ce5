/** Calls to the server. Every error is a RoomcastError: what, why, and what to do next. */
import { signal } from "@preact/signals";
import { type ErrorCode, RoomcastError } from "../../core/errors.ts";
import type { ErrorView } from "../../core/wire/api.ts";
import { t } from "./words.ts";

/** A request to the server. */
export interface Call {
  readonly method: "post" | "patch" | "put" | "delete";
  /** Below `/api/v1`. */
  readonly path: string;
  readonly body?: unknown;
}

/** Counts the answers that say that the login is over. */
export const signedOut = signal(0);

export const get = <T>(path: string): Promise<T> => request<T>("GET", path);

export const send = <T>({ method, path, body }: Call): Promise<T> =>
  request<T>(method.toUpperCase(), path, body ?? (method === "delete" ? undefined : {}));

/** Work that the server answers in lines: progress now and then, and at the end the result. */
export async function follow<T>(
  { method, path, body }: Call,
  onProgress: (fraction: number) => void,
  signal: AbortSignal,
): Promise<T> {
  const answer = await ask(method.toUpperCase(), path, body ?? {}, signal);
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const piece = await reader?.read().catch(() => undefined);
    if (piece === undefined || piece.done) break;
    const lines = (rest + piece.value).split("\n");
    rest = lines.pop() ?? "";
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

/** What the server says as text: a list, a certificate. */
export const getText = async (path: string): Promise<string> => (await ask("GET", path)).text();

async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await ask(method, path, body);
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

async function ask(
  method: string,
  path: string,
  body?: unknown,
  signal: AbortSignal | null = null,
): Promise<Response> {
  const answer = await fetch(`/api/v1${path}`, {
    ...{ method, signal, credentials: "same-origin" },
    ...(body === undefined
      ? {}
      : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
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
