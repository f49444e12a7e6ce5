/** An operator's end of a shell on a PC: a connection that carries the keys and the output. */
import type { IncomingMessage } from "node:http";
import type { ShellOver, ShellSize } from "../../core/wire/shell.ts";
import { type ApiClient, placeHeaders, refusal, textOf, unreachable } from "./client.ts";

export interface ShellRequest {
  /** Id, name or MAC. */
  readonly pc: string;
  readonly term: string;
  readonly size: ShellSize;
  onShown(bytes: Uint8Array): void;
}

export interface OpenShell {
  type(bytes: Uint8Array | string): void;
  resize(size: ShellSize): void;
  close(): void;
  /** How it ended; never rejects. */
  readonly ended: Promise<Pick<ShellOver, "status" | "reason">>;
}

/** Opens a shell on a PC; rejects with the server's refusal. */
export async function openShell(
  client: Pick<ApiClient, "place" | "server">,
  request: ShellRequest,
): Promise<OpenShell> {
  const { WebSocket } = await import("ws");
  const { place } = client;
  const headers = placeHeaders(client);
  const { pc, term, size } = request;
  const query = new URLSearchParams({
    ...{ term, columns: String(size.columns), lines: String(size.lines) },
  });
  const path = `/api/v1/pcs/${encodeURIComponent(pc)}/shell?${query}`;
  const socket =
    "socketPath" in place
      ? new WebSocket(`ws+unix:${place.socketPath}:${path}`, { headers })
      : new WebSocket(new URL(path, place.url.href.replace(/^http/, "ws")), {
          ...{ headers, agent: place.agent },
        });
  return new Promise((resolve, reject) => {
    const over = Promise.withResolvers<Pick<ShellOver, "status" | "reason">>();
    socket.on("unexpected-response", (_, answer: IncomingMessage) => {
      textOf(answer).then((text) => reject(refusal(text)), reject);
    });
    socket.on("error", (cause) => {
      reject(unreachable(place, cause));
      over.resolve({ status: null, reason: cause.message });
    });
    socket.on("message", (data: Buffer, isBinary: boolean) => {
      if (isBinary) return request.onShown(data);
      const said = JSON.parse(data.toString("utf8")) as ShellOver;
      if (said.type === "ended") over.resolve(said);
    });
    socket.on("close", () =>
      over.resolve({ status: null, reason: "the connection to the server broke" }),
    );
    socket.on("open", () =>
      resolve({
        type: (bytes) => socket.send(Buffer.from(bytes as Uint8Array), { binary: true }),
        resize: (next) => socket.send(JSON.stringify({ type: "resize", ...next })),
        close: () => socket.close(),
        ended: over.promise,
      }),
    );
  });
}
