/** The real schedule of the lab: what it has stored outlives the process; its clock is that of the wall. */
import { RoomcastError } from "../../core/errors.ts";
import type { ApiEvent, WakeReport } from "../../core/wire/api.ts";
import type { SessionView } from "../../core/wire/views.ts";
import type { Announcer } from "../../server/lab/announcer.ts";
import { Schedule } from "../../server/lab/schedule.ts";
import type { ScheduleRecord } from "../../server/state/records.ts";
import { must } from "./failures.ts";
import type { Bus } from "./files.ts";
import { epoch, type Lab } from "./lab.ts";
import type { Pc } from "./pc.ts";
import { count } from "./tally.ts";

/** A timer that sleeps long wakes up once a minute, in milliseconds. */
const lateMs = 1000;

/** How a due time was met. */
type Met = "begun" | "left out" | "missed";

export class LabSchedules {
  private readonly lab: Lab;
  /** As the database has them. */
  private readonly stored = new Map<string, string>();
  private schedule: Schedule | null = null;
  private listener: (event: ApiEvent) => void = () => {};
  /** Since when the present process looks at its clock. */
  private upSince = 0;
  /** How each due time was met, by schedule and time. */
  private readonly met = new Map<string, Met>();
  /** The due time whose run is under way, by schedule. */
  private readonly underWay = new Map<string, string>();
  /** The session that a due time began, as the journal has it. */
  private readonly sessions = new Map<string, string>();

  constructor(lab: Lab) {
    this.lab = lab;
  }

  private get records(): ScheduleRecord[] {
    return [...this.stored.values()].map((text) => JSON.parse(text) as ScheduleRecord);
  }

  /** What has not ended; null: all has. */
  get unrest(): string | null {
    const [running] = (this.schedule?.list() ?? []).filter(({ run }) => run !== null);
    return running === undefined ? null : `schedule ${running.id} runs`;
  }

  // --- the process

  start(bus: Bus, isAlive: () => boolean): void {
    const { lab } = this;
    this.upSince = lab.now;
    const schedule = new Schedule({
      state: {
        schedule: () => this.records,
        saveSchedule: (record) => {
          if (isAlive()) this.save(record);
        },
        removeSchedule: (id) => void this.stored.delete(id),
      },
      announcer: {
        room() {},
        feed: {
          listen: (listener: (event: ApiEvent) => void) => {
            this.listener = listener;
            return () => {};
          },
        },
        note: (_: unknown, text: string) => {
          if (isAlive()) this.noted(text);
        },
      } as unknown as Announcer,
      now: () => this.now,
      later: (ms, act) => this.later(ms, act, isAlive),
      requireSettled() {},
      roomNameOf: (name) => name,
      requireImage: () => {},
      wake: (room, timeoutMs) => this.wake(room, timeoutMs, bus),
      fit: () => (lab.fitting() < lab.settings.fits ? this.fit(bus) : null),
      restore: ({ room, orderedBy = "" }) => this.restore(room, orderedBy, isAlive),
      session: (id) => lab.server.viewOf(id),
      begunBy: (orderedBy, after) => lab.server.begunBy(orderedBy, after),
      unexpected: (_, error) => lab.fail(error),
    });
    this.schedule = schedule;
    schedule.resume();
    lab.stir();
  }

  died(): void {
    this.schedule = null;
    this.listener = () => {};
  }

  ended(session: SessionView): void {
    this.listener({ type: "session", session });
  }

  // --- people

  add(): void {
    const { lab } = this;
    const cron = lab.pickOwn(["* * * * *", "*/2 * * * *"]);
    const wakeSeconds = lab.pickOwn([5, 30, 90]);
    const request = { cron, wakeSeconds, room: lab.pickRoom().name, image: "win", timeZone: "UTC" };
    this.schedule?.add(request, "ann");
  }

  /** Operators take all of them away; a session goes on. */
  removeAll(): void {
    for (const { id } of this.schedule?.list() ?? []) this.schedule?.remove(id);
  }

  // --- what it does

  private get now(): Date {
    return new Date(this.lab.wallTime);
  }

  private later(ms: number, act: () => void, isAlive: () => boolean): () => void {
    const { lab } = this;
    if (lab.plant === "deaf-schedule") return () => {};
    let isOff = false;
    lab.after(ms, () => {
      if (isOff || !isAlive()) return;
      act();
      lab.stir();
    });
    return () => {
      isOff = true;
    };
  }

  private fit({ done }: Bus): Promise<void> {
    const { lab } = this;
    return new Promise((resolve) => {
      lab.after(lab.fitting() * lab.settings.fitMs, () => {
        done(() => undefined).then(resolve);
      });
    });
  }

  private pcsIn(room: string | null): readonly Pc[] {
    return this.lab.rooms.find(({ name }) => name === room)?.pcs ?? [];
  }

  private wake(room: string, timeoutMs: number, { done }: Bus): Promise<WakeReport> {
    const { lab } = this;
    for (const pc of this.pcsIn(room)) if (pc.power === "off" && lab.own() < 0.7) pc.start();
    const until = lab.now + timeoutMs * (0.3 + 0.7 * lab.own());
    return new Promise((resolve) => {
      lab.after(until - lab.now, () => {
        done(() => ({ alreadyOn: [], came: [], missing: [] })).then(resolve);
      });
    });
  }

  private restore(room: string | null, orderedBy: string, isAlive: () => boolean): SessionView {
    const { lab } = this;
    const id = orderedBy.split(" ").at(-1) ?? "";
    must(!isAlive() || this.stored.has(id), () => `${id} is off the schedule, and restores`);
    const begun = isAlive() ? lab.operator.scheduled(this.pcsIn(room), orderedBy) : null;
    if (begun !== null && isAlive()) return lab.server.viewOf(begun);
    throw new RoomcastError("conflict", "nobody is free", "wait");
  }

  /** The journal has a new session, and who ordered it. */
  journalled(session: string, orderedBy: string | undefined): void {
    const id = orderedBy?.split(" ").at(-1);
    if (id === undefined) return;
    const key = `${id} ${this.underWay.get(id)}`;
    const earlier = this.sessions.get(key);
    must(
      earlier === undefined,
      () => `schedule ${key} has begun ${earlier}, and begins ${session} as well`,
    );
    this.sessions.set(key, session);
    count(this.lab.tally.schedules, "sessions");
  }

  // --- what is written down of it

  private save(record: ScheduleRecord): void {
    const { lab } = this;
    const text = this.stored.get(record.id);
    const before = text === undefined ? null : (JSON.parse(text) as ScheduleRecord);
    if (before !== null && before.dueAt !== record.dueAt) this.meets(before, record);
    const isForgotten = record.run === null && record.last?.at === before?.dueAt;
    must(
      before === null || before.run === null || !isForgotten,
      () => `the run of schedule ${record.id} is under way, and forgotten for one that was missed`,
    );
    const forgets = lab.plant === "forget-due" && before !== null && record.run !== null;
    const kept = forgets ? { ...record, dueAt: before.dueAt } : record;
    this.stored.set(record.id, JSON.stringify(kept));
  }

  /** A due time is behind the schedule: it was met just now, in one way, and not before. */
  private meets(before: ScheduleRecord, { id, last }: ScheduleRecord): void {
    const { lab } = this;
    const { dueAt } = before;
    const key = `${id} ${dueAt}`;
    const lateness = this.now.getTime() - Date.parse(dueAt);
    must(lateness >= 0, () => `schedule ${key} is met ${-lateness} ms early`);
    const isMissed = last?.at === dueAt;
    const wasUp = epoch + this.upSince <= Date.parse(dueAt);
    must(!isMissed || !wasUp, () => `schedule ${key} is missed, and the server was there`);
    must(!wasUp || lateness <= lateMs, () => `schedule ${key} is met ${lateness} ms late`);
    const earlier = this.met.get(key);
    const met: Met = isMissed ? "missed" : before.run === null ? "begun" : "left out";
    must(earlier === undefined, () => `schedule ${key} is ${met}, and was ${earlier} before`);
    this.met.set(key, met);
    if (met === "begun") this.underWay.set(id, dueAt);
    count(lab.tally.schedules, met);
  }

  private noted(text: string): void {
    const what = /^schedule \w+: (due: |not started|missed)/.exec(text)?.[1];
    if (what !== undefined) count(this.lab.tally.schedules, `said ${what.replace(": ", "")}`);
  }

  /** Asked after each event: no due time passes a schedule by. */
  always(): void {
    const { lab } = this;
    if (this.schedule === null || !lab.server.isUp) return;
    const now = this.now.getTime();
    for (const { id, dueAt } of this.schedule.list()) {
      const late = now - Math.max(Date.parse(dueAt), epoch + this.upSince);
      must(late <= lateMs, () => `schedule ${id} was due at ${dueAt}, and nothing has happened`);
    }
  }
}
