import type { TaskProgress } from "../../../core/agent/state.ts";
import { errorText, RoomcastError } from "../../../core/errors.ts";
import type { Candidate } from "../../../core/session/target.ts";
import type { AgentMessage } from "../../../core/wire/agent-message.ts";
import type { DiskView } from "../../../core/wire/views.ts";
import type { Counters, End, Work } from "../../../core/wire/work.ts";
import type { Listeners } from "../mailbox.ts";

/** A piece of work under way. It goes on whatever the connection does. */
export interface Task {
  /** null until it is chosen. */
  readonly disk: DiskView | null;
  /** What is not as it should be, in words, while it goes on all the same. */
  readonly trouble: string | null;
  /** null while it is being prepared. */
  progress(): TaskProgress | null;
  stop(reason: string): void;
  /** Never rejects. */
  readonly ended: Promise<End>;
}

/** What every task has of the agent. */
export interface TaskPorts {
  candidates(): readonly Candidate[];
  log(text: string): void;
  milestone(text: string): void;
}

/** How a task talks with the server. Both answer false when the connection does not take it. */
export interface TaskVoice {
  send(message: AgentMessage): boolean;
  sendBulk(kind: number, tag: number, payload: Uint8Array): boolean;
  /** Opens the mailbox of this work. */
  listen(work: Work, listeners: Listeners): void;
}

/** Longer words than the message takes are cut. */
const textLimit = 1000;

export const stoppedError = (reason: string): RoomcastError =>
  new RoomcastError("cancelled", reason, "");

/** The end of what went well and has nothing to be counted. */
export const doneEnd: End = {
  outcome: "done",
  reason: null,
  next: null,
  rootHash: null,
  counters: null,
};

/** An error as the end of a task. Bugs are ends as well: the PC has to say that it failed. */
export function endOf(error: unknown, counters: Counters | null): End {
  const known = error instanceof RoomcastError ? error : null;
  const message = errorText(error);
  return {
    outcome:
      known?.code === "refused" ? "refused" : known?.code === "cancelled" ? "stopped" : "failed",
    reason: (known === null ? `the agent broke: ${message}` : message).slice(0, textLimit),
    next: known === null || known.next === "" ? null : known.next.slice(0, textLimit),
    rootHash: null,
    counters,
  };
}
