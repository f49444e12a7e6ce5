import { connect } from "node:net";
import { errorText } from "../../../core/errors.ts";
import type { Clock } from "../../../core/ports.ts";
import type { Millis } from "../../../core/units/units.ts";
import {
  type AgentMessage,
  type BulkFrame,
  decodeBulk,
  decodeServerMessage,
  encodeBulk,
  type Hello,
  type ServerMessage,
} from "../../../core/wire/control.ts";
import type { PcState } from "../../../core/wire/views.ts";
import {
  type DownReason,
  type LinkAction,
  type LinkEvent,
  LinkMachine,
  type Welcome,
} from "./machine.ts";

export interface LinkEvents {
  /** Asked at each connection: disks and addresses may have changed. */
  hello(): Promise<Hello>;
  state(): PcState;
  up(welcome: Welcome): void;
  message(message: Exclude<ServerMessage, Welcome>): void;
  bulk(frame: BulkFrame): void;
  /** Not connected, and why, in words; said once a try. */
  down(detail: string, why: DownReason): void;
}

/** What a slow connection holds back at most; reports beyond it are dropped, the next ones say the same. */
const backlogLimit = 1 << 20;
/** A server on the same network answers at once; one that is off does not. */
const connectLimit = 5000;

/** The WebSocket to the server, run by a `LinkMachine`. */
export class Link {
  private readonly server: URL;
  private readonly events: LinkEvents;
  private readonly clock: Clock;
  private readonly machine = new LinkMachine();
  private socket: WebSocket | null = null;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;
  /** Counts tries, so that what an old one still says is not heard. */
  private attempt = 0;
  /** Frames that were no message of ours. */
  framesIgnored = 0;

  constructor(server: URL, clock: Clock, events: LinkEvents) {
    this.server = server;
    this.clock = clock;
    this.events = events;
  }

  get isUp(): boolean {
    return this.machine.state.name === "connected";
  }

  /** When the server last said something, on the link's clock; null while there is no connection. */
  get heardAt(): Millis | null {
    const { state } = this.machine;
    return state.name === "connected" ? state.heardAt : null;
  }

  /** Connects, and again for ever, until `close`. */
  start(): void {
    this.take({ type: "tick" });
  }

  /** False when there is no connection. */
  send(message: AgentMessage): boolean {
    if (!this.isUp || this.socket?.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  sendBulk(kind: number, tag: number, payload: Uint8Array): boolean {
    const { socket } = this;
    if (!this.isUp || socket?.readyState !== WebSocket.OPEN) return false;
    if (socket.bufferedAmount > backlogLimit) return false;
    // A copy: the caller's memory may be shared with a worker.
    socket.send(encodeBulk(kind, tag, payload) as Uint8Array<ArrayBuffer>);
    return true;
  }

  /** Says hello again, by a new connection. */
  renew(): void {
    if (this.isUp) this.over(this.attempt, "connecting again");
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.drop();
  }

  private take(event: LinkEvent): void {
    if (this.closed) return;
    for (const action of this.machine.handle(event, this.clock.now())) this.perform(action);
    clearTimeout(this.timer);
    if (this.closed) return;
    const wait = Math.max(0, Math.ceil(this.machine.deadline - this.clock.now()));
    this.timer = setTimeout(() => this.take({ type: "tick" }), wait);
  }

  private perform(action: LinkAction): void {
    const { events } = this;
    switch (action.type) {
      case "open":
        this.drop();
        this.open(this.attempt).catch((error: unknown) => {
          this.over(this.attempt, errorText(error));
        });
        return;
      case "close":
        return this.drop();
      case "hello":
        return this.greet(this.attempt);
      case "alive":
        this.send({ type: "alive", state: events.state() });
        return;
      case "up":
        return events.up(action.welcome);
      case "message":
        if (action.message.type !== "welcome") events.message(action.message);
        return;
      case "down":
        return events.down(action.detail, action.why);
    }
  }

  private async open(attempt: number): Promise<void> {
    const trouble = await reach(this.server);
    if (attempt !== this.attempt || this.closed) return;
    if (trouble !== null) return this.over(attempt, trouble);
    const address = new URL("/agent/v1/connect", this.server);
    address.protocol = this.server.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    const unless = (stale: () => boolean, act: () => void) => (): void => {
      if (!stale()) act();
    };
    const stale = (): boolean => attempt !== this.attempt;
    socket.onopen = unless(stale, () => this.take({ type: "opened" }));
    socket.onerror = unless(stale, () => this.over(attempt, this.brokenText()));
    socket.onclose = unless(stale, () => this.over(attempt, this.brokenText()));
    socket.onmessage = ({ data }) => {
      if (!stale()) this.hear(data);
    };
  }

  private hear(data: unknown): void {
    if (data instanceof ArrayBuffer) return this.hearBulk(new Uint8Array(data));
    const decoded = typeof data === "string" ? decodeServerMessage(data) : null;
    if (decoded?.ok !== true) this.framesIgnored++;
    this.take({ type: "heard", message: decoded?.ok === true ? decoded.value : null });
  }

  private hearBulk(data: Uint8Array): void {
    const decoded = decodeBulk(data);
    if (!decoded.ok) this.framesIgnored++;
    this.take({ type: "heard", message: null });
    if (decoded.ok) this.events.bulk(decoded.value);
  }

  private greet(attempt: number): void {
    this.events.hello().then(
      (hello) => {
        if (attempt !== this.attempt || this.socket?.readyState !== WebSocket.OPEN) return;
        this.socket.send(JSON.stringify(hello));
      },
      (error: unknown) => this.over(attempt, String(error)),
    );
  }

  private brokenText(): string {
    return this.machine.state.name === "connecting"
      ? "something answers there, but it is no roomcast server; check the address and the port"
      : "the connection broke; check that the server runs";
  }

  private over(attempt: number, detail: string): void {
    if (attempt !== this.attempt) return;
    this.drop();
    this.take({ type: "closed", detail });
  }

  private drop(): void {
    this.attempt++;
    const { socket } = this;
    this.socket = null;
    if (socket === null) return;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    // Closing a socket that is not open yet is an error of its own.
    socket.onerror = () => {};
    socket.close();
  }
}

/** Whether anything listens there: null, or why not and what to check. A WebSocket alone does not tell. */
function reach(server: URL): Promise<string | null> {
  const port = Number(server.port || (server.protocol === "https:" ? 443 : 80));
  return new Promise((resolve) => {
    // An IPv6 address stands in brackets in a URL.
    const socket = connect({ host: server.hostname.replace(/^\[|\]$/g, ""), port });
    const end = (trouble: string | null): void => {
      socket.destroy();
      resolve(trouble);
    };
    socket.setTimeout(connectLimit, () => end(troubleText("ETIMEDOUT")));
    socket.on("error", (error: NodeJS.ErrnoException) => end(troubleText(error.code ?? "")));
    socket.on("connect", () => end(null));
  });
}

function troubleText(code: string): string {
  switch (code) {
    case "ECONNREFUSED":
      return "nothing listens there; check that the server runs, and the port";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "no address is known for this name; check the name, or give the address in numbers";
    case "ENETUNREACH":
    case "EADDRNOTAVAIL":
      return "there is no way to this address; check the PC's own address and the cable";
    case "EHOSTUNREACH":
    case "ETIMEDOUT":
      return "no answer; check the address, the cable and the switch port, and that the server runs";
    default:
      return `it cannot be reached (${code}); check the address and the network`;
  }
}
