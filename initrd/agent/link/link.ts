import type { WebSocket } from "ws";
import {
  type LinkAction,
  type LinkEvent,
  LinkMachine,
  type LinkTrouble,
  type LinkWord,
  type Welcome,
} from "../../../core/agent/link.ts";
import { errorText, RoomcastError } from "../../../core/errors.ts";
import type { PinnedServer } from "../../../core/node/pinned.ts";
import type { Clock } from "../../../core/ports.ts";
import type { Prover } from "../../../core/trust/prover.ts";
import { printable } from "../../../core/units/printable.ts";
import type { AgentMessage, Alive } from "../../../core/wire/agent-message.ts";
import { type BulkFrame, decodeBulk, encodeBulk } from "../../../core/wire/bulk.ts";
import type { Hello } from "../../../core/wire/hello.ts";
import type { Challenge } from "../../../core/wire/login.ts";
import { decodeServerMessage, type ServerMessage } from "../../../core/wire/server-message.ts";
import { Login } from "./login.ts";

/** What the server says once the login is over. */
export type AgentOrder = Exclude<ServerMessage, Welcome | Challenge>;

const isOfLogin = (message: ServerMessage): message is Welcome | Challenge =>
  message.type === "welcome" || message.type === "challenge";

/** The codes differ only if somebody between has a connection to each side. */
const otherCode =
  "the server shows another code than this PC: somebody between them answers both; tell an operator";

export interface LinkEvents {
  /** The PC's key; it may take its time. */
  prover(): Promise<Prover>;
  /** Asked at each connection: disks and addresses may have changed. */
  hello(): Promise<Hello>;
  alive(): Alive;
  up(welcome: Welcome): void;
  message(message: AgentOrder): void;
  bulk(frame: BulkFrame): void;
  /** Not connected; said once a try. `isNews`: for another reason than at the last one. */
  down(trouble: LinkTrouble, isNews: boolean): void;
}

/** What a slow connection holds back at most; reports beyond it are dropped, the next ones say the same. */
const backlogLimit = 1 << 20;
/** RFC 6455, 7.4.2: codes from 4000 on are the application's own; the server gives its reason with them. */
const ownCodes = 4000;
/** `WebSocket.OPEN` (the type alone is imported here). */
const isOpen = (socket: WebSocket | null): socket is WebSocket => socket?.readyState === 1;

/** Where agents connect. */
const linkPath = "/gate/v2/link";

/** The WebSocket to the server, run by a `LinkMachine`. */
export class Link {
  private readonly server: PinnedServer;
  private readonly events: LinkEvents;
  private readonly clock: Clock;
  private readonly machine = new LinkMachine();
  private socket: WebSocket | null = null;
  /** Of the latest connection. */
  private login: Login | null = null;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;
  /** What was said last on this connection. */
  private lastAlive = "";
  /** Counts tries, so that what an old one still says is not heard. */
  private attempt = 0;

  constructor(server: PinnedServer, clock: Clock, events: LinkEvents) {
    this.server = server;
    this.clock = clock;
    this.events = events;
  }

  get word(): LinkWord {
    return this.machine.word;
  }

  /** Why there is no connection; null while there is one, and before the first try. */
  get trouble(): LinkTrouble | null {
    return this.machine.trouble;
  }

  /** What the server said of itself; null before it has. */
  get welcome(): Welcome | null {
    return this.machine.welcome;
  }

  /** The six digits of this connection, which the server shows too; null before it is made. */
  get code(): string | null {
    return this.login?.code ?? null;
  }

  private get isUp(): boolean {
    return this.machine.state.name === "connected";
  }

  /** The server hears of it at once if the agent is not at what it was said to be. */
  heed(): void {
    if (JSON.stringify(this.events.alive()) !== this.lastAlive) this.take({ type: "changed" });
  }

  /** Connects, and again for ever, until `close`. */
  start(): void {
    this.take({ type: "tick" });
  }

  /** False when there is no connection. */
  send(message: AgentMessage): boolean {
    if (!this.isUp || !isOpen(this.socket)) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  sendBulk(kind: number, tag: number, payload: Uint8Array): boolean {
    const { socket } = this;
    if (!this.isUp || !isOpen(socket)) return false;
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
        return void this.open(this.attempt);
      case "close":
        return this.drop();
      case "greet":
        if (this.login !== null) this.socket?.send(JSON.stringify(this.login.greet));
        return;
      case "prove":
        return this.prove(this.attempt, action.challenge);
      case "alive":
        return this.sayAlive();
      case "up":
        this.lastAlive = "";
        return events.up(action.welcome);
      case "message":
        if (!isOfLogin(action.message)) events.message(action.message);
        return;
      case "down":
        return events.down(action.trouble, action.isNews);
    }
  }

  private sayAlive(): void {
    const alive = this.events.alive();
    if (this.send(alive)) this.lastAlive = JSON.stringify(alive);
  }

  private async open(attempt: number): Promise<void> {
    let socket: WebSocket;
    try {
      const { socket: opened, ...channel } = await this.server.openLink(linkPath);
      socket = opened;
      if (attempt === this.attempt) this.login = new Login(channel);
    } catch (error) {
      return this.unreached(attempt, error);
    }
    // It may have been given up meanwhile.
    if (attempt !== this.attempt) return socket.close();
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    const unless = (stale: () => boolean, act: () => void) => (): void => {
      if (!stale()) act();
    };
    const stale = (): boolean => attempt !== this.attempt;
    socket.onopen = unless(stale, () => this.take({ type: "opened" }));
    socket.onerror = unless(stale, () => this.over(attempt, this.brokenText()));
    socket.onclose = ({ code, reason }) => {
      if (stale()) return;
      if (reason === "") return this.over(attempt, this.brokenText());
      const text = printable(reason);
      if (code >= ownCodes) this.refused(text);
      else this.over(attempt, `the server closed the connection: ${text}`);
    };
    socket.onmessage = ({ data }) => {
      if (!stale()) this.hear(data);
    };
  }

  private hear(data: unknown): void {
    if (data instanceof ArrayBuffer) return this.hearBulk(new Uint8Array(data));
    const decoded = typeof data === "string" ? decodeServerMessage(data) : null;
    const message = decoded?.ok === true ? decoded.value : null;
    const isOtherCode =
      message?.type === "welcome" && message.code !== null && message.code !== this.code;
    if (isOtherCode) return this.refused(otherCode);
    this.take({ type: "heard", message });
  }

  private hearBulk(data: Uint8Array): void {
    const decoded = decodeBulk(data);
    this.take({ type: "heard", message: null });
    if (decoded.ok) this.events.bulk(decoded.value);
  }

  private prove(attempt: number, challenge: Challenge): void {
    const { events, login } = this;
    if (login === null) return;
    const answer = async (): Promise<void> => {
      const [hello, prover] = await Promise.all([events.hello(), events.prover()]);
      const proof = await login.prove(challenge, hello, prover);
      if (attempt === this.attempt && isOpen(this.socket)) this.socket.send(JSON.stringify(proof));
    };
    answer().catch((error: unknown) => this.over(attempt, errorText(error)));
  }

  private brokenText(): string {
    return this.machine.state.name === "connecting"
      ? "something answers there, but it is no roomcast server; check the address and the port"
      : "the connection broke; check that the server runs";
  }

  private unreached(attempt: number, error: unknown): void {
    const detail = error instanceof RoomcastError ? `${error.message}; ${error.next}` : null;
    if (attempt !== this.attempt) return;
    if (!(error instanceof RoomcastError && error.code === "other-key"))
      return this.over(attempt, detail ?? errorText(error));
    this.drop();
    this.take({ type: "other-key", detail: error.message });
  }

  private over(attempt: number, detail: string): void {
    if (attempt !== this.attempt) return;
    this.drop();
    this.take({ type: "closed", detail });
  }

  private refused(reason: string): void {
    this.drop();
    this.take({ type: "refused", reason });
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
