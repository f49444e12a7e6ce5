/** Connections that stand still in the midst of a request or an answer are cut, whoever has them. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";
import { keyOf, lookEveryMs } from "./strangers.ts";

/**
 * Nothing came and nothing was taken for so long, in milliseconds. The kernel takes more once a third of its 4 MB
 * is free: of a PC at 1 Mbit/s that is seen every 11 s.
 */
export const stillMs = 30_000;

interface Connection {
  readonly socket: Socket;
  /** The latest of it. */
  request: IncomingMessage | null;
  answer: ServerResponse | null;
  moved: number;
  movedAt: number;
  /** When the latest answer was given. */
  idleSince: number;
}

/**
 * Cuts what does not move: a body of which no more comes, an answer of which no more is taken, and a connection on
 * which bytes come and no request. An answer that the server itself is slow with is waited for, and so is one that
 * goes on for hours; WebSockets see to themselves.
 */
export function cutStalled(app: FastifyInstance, ms = stillMs): void {
  const connections = new Map<string, Connection>();
  const server = app.server as Server;
  const look = (): void => {
    const now = performance.now();
    for (const connection of connections.values()) {
      const { socket, request } = connection;
      const unsent = unsentBytes(socket);
      const moved = socket.bytesRead + socket.bytesWritten - unsent;
      const isWaitedFor = unsent > 0 || request?.complete === false;
      if (!isWaitedFor || moved !== connection.moved) connection.movedAt = now;
      connection.moved = moved;
      if (connection.answer?.closed === false) connection.idleSince = now;
      if (now - Math.min(connection.movedAt, connection.idleSince) >= ms) socket.destroy();
    }
  };
  const timer = setInterval(look, Math.min(lookEveryMs, ms / 4)).unref();
  server.on("close", () => clearInterval(timer));
  server.on("connection", (socket: Socket) => {
    const key = keyOf(socket);
    const now = performance.now();
    const begun = { request: null, answer: null, moved: 0, movedAt: now, idleSince: now };
    const connection: Connection = { socket, ...begun };
    connections.set(key, connection);
    socket.once("close", () => {
      // The next one may have had the same port before this one's end was heard of.
      if (connections.get(key) === connection) connections.delete(key);
    });
  });
  server.on("request", (request, answer) => {
    const connection = connections.get(keyOf(request.socket));
    if (connection !== undefined) Object.assign(connection, { request, answer });
  });
  app.addHook("onReady", async () => {
    if (!app.hasDecorator("websocketServer")) return;
    // What only wants to become one is watched until it is one.
    app.websocketServer.on("connection", (_webSocket, { socket }: IncomingMessage) => {
      connections.delete(keyOf(socket));
    });
  });
}

/**
 * What the kernel has not taken yet. Of an answer over TLS the sockets themselves only tell when all of it is taken;
 * Node's own timeout reads this, too.
 */
const unsentBytes = (socket: Socket): number =>
  (socket as unknown as { _handle: { writeQueueSize: number } | null })._handle?.writeQueueSize ??
  0;
