/** What is measured of the work under way, for the screen alone. */
import type { TaskProgress } from "../../core/agent/state.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import { Meter } from "./meter.ts";

export type RoomGauge = Extract<ServerMessage, { type: "room" }>["room"];

export class Gauges {
  /** How the room is doing, as the server said last. */
  room: RoomGauge | null = null;
  private meter = new Meter();
  private phase: TaskProgress["phase"] | null = null;

  /** Bytes of the present phase a second, lately; null before it is known. */
  rateBps(progress: TaskProgress | null, nowMs: number): number | null {
    if (progress === null) return null;
    if (progress.phase !== this.phase) {
      this.meter = new Meter();
      this.phase = progress.phase;
    }
    return this.meter.take(progress.bytesDone, nowMs);
  }
}
