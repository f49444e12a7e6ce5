/** A TCP proxy that stops passing bytes and ends no connection, as a network does that is cut. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

export class StallingProxy {
  readonly port: number;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private isStalled = false;

  private constructor(server: Server, port: number) {
    this.server = server;
    this.port = port;
  }

  static async to(targetPort: number): Promise<StallingProxy> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const proxy = new StallingProxy(server, port);
    server.on("connection", (client) => proxy.pass(client, targetPort));
    return proxy;
  }

  /** What is sent while it is stalled is lost; a connection of that time is never of use again. */
  stall(isStalled: boolean): void {
    this.isStalled = isStalled;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
  }

  private pass(client: Socket, targetPort: number): void {
    const target = connect(targetPort, "127.0.0.1");
    let isBroken = this.isStalled;
    for (const [from, to] of [
      [client, target],
      [target, client],
    ] as const) {
      this.sockets.add(from);
      from.on("error", () => {});
      from.on("data", (bytes) => {
        isBroken ||= this.isStalled;
        if (!isBroken) to.write(bytes);
      });
      from.on("close", () => {
        this.sockets.delete(from);
        if (!isBroken && !this.isStalled) to.destroy();
      });
    }
  }
}
