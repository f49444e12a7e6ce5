import { errorText, RoomcastError } from "../../../core/errors.ts";
import type {
  AgentMessage,
  BulkFrame,
  Counters,
  RestoreOrder,
  ServerMessage,
} from "../../../core/wire/control.ts";
import type { DiskView, PcState } from "../../../core/wire/views.ts";

type Result = Extract<AgentMessage, { type: "result" }>;
type Progress = Extract<AgentMessage, { type: "progress" }>;

export type TaskEnd = Omit<Result, "type" | "task">;
export type TaskProgress = Omit<Progress, "type" | "task">;

/** What the agent is at: one thing at a time. It goes on whatever the connection does. */
export interface Task {
  readonly id: string;
  readonly kind: "restore" | "capture" | "cast" | "wipe";
  /** NAME@VERSION, or the name that a capture will get. */
  readonly image: string | null;
  readonly state: PcState;
  /** null until it is chosen. */
  readonly disk: DiskView | null;
  /** What is not as it should be, in words, while it goes on all the same. */
  readonly trouble: string | null;
  /** null while it is being prepared. */
  progress(): TaskProgress | null;
  /** The connection is there again and the server has sent the same order again. */
  resume(order: RestoreOrder): void;
  /** How fast the server sends to the room, in bits a second, as it says. */
  noteRoomRate(rateBps: number | null): void;
  /** What the server says of a live cast. */
  hear?(message: Extract<ServerMessage, { type: "told" | "finish" }>): void;
  bulk?(frame: BulkFrame): void;
  stop(reason: string): void;
  /** Never rejects. */
  readonly ended: Promise<TaskEnd>;
}

/** Longer words than the message takes are cut. */
const textLimit = 1000;

export const stoppedError = (reason: string): RoomcastError =>
  new RoomcastError("cancelled", reason, "");

/** An error as the end of a task. Bugs are ends as well: the PC has to say that it failed. */
export function endOf(error: unknown, counters: Counters | null): TaskEnd {
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
