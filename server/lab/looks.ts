import { randomInt } from "node:crypto";
import { RoomcastError } from "../../core/errors.ts";
import type { AgentMessage } from "../../core/wire/agent-message.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import type { LabTimers } from "./timers.ts";

/** A PC that is busy to the last core answers within this, in milliseconds. */
const answerLimit = 5000;

export type LookAt = "screen" | "log";

/** What operators want to see of a PC, and what its agent answers. */
export class Looks {
  private readonly timers: Pick<LabTimers, "later">;
  private readonly send: (pc: string, message: ServerMessage) => void;
  private readonly open = new Map<string, { pc: string; seen(lines: readonly string[]): void }>();

  constructor(
    timers: Pick<LabTimers, "later">,
    send: (pc: string, message: ServerMessage) => void,
  ) {
    this.timers = timers;
    this.send = send;
  }

  /** The PC's screen, or the end of its log, a line of text each. Rejects with `pc-unreachable` when it does not answer. */
  async look(pc: string, at: LookAt): Promise<readonly string[]> {
    const request = randomInt(2 ** 47).toString(36);
    let stopWaiting: (() => void) | undefined;
    try {
      return await new Promise<readonly string[]>((seen, reject) => {
        const next = "see the PC's own screen; its agent may hang";
        const silent = new RoomcastError("pc-unreachable", "the PC does not answer", next);
        stopWaiting = this.timers.later(answerLimit, () => reject(silent));
        this.open.set(request, { pc, seen });
        this.send(pc, { type: "look", request, at });
      });
    } finally {
      stopWaiting?.();
      this.open.delete(request);
    }
  }

  /** An agent's answer; one that nobody waits for, or of another PC, is dropped. */
  seen(pc: string, { request, lines }: Extract<AgentMessage, { type: "seen" }>): void {
    const look = this.open.get(request);
    if (look?.pc === pc) look.seen(lines);
  }
}
