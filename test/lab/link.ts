/** One connection between an agent and a process of the server: in order, late, and cut at any moment. */
import type { AgentMessage } from "../../core/wire/agent-message.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import type { SimLogin } from "./keys.ts";

/** How the lab moves what is on the way. */
export interface Wire {
  now(): number;
  at(at: number, run: () => void): void;
  delayMs(): number;
}

export type UpMessage = AgentMessage | SimLogin;
export type DownMessage =
  | ServerMessage
  | { readonly type: "sim-challenge"; readonly nonce: number; readonly channel: number };

/** Whoever is at the agent's end. */
export interface Peer {
  readonly id: string;
  /** The server's process has died, and its kernel closes the connection. */
  serverDied(link: Link): void;
}

/** Whose connection it is, as the server's process has found out. */
export interface Caller {
  readonly pc: string;
  /** Whether its words count; null: what that hangs on has changed since it was asked. */
  counts: boolean | null;
}

export class Link {
  readonly peer: Peer;
  private readonly wire: Wire;
  /** Cut: nothing arrives any more, what is on the way included. The two sides notice when they do. */
  isCut = false;
  /** Nothing arrives before: a cable that was out for a moment. */
  stalledUntil = 0;
  /** Null: nobody's. */
  caller: Caller | null = null;
  private lastUp = 0;
  private lastDown = 0;
  onServer: (message: UpMessage) => void = () => {};
  onPc: (message: DownMessage) => void = () => {};

  constructor(peer: Peer, wire: Wire) {
    this.peer = peer;
    this.wire = wire;
  }

  /** The PC, or the rogue, that is really there. */
  get pc(): string {
    return this.peer.id;
  }

  toServer(message: UpMessage): void {
    this.lastUp = this.arrival(this.lastUp);
    this.wire.at(this.lastUp, () => {
      if (!this.isCut) this.onServer(message);
    });
  }

  toPc(message: DownMessage): void {
    this.lastDown = this.arrival(this.lastDown);
    this.wire.at(this.lastDown, () => {
      if (!this.isCut) this.onPc(message);
    });
  }

  private arrival(last: number): number {
    const { wire } = this;
    return Math.max(wire.now() + wire.delayMs(), last, this.stalledUntil);
  }
}
