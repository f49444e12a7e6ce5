/** One connection between an agent and a process of the server: in order, late, and cut at any moment. */
import type { AgentMessage, ServerMessage } from "../../core/wire/control.ts";

/** How the lab moves what is on the way. */
export interface Wire {
  now(): number;
  at(at: number, run: () => void): void;
  delayMs(): number;
}

export class Link {
  readonly pc: string;
  private readonly wire: Wire;
  /** Cut: nothing arrives any more, what is on the way included. The two sides notice when they do. */
  isCut = false;
  /** Nothing arrives before: a cable that was out for a moment. */
  stalledUntil = 0;
  private lastUp = 0;
  private lastDown = 0;
  onServer: (message: AgentMessage) => void = () => {};
  onPc: (message: ServerMessage) => void = () => {};

  constructor(pc: string, wire: Wire) {
    this.pc = pc;
    this.wire = wire;
  }

  toServer(message: AgentMessage): void {
    this.lastUp = this.arrival(this.lastUp);
    this.wire.at(this.lastUp, () => {
      if (!this.isCut) this.onServer(message);
    });
  }

  toPc(message: ServerMessage): void {
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
