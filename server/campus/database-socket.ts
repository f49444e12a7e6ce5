/** Connections to the campus's database: TCP or a socket, TLS, and an end to all of them when nothing answers. */
import { once } from "node:events";
import { connect, Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { errorText } from "../../core/errors.ts";
import type { DatabaseAddress } from "./database-address.ts";

/** PostgreSQL's protocol, "SSLRequest": its length, and a code in place of a version. */
const sslRequest = Uint8Array.of(0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f);
const sslAccepted = "S".charCodeAt(0);

/** A connection that could not be made, or was ended since nothing answered. */
export class SilenceError extends Error {
  readonly code = "SILENCE";
}

/**
 * What waits on a connection fails before the library hears that it is closed. The library's transactions answer a failure
 * with a ROLLBACK, and writing that to a connection that it knows as closed would end the process.
 */
function closedLate(socket: Socket): Socket {
  const emit = socket.emit.bind(socket);
  socket.emit = (event: string | symbol, ...values: unknown[]): boolean => {
    if (event !== "close") return emit(event, ...values);
    // The ROLLBACK is written in the next turn, to nobody.
    setImmediate(() => setImmediate(() => emit("close", false)));
    return true;
  };
  socket.once("end", () => socket.destroy(new SilenceError("it closed the connection")));
  return socket;
}

/** All connections to one database. */
export class DatabaseSockets {
  private readonly address: DatabaseAddress;
  private readonly connectMs: number;
  private readonly sockets = new Set<Socket>();
  private isClosed = false;

  constructor(address: DatabaseAddress, connectMs: number) {
    this.address = address;
    this.connectMs = connectMs;
  }

  /**
   * A new connection, on which PostgreSQL's protocol can begin. It never rejects: the library would count a
   * connection that rejects as one that is being made, for ever. What went wrong is the socket's error.
   */
  async open(): Promise<Socket> {
    try {
      const socket = closedLate(await this.made(AbortSignal.timeout(this.connectMs)));
      if (this.isClosed) socket.destroy();
      this.sockets.add(socket);
      socket.once("close", () => this.sockets.delete(socket));
      return socket;
    } catch (cause) {
      const failed = Object.assign(new Socket(), { write: () => true });
      const fail = (): void => {
        failed.destroy(new SilenceError(errorText(cause), { cause }));
      };
      // After the library listens, and has written its greeting: one that is left unwritten when a connection
      // closes it would keep for the next one, and never begin to write there.
      setImmediate(() => setImmediate(fail));
      return failed;
    }
  }

  /** Ends them at once. What waits for an answer on them fails. */
  cut(why: string): void {
    for (const socket of this.sockets) socket.destroy(new SilenceError(why));
  }

  /** Ends them, and each that is made from now on. */
  close(): void {
    this.isClosed = true;
    for (const socket of this.sockets) socket.destroy();
  }

  private async made(signal: AbortSignal): Promise<Socket> {
    const { target } = this.address;
    const socket = "path" in target ? connect(target.path) : connect(target.port, target.host);
    const secured = "path" in target || target.tls === null ? null : target.tls;
    try {
      await once(socket, "connect", { signal });
      return secured === null ? socket : await this.secure(socket, secured, signal);
    } catch (cause) {
      socket.on("error", () => {}).destroy();
      if (!signal.aborted) throw cause;
      throw new SilenceError(`no connection in ${this.connectMs / 1000} s`, { cause });
    }
  }

  private async secure(
    socket: Socket,
    tls: ConnectionOptions,
    signal: AbortSignal,
  ): Promise<Socket> {
    socket.write(sslRequest);
    const [answer] = (await once(socket, "data", { signal })) as [Buffer];
    // More than the one byte would be from somebody who writes into the connection before it is secured.
    if (answer.length !== 1 || answer[0] !== sslAccepted) {
      throw new SilenceError("it does not speak TLS");
    }
    const secure = connectTls({ ...tls, socket });
    try {
      await once(secure, "secureConnect", { signal });
      return secure;
    } catch (cause) {
      secure.on("error", () => {}).destroy();
      throw cause;
    }
  }
}
