/** The connections of the PCs' agents: one WebSocket each (docs/protocol.md, "Control"). */
import type { WebSocket } from "@fastify/websocket";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { RoomcastError } from "../../core/errors.ts";
import { guarded } from "../../core/node/guard.ts";
import { version } from "../../core/node/version.ts";
import {
  aliveEvery,
  controlFrameLimit,
  controlProtocol,
  decodeAgentMessage,
  decodeBulk,
  type Hello,
  type ServerMessage,
  silenceLimit,
} from "../../core/wire/control.ts";
import type { Log } from "../host/log.ts";
import type { AgentEvents, Agents } from "../lab/agents.ts";
import { helloBytes, linkPath } from "./table.ts";
import { Unread } from "./unread.ts";

/** A bitmap over the largest index that a restore may have, and its header: 16 TiB of 1 MiB chunks. */
const bulkFrameLimit = 2 * 1024 * 1024 + 8;
/** Sockets that have said no hello yet, in all and of one address. A room says it within a second, and tries again. */
const greetingLimit = 256;
const greetingPerAddress = 16;
/** An agent looks at its disks before it says hello, for a second or two; in milliseconds. */
const greetingMs = 10_000;
/** For the other side to take the reason of the end, in milliseconds. */
const closingMs = 1000;

/** Why the server ended a connection: RFC 6455 section 7.4, from 4000 on our own. */
const closeCode = { failed: 1011, busy: 1013, otherProtocol: 4000, noHello: 4001 } as const;

interface Link {
  readonly pc: string;
  readonly instance: string;
  readonly connection: Connection;
}

/** What all connections share. */
interface Shared {
  readonly events: AgentEvents;
  readonly log: Log;
  /** By the PC's id: at most one, the newest. */
  readonly links: Map<string, Link>;
  readonly greeting: Set<Connection>;
  /** What PCs are to pin from now on. */
  keys(): readonly string[];
}

/** Holds the agents' connections: at most one a PC, and a newer one replaces the older. */
export class AgentLinks implements Agents {
  private readonly links: Shared["links"] = new Map();
  private readonly greeting: Shared["greeting"] = new Set();
  private readonly connections = new Set<Connection>();
  private readonly log: Log;
  private readonly keys: () => readonly string[];

  /** `keys`: what PCs are to pin from now on. */
  constructor(log: Log, keys: () => readonly string[]) {
    this.log = log;
    this.keys = keys;
  }

  /** Each PC that is connected hears of the keys, as a PC does that connects. */
  tellKeys(): void {
    for (const { connection } of this.links.values()) connection.tellKeys();
  }

  /** Registers `linkPath` on an application that has `@fastify/websocket`; `events` hears of all. */
  route(app: FastifyInstance, events: AgentEvents): void {
    const { links, greeting, log, keys } = this;
    const shared: Shared = { events, log, links, greeting, keys };
    const refuseBrowsers = async ({ headers }: FastifyRequest): Promise<void> => {
      if (headers.origin === undefined) return;
      const next = "agents connect here, and web pages do not";
      throw new RoomcastError("refused", "a web page may not be an agent", next);
    };
    app.get(linkPath, { websocket: true, onRequest: refuseBrowsers }, (socket, request) => {
      const connection = new Connection(socket, request, shared);
      this.connections.add(connection);
      socket.on("close", () => this.connections.delete(connection));
    });
  }

  isConnected(pc: string): boolean {
    return this.links.has(pc);
  }

  send(pc: string, message: ServerMessage): boolean {
    const link = this.links.get(pc);
    link?.connection.send(message);
    return link !== undefined;
  }

  sendBytes(pc: string, frame: Uint8Array): void {
    this.links.get(pc)?.connection.sendBytes(frame);
  }

  disconnect(pc: string): void {
    this.links.get(pc)?.connection.cut();
  }

  /** Cuts all connections; none of them counts as lost. */
  close(): void {
    this.links.clear();
    for (const connection of this.connections) connection.cut();
  }
}

class Connection {
  private readonly socket: WebSocket;
  private readonly address: string;
  private readonly shared: Shared;
  private readonly unread = new Unread();
  private readonly heartbeat: NodeJS.Timeout;
  private readonly greetingLimit: NodeJS.Timeout;
  private heardAt = performance.now();
  private link: Link | null = null;
  /** Why it was cut, for the history. */
  private why = "connection closed";
  /** What the frame at hand is, for the log. */
  private handling = "";

  constructor(socket: WebSocket, request: FastifyRequest, shared: Shared) {
    this.socket = socket;
    this.address = request.ip;
    this.shared = shared;
    this.heartbeat = setInterval(() => this.beat(), aliveEvery);
    this.greetingLimit = setTimeout(() => {
      this.refuse(closeCode.noHello, `no hello within ${greetingMs / 1000} s`);
    }, greetingMs);
    socket.on("message", (data: Buffer, isBinary: boolean) =>
      this.guard(() => this.take(data, isBinary)),
    );
    socket.on("error", () => socket.terminate());
    socket.on("close", () => this.guard(() => this.closed()));
    const ofAddress = [...shared.greeting].filter(({ address }) => address === this.address);
    if (shared.greeting.size >= greetingLimit || ofAddress.length >= greetingPerAddress) {
      this.refuse(closeCode.busy, "the server is greeting too many PCs at once; try again");
    } else {
      shared.greeting.add(this);
      this.countUntilHello(request.raw.socket);
    }
  }

  send(message: ServerMessage): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    const text = JSON.stringify(message);
    this.unread.queued(text.length);
    this.socket.send(text);
  }

  sendBytes(frame: Uint8Array): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    this.unread.queued(frame.length);
    this.socket.send(frame, { binary: true });
  }

  tellKeys(): void {
    this.send({ type: "keys", keys: [...this.shared.keys()] });
  }

  cut(): void {
    this.socket.terminate();
  }

  /** An error that nobody foresaw costs this connection, and no other. */
  private guard(work: () => void): void {
    const onError = (err: Error): void => {
      const about = { err, pc: this.link?.pc ?? null, address: this.address };
      this.shared.log.error({ ...about, message: this.handling }, "an agent's message failed");
      this.refuse(closeCode.failed, `the server failed at ${this.handling}: see its log`);
    };
    guarded(onError, work);
  }

  private beat(): void {
    if (performance.now() - this.heardAt > silenceLimit) {
      this.why = `silent for ${Math.round(silenceLimit / 1000)} s`;
      this.cut();
    } else if (this.unread.isStuck(this.socket.bufferedAmount)) {
      this.why = "it does not read what it is sent";
      this.cut();
    } else this.send({ type: "alive" });
  }

  /** `ws` keeps a whole frame before it shows it, and takes frames that are longer than any hello. */
  private countUntilHello(raw: NodeJS.EventEmitter): void {
    let bytes = 0;
    const count = (data: Buffer): void => {
      bytes += data.length;
      if (this.link !== null) raw.off("data", count);
      else if (bytes > helloBytes) this.refuse(closeCode.noHello, "the hello is too long");
    };
    raw.on("data", count);
  }

  private take(data: Buffer, isBinary: boolean): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    this.heardAt = performance.now();
    if (this.link === null) {
      this.handling = "hello";
      return this.takeHello(isBinary ? "" : data.toString("utf8"));
    }
    const reason = isBinary ? this.takeBulk(this.link, data) : this.takeMessage(this.link, data);
    if (reason === null) return;
    const { pc } = this.link;
    this.shared.log.info({ pc, address: this.address, reason }, "frame ignored");
  }

  private takeHello(text: string): void {
    const protocol = otherProtocol(text);
    if (protocol !== null) return this.refuseProtocol(protocol);
    const decoded = decodeAgentMessage(text);
    const reason = decoded.ok ? `${decoded.value.type} before hello` : decoded.reason;
    if (decoded.ok && decoded.value.type === "hello") return this.greet(decoded.value);
    this.shared.log.warn({ address: this.address, reason }, "an agent was refused");
    this.refuse(closeCode.noHello, `that is no hello: ${reason}`);
  }

  private greet(hello: Hello): void {
    const { events, links, greeting } = this.shared;
    const { pc, welcome } = events.hello(hello, this.address);
    clearTimeout(this.greetingLimit);
    greeting.delete(this);
    this.send(welcome);
    const older = links.get(pc);
    this.link = { pc, instance: hello.instance, connection: this };
    links.set(pc, this.link);
    if (older !== undefined) {
      const again = older.instance === hello.instance;
      older.connection.cut();
      events.lost(pc, again ? "the PC connected anew" : "the PC was started anew");
    }
    this.tellKeys();
    events.connected(pc, hello);
  }

  /** Nothing is remembered of a PC whose agent cannot be understood. */
  private refuseProtocol(protocol: number): void {
    const time = new Date().toISOString();
    const nobody = { pc: "", name: "", room: "" };
    // By the welcome the agent tells its screen what to do.
    this.send({
      ...{ type: "welcome", protocol: controlProtocol, serverVersion: version, time },
      ...nobody,
    });
    const what = `protocol ${protocol}, the server speaks ${controlProtocol}`;
    this.shared.log.warn({ address: this.address, protocol }, "an agent was refused");
    this.refuse(closeCode.otherProtocol, what);
  }

  /** Null, or why it was ignored. */
  private takeMessage({ pc }: Link, data: Buffer): string | null {
    this.handling = "text";
    if (data.length > controlFrameLimit) return "too long";
    const decoded = decodeAgentMessage(data.toString("utf8"));
    if (!decoded.ok) return decoded.reason;
    if (decoded.value.type === "hello") return "a second hello";
    this.handling = decoded.value.type;
    this.shared.events.message(pc, decoded.value);
    return null;
  }

  /** Null, or why it was ignored. */
  private takeBulk({ pc }: Link, data: Buffer): string | null {
    this.handling = "binary";
    if (data.length > bulkFrameLimit) return "binary frame too long";
    const decoded = decodeBulk(data);
    if (!decoded.ok) return decoded.reason;
    this.handling = `binary ${decoded.value.kind}`;
    this.shared.events.bulk(pc, decoded.value);
    return null;
  }

  /** Ends the connection with a reason that the agent's log shows. */
  private refuse(code: number, reason: string): void {
    this.why = reason;
    // RFC 6455 section 5.5: a control frame carries at most 125 bytes, two of them the code.
    this.socket.close(code, reason.replace(/[^\x20-\x7e]/g, "?").slice(0, 123));
    setTimeout(() => this.cut(), closingMs).unref();
  }

  private closed(): void {
    const { greeting, links, events } = this.shared;
    clearInterval(this.heartbeat);
    clearTimeout(this.greetingLimit);
    greeting.delete(this);
    const { link } = this;
    if (link === null || links.get(link.pc) !== link) return;
    links.delete(link.pc);
    this.handling = "the end of the connection";
    events.lost(link.pc, `the PC stopped answering (${this.why})`);
  }
}

/** The protocol that a hello names, when it is not ours: the rest of it may be of another form. */
function otherProtocol(text: string): number | null {
  try {
    const { type, protocol } = JSON.parse(text) as { type?: unknown; protocol?: unknown };
    return type === "hello" && Number.isInteger(protocol) && protocol !== controlProtocol
      ? (protocol as number)
      : null;
  } catch {
    return null;
  }
}
