/**
 * The result of a task until the server has it for certain. A connection that breaks just then must
 * not lose it: it is said again on the next one. Time in, decisions out.
 */
import { type Millis, millis } from "../../core/units/units.ts";
import type { AgentMessage } from "../../core/wire/control.ts";

type Result = Extract<AgentMessage, { type: "result" }>;

/** What the server says this long after the result was sent on the same connection, it says knowing it. */
const answerAfter = millis(300);
/** A server that is away for longer hears of it no more before the PC goes on. */
const holdFor = millis(60_000);

export class Outbox {
  private held: { readonly result: Result; readonly since: Millis; sentAt: Millis | null } | null =
    null;

  /** The task whose result the server may not have. */
  get task(): string | null {
    return this.held?.result.task ?? null;
  }

  put(result: Result, now: Millis): void {
    this.held = { result, since: now, sentAt: null };
  }

  /** A new connection: what was sent on the old one may be lost. */
  reconnected(): void {
    if (this.held !== null) this.held.sentAt = null;
  }

  /** What is to be sent now, if anything. */
  toSend(): Result | null {
    return this.held !== null && this.held.sentAt === null ? this.held.result : null;
  }

  sent(now: Millis): void {
    if (this.held !== null) this.held.sentAt = now;
  }

  /** The server knows no such task any more. */
  drop(task: string): void {
    if (this.held?.result.task === task) this.held = null;
  }

  /** Whether there is nothing left to say. `heardAt`: when the server last said something, if connected. */
  settle(heardAt: Millis | null, now: Millis): boolean {
    const { held } = this;
    if (held === null) return true;
    const isHeard =
      held.sentAt !== null && heardAt !== null && heardAt >= held.sentAt + answerAfter;
    if (!isHeard && now < held.since + holdFor) return false;
    this.held = null;
    return true;
  }
}
