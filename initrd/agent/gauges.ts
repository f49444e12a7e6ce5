/** What is measured of the work under way, for the screen alone. */
import type { Order } from "../../core/agent/life.ts";
import type { TaskProgress } from "../../core/agent/state.ts";
import { WorkLeft } from "../../core/session/work-left.ts";
import type { Millis } from "../../core/units/units.ts";
import type { ServerMessage } from "../../core/wire/server-message.ts";
import { Meter } from "./meter.ts";

export type RoomGauge = Extract<ServerMessage, { type: "room" }>["room"];

/** Which work is under way, how far it is, and whether there is a server. */
interface Standing {
  readonly order: Order;
  readonly progress: TaskProgress | null;
  readonly isConnected: boolean;
}

export class Gauges {
  /** How the room is doing, as the server said last. */
  room: RoomGauge | null = null;
  private meter = new Meter();
  private phase: TaskProgress["phase"] | null = null;
  private left = new WorkLeft();

  /** Bytes of the present phase a second, lately; null before it is known. */
  rateBps(progress: TaskProgress | null, nowMs: number): number | null {
    if (progress === null) return null;
    if (progress.phase !== this.phase) {
      this.meter = new Meter();
      this.phase = progress.phase;
    }
    return this.meter.take(progress.bytesDone, nowMs);
  }

  /**
   * Of a restore until its disk is written and read back, as the room's time left is reckoned; of other work until the present
   * phase is over. Null: not known.
   */
  secondsLeft({ order, progress, isConnected }: Standing, now: Millis): number | null {
    if (progress === null) return null;
    const { phase, bytesDone, bytesTotal, counters } = progress;
    const isWritten = phase === "verifying";
    if (order.type === "restore" && counters !== null && (isWritten || phase === "receiving")) {
      const bytesVerified = order.verify === "read-back" ? counters.bytesVerified : null;
      // What it did before its connection broke does not tell how long it takes after that.
      if (!isWritten && !isConnected) this.left = new WorkLeft();
      else this.left.note({ ...counters, bytesVerified, isWritten }, now);
      return this.left.seconds;
    }
    const rateBps = this.rateBps(progress, now);
    if (bytesTotal === null || rateBps === null || rateBps < 1) return null;
    return Math.max(0, bytesTotal - bytesDone) / rateBps;
  }
}
