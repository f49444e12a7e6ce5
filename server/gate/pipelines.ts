/** Requests that are sent before the answers to earlier ones have come: few, for each is taken on at once. */
import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { FastifyInstance } from "fastify";

/** Of one connection, requests that are not answered yet. Firmware, agents and browsers wait for each answer. */
export const unansweredLimit = 8;

/**
 * Cuts a connection with too many requests under way, before they cost more than their parsing: 64 KiB, which are read
 * at once, hold two thousand. To be called before anybody else listens to the application's server.
 */
export function limitPipelines(app: FastifyInstance): void {
  const server = app.server as Server;
  const answering = server.listeners("request");
  const unanswered = new WeakMap<Socket, number>();
  server.removeAllListeners("request");
  server.on("request", (request, answer) => {
    const { socket } = request;
    const count = unanswered.get(socket) ?? 0;
    if (socket.destroyed || count >= unansweredLimit) return void socket.destroy();
    unanswered.set(socket, count + 1);
    answer.once("close", () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
    for (const listener of answering) listener.call(server, request, answer);
  });
}
