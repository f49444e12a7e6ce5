/** HTTP and WebSockets to a server's gate, on connections that have shown the right key (`pin.ts`). */
import { Agent, type IncomingMessage, request } from "node:http";
import { Readable } from "node:stream";
import { WebSocket } from "ws";
import { errorText } from "../errors.ts";
import { connectPinned, type GatePlace, hostOf, type PinnedSocket } from "./pin.ts";

export interface HttpRequest {
  /** `GET` where it is not said. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A text, or bytes in parts, which are sent as the connection takes them. */
  readonly body?: string | readonly Uint8Array[];
  readonly signal?: AbortSignal;
}

/** What `fetch` answers, as far as it is used. Its body is read once; whoever leaves it in the middle hangs up. */
export interface HttpAnswer {
  readonly status: number;
  /** The status is one from 200 to 299. */
  readonly ok: boolean;
  readonly headers: { get(name: string): string | null };
  readonly body: AsyncIterable<Uint8Array> | null;
  bytes(): Promise<Uint8Array>;
  text(): Promise<string>;
  json(): Promise<unknown>;
}

/** HTTP to one server. */
export interface ServerHttp {
  /** `path` from the root. Rejects with an Error that has the connection's as its `cause`. */
  fetch(path: string, init?: HttpRequest): Promise<HttpAnswer>;
}

/** A WebSocket, and what it is bound to. */
export interface PinnedLink extends Omit<PinnedSocket, "socket"> {
  readonly socket: WebSocket;
}

/** The gate that `place` names; asked anew for each connection, for the keys may change. */
export class PinnedServer implements ServerHttp {
  private readonly place: () => Promise<GatePlace>;
  private readonly agent = new Agent({ keepAlive: true });
  private isClosed = false;

  constructor(place: () => Promise<GatePlace>) {
    this.place = place;
    this.agent.createConnection = (_, connected) => {
      this.connect().then(
        (socket) => connected?.(null, socket),
        // Node takes none with an error, and its types want one.
        (error: Error) => (connected as ((error: Error) => void) | undefined)?.(error),
      );
      return undefined;
    };
  }

  async fetch(path: string, init: HttpRequest = {}): Promise<HttpAnswer> {
    const { method = "GET", headers = {}, body, signal } = init;
    const { promise: answered, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    try {
      const { url } = await this.place();
      const to = new URL(path, url);
      const asked = request({
        ...{ agent: this.agent, host: hostOf(to), port: to.port || 443 },
        ...{ method, path: to.pathname + to.search, headers: { ...headers } },
        ...(signal === undefined ? {} : { signal }),
      });
      asked.once("response", resolve);
      // It stays: an error that comes later ends the answer, too.
      asked.on("error", reject);
      if (body === undefined || typeof body === "string") asked.end(body);
      else
        Readable.from(body)
          .on("error", (error) => asked.destroy(error))
          .pipe(asked);
      return answerOf(await answered);
    } catch (cause) {
      throw new Error(`${method} ${path}: ${errorText(cause)}`, { cause });
    }
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
    this.isClosed = true;
    this.agent.destroy();
  }

  private async connect(): Promise<PinnedSocket["socket"]> {
    const { socket } = await connectPinned(await this.place());
    if (!this.isClosed) return socket;
    socket.destroy();
    throw new Error("the way to the server is closed");
  }
}

function answerOf(message: IncomingMessage): HttpAnswer {
  const status = message.statusCode ?? 0;
  const bytes = async (): Promise<Buffer> => Buffer.concat(await message.toArray());
  const text = async (): Promise<string> => (await bytes()).toString("utf8");
  return {
    ...{ status, ok: status >= 200 && status < 300, body: message, bytes, text },
    headers: { get: (name) => [message.headers[name] ?? []].flat().join(", ") || null },
    json: async () => JSON.parse(await text()) as unknown,
  };
}
