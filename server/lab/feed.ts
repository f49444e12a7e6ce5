import type { ApiEvent } from "../../core/wire/api.ts";
import type { LabTimers } from "./timers.ts";

/** A thing on screens changes at most this often, in milliseconds; its last state always arrives. */
const coalesceEvery = 250;

/** Live events to whoever listens. What changes many times a second is said in its last state only. */
export class Feed {
  private readonly listeners = new Set<(event: ApiEvent) => void>();
  private readonly pending = new Map<string, () => ApiEvent>();
  private readonly timers: Pick<LabTimers, "later">;
  private stopTimer: (() => void) | undefined;

  constructor(timers: Pick<LabTimers, "later">) {
    this.timers = timers;
  }

  /** Answers how to stop listening. */
  listen(listener: (event: ApiEvent) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  say(event: ApiEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  /** Says what `make` answers soon; calls with the same key until then count as one. */
  soon(key: string, make: () => ApiEvent): void {
    this.pending.set(key, make);
    this.stopTimer ??= this.timers.later(coalesceEvery, () => {
      this.stopTimer = undefined;
      const due = [...this.pending.values()];
      this.pending.clear();
      if (this.listeners.size === 0) return;
      for (const makeEvent of due) this.say(makeEvent());
    });
  }

  /** Says at once, dropping what was to be said under this key. */
  now(key: string, event: ApiEvent): void {
    this.pending.delete(key);
    this.say(event);
  }

  close(): void {
    this.stopTimer?.();
    this.listeners.clear();
  }
}
