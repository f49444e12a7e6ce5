/** HTTP and WebSockets to a server's gate, on connections that have shown the right key (`pin.ts`). */
import type { Agent, RequestInit, Response } from "undici";
import { WebSocket } from "ws";
import { connectPinned, type GatePlace, type PinnedSocket } from "./pin.ts";

/** HTTP to one server. */
export interface ServerHttp {
  /** `path` from the root. Rejects as `fetch` does. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

/** A WebSocket, and what it is bound to. */
export interface PinnedLink extends Omit<PinnedSocket, "socket"> {
  readonly socket: WebSocket;
}

/** The gate that `place` names; asked anew for each connection, for the keys may change. */
export class PinnedServer implements ServerHttp {
  private readonly place: () => Promise<GatePlace>;
  private agent: Agent | null = null;

  /** `from`: when there is time to load what the first request needs, which comes with an order. */
  constructor(place: () => Promise<GatePlace>, from?: Promise<unknown>) {
    this.place = place;
    void from?.then(load);
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const { Agent, fetch } = await load();
    this.agent ??= new Agent({
      connect: (_, callback) => {
        this.place()
          .then(connectPinned)
          .then(
            ({ socket }) => callback(null, socket),
            (error: Error) => callback(error, null),
          );
      },
    });
    const { url } = await this.place();
    return fetch(new URL(path, url), { ...init, dispatcher: this.agent });
  }

  /** Opens a WebSocket on a connection of its own; rejects as `connectPinned` does. */
  async openLink(path: string): Promise<PinnedLink> {
    const place = await this.place();
    const { socket: connection, spki, exporter } = await connectPinned(place);
    const url = new URL(path, place.url);
    url.protocol = "wss:";
    const socket = new WebSocket(url, {
      createConnection: () => connection,
      perMessageDeflate: false,
    });
    // Whoever takes the socket hears of errors by its end, too.
    socket.on("error", () => {});
    return { socket, spki, exporter };
  }

  /** Cuts what is under way. */
  async close(): Promise<void> {
    await this.agent?.destroy();
  }
}

/** It is large, and a PC that comes up has nothing to ask yet. */
const load = (): Promise<typeof import("undici")> => import("undici");
