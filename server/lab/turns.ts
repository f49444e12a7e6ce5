import { errorText } from "../../core/errors.ts";
import type { Batch, Journal } from "../../core/session/journal.ts";
import { millis } from "../../core/units/units.ts";
import type { Announcer } from "./announcer.ts";
import type { Engine, Written } from "./engine.ts";
import type { LabTimers } from "./timers.ts";

/** A journal that could not be written, because the disk is full, is tried again after this. */
const journalRetryMs = 1000;

export interface TurnsPorts {
  readonly engine: Engine;
  readonly journal: Journal;
  readonly timers: LabTimers;
  readonly announcer: Pick<Announcer, "stuck">;
  /** What follows from what is durable now. */
  act(written: Written): void;
  /** Says to agents what the engine has for them. */
  send(): void;
}

/** The turns of the engine: what is decided together is written into the journal, and then done. */
export class Turns {
  private readonly ports: TurnsPorts;
  /** The journal could not be written; how to call off the next try. */
  private retry: (() => void) | null = null;
  /** When the sessions were last asked what follows by time alone. */
  private tickedAt = millis(Number.NEGATIVE_INFINITY);

  constructor(ports: TurnsPorts) {
    this.ports = ports;
  }

  /** After what has come in together is taken. */
  soon(): void {
    this.ports.timers.soon(() => this.flush());
  }

  /** Writes what was decided, does what follows, until there is nothing more. */
  flush(): void {
    const { engine, timers, send } = this.ports;
    // A disk that takes nothing is not asked with every event: all that waits is offered anew each time.
    if (this.retry !== null) return send();
    let hasChanged = false;
    for (let batch = engine.toWrite(); batch !== null; batch = engine.toWrite()) {
      hasChanged = true;
      if (!this.append(batch)) return send();
      this.ports.act(engine.written(timers.now()));
    }
    send();
    if (hasChanged) this.wakeInTime();
  }

  close(): void {
    this.retry?.();
    this.retry = null;
    this.flush();
  }

  /** Whether the journal has it now. */
  private append(batch: Batch): boolean {
    const { engine, journal, timers, announcer } = this.ports;
    try {
      journal.append(batch);
    } catch (error) {
      engine.notWritten();
      announcer.stuck(errorText(error));
      this.retry = timers.later(journalRetryMs, () => {
        this.retry = null;
        this.flush();
      });
      return false;
    }
    announcer.stuck(null);
    return true;
  }

  /** A timer may come a little early, and what follows may take long: what came due since the last tick is not passed over. */
  private wakeInTime(): void {
    const { engine, timers } = this.ports;
    timers.wakeAt(engine.deadline(this.tickedAt), () => {
      const stamp = timers.stamp();
      this.tickedAt = stamp.at;
      engine.tick(stamp);
      this.flush();
      this.wakeInTime();
    });
  }
}
