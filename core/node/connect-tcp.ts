/** TCP connections that do not wait for the system to notice that their first packet was lost. */
import { connect, type Socket } from "node:net";

/**
 * Milliseconds. The system sends a SYN again only after a second (RFC 6298, section 2.1), and a server on the same network
 * answers within a few milliseconds. Who has no answer by then begins another connection beside the first, as RFC 8305 does
 * with another address.
 */
const againAfter = 250;
/** How many connections are tried at once. */
const mostTries = 3;

export interface TcpPlace {
  readonly host: string;
  readonly port: number;
}

/**
 * The first connection that is made; the others are closed. Rejects with the error of the first that failed once none is
 * left, and with the signal's reason when it aborts.
 */
export function connectTcp(
  place: TcpPlace,
  signal: AbortSignal,
  open: (place: TcpPlace) => Socket = connect,
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const tries = new Set<Socket>();
  let begun = 0;
  let failure: Error | null = null;
  const end = (): void => {
    clearInterval(timer);
    signal.removeEventListener("abort", abort);
    for (const socket of tries) socket.destroy();
    tries.clear();
  };
  const abort = (): void => {
    end();
    reject(signal.reason);
  };
  const begin = (): void => {
    if (++begun === mostTries) clearInterval(timer);
    const socket = open(place);
    tries.add(socket);
    socket.once("connect", () => {
      tries.delete(socket);
      end();
      resolve(socket);
    });
    socket.on("error", (error) => {
      failure ??= error;
      if (!tries.delete(socket) || tries.size > 0) return;
      end();
      reject(failure);
    });
  };
  const timer = setInterval(begin, againAfter);
  signal.addEventListener("abort", abort);
  begin();
  return promise;
}
