/**
 * A WebSocket (RFC 6455) to the gate over TLS, as cheap as it can be for the one who drives two thousand of them beside
 * the server that is measured: what the server sees is the same as of an agent's own.
 */
import { randomBytes } from "node:crypto";
import { connect, createSecureContext, type TLSSocket } from "node:tls";
import { gateServername } from "../../../core/node/pin.ts";
import { linkPath } from "../../../server/gate/table.ts";

/** One for all PCs of a process: in a building, each has a processor of its own to make one. */
const secureContext = createSecureContext({ minVersion: "TLSv1.3" });
const endOfHead = Buffer.from("\r\n\r\n");
/** RFC 6455 section 5.2. */
const opcode = { text: 1, binary: 2, close: 8 } as const;
const fin = 0x80;
/** With a mask of zeros the bytes stay as they are. */
const masked = 0x80;
const nothing = Buffer.alloc(0);

export interface LeanEvents {
  /** The server has taken the WebSocket. */
  open(channel: TLSSocket): void;
  text(text: string): void;
  /** `reason`: as the server gave it, or why there is no connection. */
  closed(reason: string): void;
}

export class LeanLink {
  private readonly socket: TLSSocket;
  private readonly events: LeanEvents;
  private isOpen = false;
  private reason = "1006 ";
  private rest: Buffer = nothing;

  constructor(port: number, localAddress: string, events: LeanEvents) {
    this.events = events;
    const socket = connect({
      ...{ host: "127.0.0.1", port, localAddress, servername: gateServername },
      ...{ ALPNProtocols: ["http/1.1"], rejectUnauthorized: false, secureContext },
    });
    this.socket = socket;
    socket.setNoDelay(true);
    socket.once("secureConnect", () => socket.write(requestTo(port)));
    socket.on("data", (data: Buffer) => this.take(data));
    socket.on("error", () => {});
    socket.once("close", () => events.closed(this.reason));
  }

  get canSend(): boolean {
    return this.isOpen && this.socket.writable;
  }

  sendText(text: string): void {
    this.send(opcode.text, Buffer.from(text));
  }

  sendBytes(bytes: Uint8Array): void {
    this.send(opcode.binary, bytes);
  }

  cut(): void {
    this.socket.destroy();
  }

  private send(kind: number, payload: Uint8Array): void {
    const { length } = payload;
    const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
    const frame = Buffer.alloc(2 + extended + 4 + length);
    frame[0] = fin | kind;
    frame[1] = masked | (extended === 0 ? length : extended === 2 ? 126 : 127);
    if (extended === 2) frame.writeUInt16BE(length, 2);
    if (extended === 8) frame.writeBigUInt64BE(BigInt(length), 2);
    frame.set(payload, 2 + extended + 4);
    this.socket.write(frame);
  }

  private take(data: Buffer): void {
    this.rest = this.rest.length === 0 ? data : Buffer.concat([this.rest, data]);
    if (!this.isOpen) {
      const end = this.rest.indexOf(endOfHead);
      if (end < 0) return;
      const head = this.rest.subarray(0, end).toString("latin1");
      if (!head.startsWith("HTTP/1.1 101 ")) {
        this.reason = head.split("\r\n", 1)[0] ?? "";
        return this.cut();
      }
      this.rest = this.rest.subarray(end + endOfHead.length);
      this.isOpen = true;
      this.events.open(this.socket);
    }
    while (this.takeFrame());
  }

  /** A server neither masks nor, here, divides its frames. */
  private takeFrame(): boolean {
    const { rest } = this;
    if (rest.length < 2) return false;
    const short = rest[1] as number;
    const at = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (rest.length < at) return false;
    const length =
      short < 126 ? short : short === 126 ? rest.readUInt16BE(2) : Number(rest.readBigUInt64BE(2));
    if (rest.length < at + length) return false;
    const payload = rest.subarray(at, at + length);
    this.rest = rest.subarray(at + length);
    const kind = (rest[0] as number) & 0x0f;
    if (kind === opcode.text) this.events.text(payload.toString("utf8"));
    else if (kind === opcode.close) {
      if (length >= 2) this.reason = `${payload.readUInt16BE(0)} ${payload.toString("utf8", 2)}`;
      this.cut();
    }
    return true;
  }
}

const requestTo = (port: number): string =>
  [
    `GET ${linkPath} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
    "\r\n",
  ].join("\r\n");
