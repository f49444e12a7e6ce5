/** One agent's connection: its login, and what comes over it once its key is proven. */
import type { Socket } from "node:net";
import type { WebSocket } from "@fastify/websocket";
import type { FastifyRequest } from "fastify";
import { RoomcastError } from "../../core/errors.ts";
import { guarded } from "../../core/node/guard.ts";
import { decodeAgentMessage } from "../../core/wire/agent-message.ts";
import { decodeBulk } from "../../core/wire/bulk.ts";
import {
  aliveEvery,
  controlFrameLimit,
  serverAliveEvery,
  silenceLimit,
} from "../../core/wire/control.ts";
import {
  controlProtocol,
  decodeGreet,
  decodeProof,
  loginBytes,
  otherProtocol,
} from "../../core/wire/login.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import type { Log } from "../host/log.ts";
import type { AgentEvents, Login } from "../lab/agents.ts";
import type { RareLines } from "../lab/rare-line.ts";
import { channelOf } from "./channel.ts";
import { LoginCheck, type LoginFault } from "./proof.ts";
import type { Unproven } from "./unproven.ts";
import { Unread } from "./unread.ts";

/** A bitmap over the largest index that a restore may have, and its header: 16 TiB of 1 MiB chunks. */
const bulkFrameLimit = 2 * 1024 * 1024 + 8;
/** For the greeting, of which an agent knows all; in milliseconds. */
const greetingMs = 10_000;
/** An agent looks at its disks, and a TPM makes its key and a quote: seconds each; in milliseconds. */
const provingMs = 30_000;
/** For the other side to take the reason of the end, in milliseconds. */
const closingMs = 1000;

/** Why the server ended a connection: RFC 6455 section 7.4, from 4000 on our own. */
const closeCode = {
  failed: 1011,
  busy: 1013,
  otherProtocol: 4000,
  noProof: 4001,
  refused: 4002,
} as const;

interface Link {
  readonly pc: string;
  readonly instance: string;
  readonly connection: Connection;
}

/** What all connections share. */
export interface Shared {
  readonly events: AgentEvents;
  readonly log: Log;
  /** By the PC's id: at most one, the newest. */
  readonly links: Map<string, Link>;
  readonly unproven: Unproven;
  readonly refused: Map<string, number>;
  /** For the log: whoever connects can cause them. */
  readonly lines: RareLines;
  /** What PCs are to pin from now on. */
  keys(): readonly string[];
}

export class Connection {
  private readonly socket: WebSocket;
  /** What is below the WebSocket. */
  private readonly raw: Socket;
  private readonly address: string;
  private readonly cameTo: string;
  private readonly shared: Shared;
  private readonly unread = new Unread();
  private readonly heartbeat: NodeJS.Timeout;
  private readonly login: LoginCheck;
  private loginLimit: NodeJS.Timeout;
  /** Heartbeats since it was last heard: a server that was held up itself has not listened either. */
  private silentBeats = 0;
  /** Heartbeats since it was last told anything. */
  private quietBeats = 0;
  private link: Link | null = null;
  /** Why it was cut, for the history. */
  private why = "connection closed";
  /** What the frame at hand is, for the log. */
  private handling = "";

  constructor(socket: WebSocket, request: FastifyRequest, shared: Shared) {
    this.socket = socket;
    this.raw = request.raw.socket;
    this.address = request.ip;
    this.cameTo = this.raw.localAddress ?? "";
    this.shared = shared;
    this.heartbeat = setInterval(() => this.beat(), aliveEvery);
    this.login = new LoginCheck(() => channelOf(request));
    this.loginLimit = this.refuseAfter(greetingMs, "greeting");
    socket.on("message", (data: Buffer, isBinary: boolean) =>
      this.guard(() => this.take(data, isBinary)),
    );
    socket.on("error", () => socket.terminate());
    socket.on("close", () => this.guard(() => this.closed()));
    if (!shared.unproven.add(this, this.address)) {
      this.refuse(closeCode.busy, "too many PCs log in at once; try again");
    } else {
      // From here on it counts with those that have proven no key.
      request.letIn();
      this.countUntilProof();
    }
  }

  send(message: ServerMessage): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    this.quietBeats = 0;
    const text = JSON.stringify(message);
    this.unread.queued(text.length);
    this.socket.send(text);
  }

  sendBytes(frame: Uint8Array): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    this.quietBeats = 0;
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
      const line = this.shared.lines.take("failed", "an agent's message failed");
      if (line !== null) this.shared.log.error({ ...about, message: this.handling }, line);
      this.refuse(closeCode.failed, `the server failed at ${this.handling}: see its log`);
    };
    guarded(onError, work);
  }

  private beat(): void {
    if (++this.silentBeats * aliveEvery > silenceLimit) {
      this.why = `silent for ${Math.round(silenceLimit / 1000)} s`;
      this.cut();
    } else if (this.unread.isStuck(this.socket.bufferedAmount)) {
      this.why = "it does not read what it is sent";
      this.cut();
    } else if (++this.quietBeats * aliveEvery >= serverAliveEvery) this.send({ type: "alive" });
  }

  private refuseAfter(ms: number, what: "greeting" | "proof"): NodeJS.Timeout {
    return setTimeout(() => {
      this.refuseLogin(what, `no ${what} within ${ms / 1000} s`);
    }, ms);
  }

  /** `ws` keeps a whole frame before it shows it, and takes frames that are longer than any proof. */
  private countUntilProof(): void {
    const { raw } = this;
    let bytes = 0;
    const count = (data: Buffer): void => {
      bytes += data.length;
      if (this.link !== null) raw.off("data", count);
      else if (bytes > loginBytes) this.refuseLogin("proof", "the login is too long");
    };
    raw.on("data", count);
  }

  private take(data: Buffer, isBinary: boolean): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    this.silentBeats = 0;
    if (this.link === null) {
      this.handling = "the login";
      return this.takeLogin(isBinary ? "" : data.toString("utf8"));
    }
    const reason = isBinary ? this.takeBulk(this.link, data) : this.takeMessage(this.link, data);
    if (reason === null) return;
    const { pc } = this.link;
    const line = this.shared.lines.take("ignored", "frame ignored");
    if (line !== null) this.shared.log.info({ pc, address: this.address, reason }, line);
  }

  /** Nothing before a right proof reaches the lab. */
  private takeLogin(text: string): void {
    const { login } = this;
    if (login.isGreeted) {
      const proven = login.prove(text);
      if (!proven.ok) return this.refuseLogin(proven.fault, proven.reason);
      return this.letIn({ ...proven.value, address: this.address, cameTo: this.cameTo });
    }
    const protocol = otherProtocol(text);
    if (protocol !== null) return this.refuseProtocol(protocol);
    const challenge = login.greet(text);
    if (!challenge.ok) return this.refuseLogin(challenge.fault, challenge.reason);
    clearTimeout(this.loginLimit);
    this.loginLimit = this.refuseAfter(provingMs, "proof");
    this.send(challenge.value);
  }

  private letIn(login: Login): void {
    const { events, links, unproven } = this.shared;
    const { pc, welcome } = this.welcomed(login) ?? {};
    if (pc === undefined || welcome === undefined) return;
    clearTimeout(this.loginLimit);
    unproven.delete(this);
    // All that it is told now goes as one: each write costs a record of TLS and a call of the system.
    this.raw.cork();
    try {
      this.send(welcome);
      const older = links.get(pc);
      const { instance } = login.hello;
      this.link = { pc, instance, connection: this };
      links.set(pc, this.link);
      if (older !== undefined) {
        const again = older.instance === instance;
        older.connection.cut();
        events.lost(pc, again ? "the PC connected anew" : "the PC was started anew");
      }
      this.tellKeys();
      events.connected(pc, login);
    } finally {
      this.raw.uncork();
    }
  }

  private welcomed(login: Login): ReturnType<AgentEvents["login"]> | null {
    try {
      return this.shared.events.login(login);
    } catch (error) {
      if (!(error instanceof RoomcastError)) throw error;
      this.refuseLogin("refused", `${error.message}: ${error.next}`, closeCode.refused);
      return null;
    }
  }

  private refuseLogin(fault: LoginFault, reason: string, code: number = closeCode.noProof): void {
    const { refused, log, lines } = this.shared;
    refused.set(fault, (refused.get(fault) ?? 0) + 1);
    const line = lines.take(fault, "a login was refused");
    if (line !== null) log.warn({ address: this.address, fault, reason }, line);
    this.refuse(code, reason);
  }

  /** Nothing is remembered of a PC whose agent cannot be understood. */
  private refuseProtocol(protocol: number): void {
    // By the challenge the agent tells its screen what to do.
    this.send(this.login.challenge);
    const what = `protocol ${protocol}, the server speaks ${controlProtocol}`;
    this.refuseLogin("protocol", what, closeCode.otherProtocol);
  }

  /** Null, or why it was ignored. */
  private takeMessage({ pc }: Link, data: Buffer): string | null {
    this.handling = "text";
    if (data.length > controlFrameLimit) return "too long";
    const text = data.toString("utf8");
    const decoded = decodeAgentMessage(text);
    if (!decoded.ok) {
      if (!decodeGreet(text).ok && !decodeProof(text).ok) return decoded.reason;
      this.refuseLogin("repeated", "a connection has one login");
      return null;
    }
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
    const { unproven, links, events } = this.shared;
    clearInterval(this.heartbeat);
    clearTimeout(this.loginLimit);
    unproven.delete(this);
    const { link } = this;
    if (link === null || links.get(link.pc) !== link) return;
    links.delete(link.pc);
    this.handling = "the end of the connection";
    events.lost(link.pc, `the PC stopped answering (${this.why})`);
  }
}
