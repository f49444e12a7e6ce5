/** What the console needs of the API's client; it uses nothing else of the server. */
import type { ApiEvent, ConnectionEvent } from "../api/client.ts";

export type ConsoleEvent = ApiEvent | ConnectionEvent;

export interface ConsoleApi {
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body?: unknown): Promise<T>;
  patch<T>(path: string, body: unknown): Promise<T>;
  /** All there is, `ready`, then what changes; after a break all of it again. */
  events(signal: AbortSignal): AsyncIterable<ConsoleEvent>;
}

/** A wish to the server; several belong together, and the first that fails ends them. */
export interface Call {
  readonly method: "post" | "patch";
  readonly path: string;
  readonly body: unknown;
}
