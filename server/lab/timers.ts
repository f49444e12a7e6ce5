/** The real clock of the lab: the one place of `server/lab` where time comes from. */
import type { Clock } from "../../core/ports.ts";
import type { LabTime, Stamp } from "../../core/session/kind.ts";
import { millis } from "../../core/units/units.ts";

/** Node lets a timer that is longer go off at once; in milliseconds. */
const longestTimer = 2 ** 31 - 1;

/** Time for the sessions. It goes on from where the server before left it, so that deadlines stay right. */
export class LabTimers {
  private readonly clock: Clock;
  private readonly offset: number;
  private wakeTimer: NodeJS.Timeout | undefined;
  private soonTimer: NodeJS.Immediate | undefined;
  /** What each of them is called off by. */
  private readonly waiting = new Set<() => void>();
  private isClosed = false;

  /** `startAt`: the lab time at which the server before ended. */
  constructor(clock: Clock, startAt: number) {
    this.clock = clock;
    this.offset = startAt - clock.now();
  }

  now(): LabTime {
    return millis(this.clock.now() + this.offset);
  }

  stamp(): Stamp {
    return { at: this.now(), iso: this.clock.isoTime() };
  }

  /** Calls once at this lab time, or after 24 days if those are over first, and forgets what it was to do before. */
  wakeAt(at: LabTime | undefined, act: () => void): void {
    clearTimeout(this.wakeTimer);
    if (at === undefined || this.isClosed) return;
    const wait = Math.max(0, Math.ceil(at - this.now()));
    this.wakeTimer = setTimeout(act, Math.min(wait, longestTimer));
  }

  /** Calls once after what has come in together is taken, however often it is asked for until then. */
  soon(act: () => void): void {
    if (this.isClosed) return;
    this.soonTimer ??= setImmediate(() => {
      this.soonTimer = undefined;
      act();
    });
  }

  /** Calls once after this time; answers how to call it off. */
  later(ms: number, act: () => void): () => void {
    const timer = setTimeout(() => {
      this.waiting.delete(stop);
      act();
    }, ms);
    const stop = this.calledOffBy(() => clearTimeout(timer));
    return stop;
  }

  /** Resolves after this time, or as soon as `signal` aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const stop = this.later(ms, resolve);
      signal.addEventListener("abort", () => {
        stop();
        resolve();
      });
    });
  }

  /** Calls again and again; answers how to end it. */
  every(ms: number, act: () => void): () => void {
    const ticker = setInterval(act, ms);
    return this.calledOffBy(() => clearInterval(ticker));
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.wakeTimer);
    if (this.soonTimer !== undefined) clearImmediate(this.soonTimer);
    for (const stop of this.waiting) stop();
  }

  private calledOffBy(clear: () => void): () => void {
    const stop = (): void => {
      this.waiting.delete(stop);
      clear();
    };
    this.waiting.add(stop);
    return stop;
  }
}
