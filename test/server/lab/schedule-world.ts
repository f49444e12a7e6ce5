/** A server's schedule, with a clock of the test's own. */
import { setImmediate as turn } from "node:timers/promises";
import { RoomcastError } from "../../../core/errors.ts";
import type { SessionView } from "../../../core/wire/views.ts";
import type { Announcer } from "../../../server/lab/announcer.ts";
import { Feed } from "../../../server/lab/feed.ts";
import { Schedule } from "../../../server/lab/schedule.ts";
import type { NamedRestore } from "../../../server/lab/session-orders.ts";
import type { ScheduleRecord } from "../../../server/state/records.ts";

const session = (id: string, endedAt: string | null): SessionView => ({
  ...{ id, kind: "restore", image: "base@1", room: "lab", sender: null, endedAt, rateBps: null },
  ...{ disk: null, failingDisks: [] },
  ...{ state: endedAt === null ? "casting" : "done", startedAt: "t", bytesSent: 0 },
  ...{
    parityBytes: 0,
    repairBytes: 0,
    passes: 1,
    forgedPackets: 0,
    members: [],
    notices: [],
    fit: null,
    secondsLeft: null,
  },
});

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

/** A server's life: its state outlives it. */
export class World {
  now = new Date("2026-03-02T05:00:00Z");
  readonly stored = new Map<string, ScheduleRecord>();
  readonly notes: string[] = [];
  readonly woken: number[] = [];
  readonly restores: NamedRestore[] = [];
  readonly begunAt: string[] = [];
  readonly sessions = new Map<string, SessionView>();
  readonly fits: string[] = [];
  /** How making a version that fits ends; null: none is needed. */
  fitting: PromiseWithResolvers<void> | null = null;
  feed = new Feed({ later: () => () => {} });
  wakes = Promise.withResolvers<void>();
  readonly unexpected: string[] = [];
  refusal: Error | null = null;
  /** What the disk answers to whoever stores something. */
  storeError: Error | null = null;
  private timer: { at: number; act: () => void } | null = null;

  start(): Schedule {
    this.feed = new Feed({ later: () => () => {} });
    const schedule = new Schedule({
      state: {
        schedule: () => [...this.stored.values()].map((record) => structuredClone(record)),
        saveSchedule: (record) => {
          if (this.storeError !== null) throw this.storeError;
          this.stored.set(record.id, structuredClone(record));
        },
        removeSchedule: (id) => void this.stored.delete(id),
      },
      announcer: {
        room() {},
        feed: this.feed,
        note: (_: unknown, text: string) => void this.notes.push(text),
      } as unknown as Announcer,
      now: () => this.now,
      later: (ms, act) => {
        this.timer = { at: this.now.getTime() + ms, act };
        return () => {
          this.timer = null;
        };
      },
      requireSettled() {},
      roomNameOf: (name) => name,
      requireImage: () => {},
      fit: ({ image, room }, signal) => {
        if (this.fitting === null) return null;
        this.fits.push(`${image} ${room}`);
        return Promise.race([this.fitting.promise, aborted(signal)]);
      },
      wake: async (_, timeoutMs) => {
        this.woken.push(timeoutMs);
        await this.wakes.promise;
        return { alreadyOn: [], came: [], missing: [] };
      },
      restore: (request) => {
        if (this.refusal !== null) throw this.refusal;
        this.restores.push(request);
        this.begunAt.push(this.now.toISOString());
        const made = session(`s${this.restores.length}`, null);
        this.sessions.set(made.id, made);
        return made;
      },
      begunBy: (orderedBy, after) => {
        const found = this.restores.findLastIndex((each) => each.orderedBy === orderedBy);
        return found >= 0 && (this.begunAt[found] ?? "") > after ? `s${found + 1}` : null;
      },
      session: (id) => {
        const found = this.sessions.get(id);
        if (found === undefined) throw new RoomcastError("not-found", "none", "");
        return found;
      },
      unexpected: (id, error) => void this.unexpected.push(`${id}: ${error.message}`),
    });
    schedule.resume();
    return schedule;
  }

  /** The host sleeps until then, or its clock is set to then: the timers go off late. */
  async sleepUntil(iso: string): Promise<void> {
    this.now = new Date(iso);
    const { timer } = this;
    this.timer = null;
    timer?.act();
    await turn();
  }

  /** Lets the clock run, timer by timer. */
  async until(iso: string): Promise<void> {
    const end = Date.parse(iso);
    while (this.timer !== null && this.timer.at <= end) {
      const { at, act } = this.timer;
      this.now = new Date(at);
      this.timer = null;
      act();
      await turn();
    }
    this.now = new Date(end);
  }

  end(id: string): void {
    const over = session(id, this.now.toISOString());
    this.sessions.set(id, over);
    this.feed.say({ type: "session", session: over });
  }
}

export const request = { cron: "30 6 * * 1-5", room: "lab", image: "base", timeZone: "UTC" };
