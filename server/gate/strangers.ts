/** Connections on which nobody has said anything yet that was let in: few, and short. */
import type { Server, Socket } from "node:net";
import type { FastifyInstance, FastifyRequest } from "fastify";

/** One host may run the agents of many disks, all of which come back at once. */
const perAddress = 64;
/** A building of two thousand PCs comes back at once after a power cut. */
export const strangersLimit = 2048;
/** For the head of a request, in milliseconds; also for the first of a connection. */
export const headersMs = 10_000;
/** How often Node looks for those that are too slow, in milliseconds. */
export const lookEveryMs = 1000;

/**
 * Holds the strangers of an application's listener to their limits: a connection counts until the guards of
 * a request on it have let that in and `isKnown` says so. One too many of an address is cut before it costs
 * a handshake, and of one too many in all the oldest.
 */
export function limitStrangers(
  app: FastifyInstance,
  isKnown: (request: FastifyRequest) => boolean,
): void {
  const strangers = new Map<string, Socket>();
  const byAddress = new Map<string, number>();
  const forget = (key: string, address: string): void => {
    if (!strangers.delete(key)) return;
    const left = (byAddress.get(address) ?? 1) - 1;
    if (left === 0) byAddress.delete(address);
    else byAddress.set(address, left);
  };
  (app.server as Server).on("connection", (socket: Socket) => {
    const address = socket.remoteAddress ?? "";
    const count = byAddress.get(address) ?? 0;
    if (count >= perAddress) return socket.destroy();
    // Whoever means to say something has done so long before a thousand others came.
    const [oldest] = strangers.size >= strangersLimit ? strangers.values() : [];
    oldest?.destroy();
    const key = keyOf(socket);
    strangers.set(key, socket);
    byAddress.set(address, count + 1);
    socket.once("close", () => forget(key, address));
  });
  app.addHook("preParsing", async (request) => {
    const { socket } = request.raw;
    if (isKnown(request)) forget(keyOf(socket), socket.remoteAddress ?? "");
  });
}

/** A TLS socket and the one below it have the same. */
export const keyOf = ({ remoteAddress, remotePort }: Socket): string =>
  `${remoteAddress} ${remotePort}`;
