/** Connections on which nobody has said anything yet that was let in: few, and short. */
import type { Server, Socket } from "node:net";
import type { FastifyInstance, FastifyRequest } from "fastify";

/** One host may run the agents of many disks, all of which come back at once. */
const perAddress = 64;
/** A building of two thousand PCs comes back at once after a power cut. */
export const strangersLimit = 2048;
/** For the head of a request, in milliseconds; also for the first of a connection. */
export const headersMs = 10_000;
/** Between an answer and the next request of a connection, in milliseconds: a new handshake costs less than many that wait. */
export const betweenMs = 10_000;
/** How often Node looks for those that are too slow, in milliseconds. */
export const lookEveryMs = 1000;

declare module "fastify" {
  interface FastifyRequest {
    /** Its connection is no stranger's any more: somebody answers for it, or another limit holds it. */
    letIn(): void;
  }
}

interface Stranger {
  readonly socket: Socket;
  readonly key: string;
  readonly address: string;
}

/**
 * Holds the strangers of an application's listener to their limits: a connection counts until the guards of
 * a request on it have let that in and `isKnown` says so, or its route does. One too many of an address is cut
 * before it costs a handshake, and of one too many in all the oldest.
 */
export function limitStrangers(
  app: FastifyInstance,
  isKnown: (request: FastifyRequest) => boolean,
): void {
  const strangers = new Map<string, Stranger>();
  const byAddress = new Map<string, number>();
  const forget = (stranger: Stranger | undefined): void => {
    if (stranger === undefined || strangers.get(stranger.key) !== stranger) return;
    const { key, address } = stranger;
    strangers.delete(key);
    const left = (byAddress.get(address) ?? 1) - 1;
    if (left === 0) byAddress.delete(address);
    else byAddress.set(address, left);
  };
  (app.server as Server).on("connection", (socket: Socket) => {
    const { remoteAddress: address = "" } = socket;
    const key = keyOf(socket);
    // The end of one that had the same port is not heard of yet.
    forget(strangers.get(key));
    const count = byAddress.get(address) ?? 0;
    if (count >= perAddress) return socket.destroy();
    // Whoever means to say something has done so long before a thousand others came.
    const [oldest] = strangers.size >= strangersLimit ? strangers.values() : [];
    oldest?.socket.destroy();
    forget(oldest);
    const stranger = { socket, key, address };
    strangers.set(key, stranger);
    byAddress.set(address, (byAddress.get(address) ?? 0) + 1);
    socket.once("close", () => forget(stranger));
  });
  app.decorateRequest("letIn", function (this: FastifyRequest) {
    const { socket } = this.raw;
    if (!socket.destroyed) forget(strangers.get(keyOf(socket)));
  });
  app.addHook("preParsing", async (request) => {
    if (isKnown(request)) request.letIn();
  });
}

/** A TLS socket and the one below it have the same. */
export const keyOf = ({ remoteAddress, remotePort }: Socket): string =>
  `${remoteAddress} ${remotePort}`;
