import type { WebSocket } from "@fastify/websocket";
import type { FastifyInstance } from "fastify";
import {
  type AgentMessage,
  aliveEvery,
  type BulkFrame,
  controlFrameLimit,
  controlProtocol,
  decodeAgentMessage,
  decodeBulk,
  type Hello,
  type ServerMessage,
  silenceLimit,
} from "../../core/wire/control.ts";

/** One agent's connection, once it has said hello. */
export interface AgentLink {
  readonly pc: string;
  readonly instance: string;
  send(message: ServerMessage): void;
  sendBytes(frame: Uint8Array): void;
}

export interface AgentEvents {
  /** Answers the PC's id and the welcome to send. */
  hello(hello: Hello, address: string): { readonly pc: string; readonly welcome: ServerMessage };
  /** The welcome is sent. */
  connected(link: AgentLink, hello: Hello): void;
  message(link: AgentLink, message: Exclude<AgentMessage, Hello>): void;
  bulk(link: AgentLink, frame: BulkFrame): void;
  lost(link: AgentLink, reason: string): void;
  /** A frame that is none of ours, or not yet; ignored. */
  ignored(reason: string, address: string): void;
}

/** A bitmap over the largest index that a restore may have, and its header: 16 TiB of 1 MiB chunks. */
const bulkFrameLimit = 2 * 1024 * 1024 + 8;

/**
 * The place where agents connect: `GET /agent/v1/connect`. It keeps at most one connection a PC; a
 * newer one replaces the older. Whoever is silent for `silenceLimit` is cut off.
 */
export class Agents {
  private readonly links = new Map<string, { link: AgentLink; socket: WebSocket }>();
  private readonly sockets = new Set<WebSocket>();
  private readonly events: AgentEvents;
  /** Frames that were no message of ours. */
  framesIgnored = 0;

  constructor(events: AgentEvents) {
    this.events = events;
  }

  /** Registers the route on an application that has `@fastify/websocket`. */
  route(app: FastifyInstance): void {
    app.get("/agent/v1/connect", { websocket: true }, (socket, request) => {
      this.accept(socket, request.ip);
    });
  }

  isConnected(pc: string): boolean {
    return this.links.has(pc);
  }

  /** False when the PC is not connected. */
  send(pc: string, message: ServerMessage): boolean {
    const held = this.links.get(pc);
    held?.link.send(message);
    return held !== undefined;
  }

  sendBytes(pc: string, frame: Uint8Array): void {
    this.links.get(pc)?.link.sendBytes(frame);
  }

  /** Cuts a PC's connection: it comes back by itself. */
  disconnect(pc: string): void {
    this.links.get(pc)?.socket.terminate();
  }

  /** Cuts all connections; none of them counts as lost. */
  close(): void {
    this.links.clear();
    for (const socket of this.sockets) socket.terminate();
  }

  private accept(socket: WebSocket, address: string): void {
    let link: AgentLink | null = null;
    let heardAt = performance.now();
    this.sockets.add(socket);
    const send = (message: ServerMessage): void => {
      if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message));
    };
    const heartbeat = setInterval(() => {
      if (performance.now() - heardAt > silenceLimit) socket.terminate();
      else send({ type: "alive" });
    }, aliveEvery);

    socket.on("message", (data: Buffer, isBinary: boolean) => {
      heardAt = performance.now();
      const reason = isBinary ? this.takeBulk(link, data) : undefined;
      if (reason !== undefined) return this.ignore(reason, address);
      if (isBinary) return;
      if (data.length > controlFrameLimit) return this.ignore("too long", address);
      const decoded = decodeAgentMessage(data.toString("utf8"));
      if (!decoded.ok) return this.ignore(decoded.reason, address);
      const message = decoded.value;
      if (message.type === "hello") {
        if (link !== null) return this.ignore("a second hello", address);
        link = this.greet(message, address, socket, send);
      } else if (link === null) this.ignore(`${message.type} before hello`, address);
      else this.events.message(link, message);
    });
    socket.on("error", () => socket.terminate());
    socket.on("close", () => {
      clearInterval(heartbeat);
      this.sockets.delete(socket);
      if (link === null || this.links.get(link.pc)?.link !== link) return;
      this.links.delete(link.pc);
      const silent = performance.now() - heardAt > silenceLimit;
      const why = silent ? `silent for ${Math.round(silenceLimit / 1000)} s` : "connection closed";
      this.events.lost(link, `the PC stopped answering (${why})`);
    });
  }

  private greet(
    hello: Hello,
    address: string,
    socket: WebSocket,
    send: (message: ServerMessage) => void,
  ): AgentLink | null {
    const { pc, welcome } = this.events.hello(hello, address);
    send(welcome);
    if (hello.protocol !== controlProtocol) {
      socket.close(4000, `protocol ${hello.protocol}, server speaks ${controlProtocol}`);
      return null;
    }
    const older = this.links.get(pc);
    const sendBytes = (frame: Uint8Array): void => {
      if (socket.readyState === socket.OPEN) socket.send(frame, { binary: true });
    };
    const link: AgentLink = { pc, instance: hello.instance, send, sendBytes };
    this.links.set(pc, { link, socket });
    if (older !== undefined) {
      const again = older.link.instance === hello.instance;
      this.events.lost(older.link, again ? "the PC connected anew" : "the PC was started anew");
      older.socket.terminate();
    }
    this.events.connected(link, hello);
    return link;
  }

  private takeBulk(link: AgentLink | null, data: Buffer): string | undefined {
    if (link === null) return "binary frame before hello";
    if (data.length > bulkFrameLimit) return "binary frame too long";
    const decoded = decodeBulk(data);
    if (!decoded.ok) return decoded.reason;
    this.events.bulk(link, decoded.value);
    return undefined;
  }

  private ignore(reason: string, address: string): void {
    this.framesIgnored++;
    this.events.ignored(reason, address);
  }
}
