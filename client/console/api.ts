/** What the console needs of the API's client. It uses nothing else of the server. */
import type { ApiEvent } from "../../core/wire/api.ts";
import type { ConnectionEvent } from "../api/client.ts";

export type ConsoleEvent = ApiEvent | ConnectionEvent;

export interface ConsoleApi {
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body?: unknown): Promise<T>;
  patch<T>(path: string, body: unknown): Promise<T>;
  delete<T>(path: string): Promise<T>;
  /** The same for another server of the campus. */
  at(server: string): ConsoleApi;
  /** Work that the server answers in lines, and its result. */
  follow<T>(
    path: string,
    options: { signal: AbortSignal; onProgress(done: number, total: number): void },
  ): Promise<T>;
  /** The whole state, `ready`, then every change; after a break, all of it again. */
  events(signal: AbortSignal): AsyncIterable<ConsoleEvent>;
}

/** A request to the server. */
export interface Call {
  readonly method: "post" | "patch" | "delete";
  readonly path: string;
  readonly body?: unknown;
  /** The name of the PC that it is for, where an order has a call for each of several. */
  readonly pc?: string;
  /** The server of the campus that shall do it; by default the one that the console shows. */
  readonly server?: string;
}
