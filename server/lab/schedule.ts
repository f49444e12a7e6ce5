import { RoomcastError } from "../../core/errors.ts";
import { asError, guarded } from "../../core/node/guard.ts";
import { sentence } from "../../core/screen/report.ts";
import { usualProofSeconds } from "../../core/session/boot-proof.ts";
import type { ScheduleRequest, ScheduleView, WakeReport } from "../../core/wire/api.ts";
import type { RecordedSchedule } from "../../core/wire/room-record.ts";
import type { SessionView } from "../../core/wire/views.ts";
import type { MovedRoom, ScheduleRecord } from "../state/records.ts";
import type { StateStore } from "../state/state-store.ts";
import type { Announcer } from "./announcer.ts";
import { nextTime } from "./next-time.ts";
import type { NamedRestore } from "./session-orders.ts";

/** After the wake-up everyone who comes is here; a PC that restarts gets this long, in seconds. */
const startTimeoutSeconds = 60;
/** A room is not woken so long after its time, whatever kept the run from it; in milliseconds. */
const latestWake = 3_600_000;
/** A timer does not sleep longer, so that a changed clock is noticed; in milliseconds. */
const longestSleep = 60_000;

export interface SchedulePorts {
  readonly state: Pick<StateStore, "schedule" | "saveSchedule" | "removeSchedule">;
  readonly announcer: Announcer;
  now(): Date;
  /** Calls back after so many milliseconds; answers how to prevent it. */
  later(ms: number, act: () => void): () => void;
  /** Throws `conflict` for a room that is on its way from one server to another. */
  requireSettled(room: string): void;
  /** As its record spells it; throws `not-found`. */
  roomNameOf(name: string): string;
  requireImage(reference: string): void;
  /** As in `FitOrders`. */
  fit(order: { image: string; room: string }, signal: AbortSignal): Promise<unknown> | null;
  wake(room: string, timeoutMs: number, signal: AbortSignal): Promise<WakeReport>;
  restore(request: NamedRestore): SessionView;
  /** Throws `not-found`. */
  session(id: string): SessionView;
  /** The newest session that was ordered in this name and began after this time; null: there is none. */
  begunBy(orderedBy: string, after: string): string | null;
  /** A run failed with an error that nobody foresaw: for the log. */
  unexpected(schedule: string, error: Error): void;
}

/**
 * Restores by the clock: at each time a version of the image is made that fits the room's disks, if there
 * is none; the room is woken, restored, and its verified PCs switched off (or whatever was wanted). What is due is stored, so a run goes on after the server was restarted,
 * and one that fell into a time without a server, or whose host slept, is told of instead of being made up for at noon.
 */
export class Schedule {
  private readonly ports: SchedulePorts;
  private readonly records: Map<string, ScheduleRecord>;
  private readonly ending = new AbortController();
  /** What calls off each one's latest run, which it can until the run has a session. */
  private readonly callOffs = new WeakMap<ScheduleRecord, AbortController>();
  private readonly stopListening: () => void;
  private cancelTimer = (): void => {};

  constructor(ports: SchedulePorts) {
    this.ports = ports;
    this.records = new Map(ports.state.schedule().map((record) => [record.id, record]));
    this.stopListening = ports.announcer.feed.listen((event) => {
      if (event.type === "session" && event.session.endedAt !== null) this.ended(event.session);
    });
  }

  /** Goes on where an earlier process of the server ended. */
  resume(): void {
    const now = this.ports.now();
    for (const record of this.records.values()) {
      const { run } = record;
      if (run?.stage === "restoring") this.takeUp(record, run.session);
      else if (run !== null) this.goOn(record, run.dueAt ?? now.toISOString());
      if (new Date(record.dueAt) > now) continue;
      const missed = "missed: the server was not running";
      // A run that goes on has an outcome of its own to come.
      if (record.run === null) this.finish(record, null, missed, record.dueAt);
      else this.tell(record, `due at ${record.dueAt}, ${missed}`);
      record.dueAt = this.next(record, now);
      this.save(record);
    }
    this.setTimer();
  }

  list(): ScheduleView[] {
    return [...this.records.values()].map(view);
  }

  /** Throws `usage` for a pattern that is invalid or never comes, `not-found` for room and image. */
  add(request: ScheduleRequest, operator: string): ScheduleView {
    const room = this.ports.roomNameOf(request.room);
    this.ports.requireSettled(room);
    this.ports.requireImage(request.image);
    const now = this.ports.now();
    const { cron, image, delta = false, afterwards = "poweroff" } = request;
    const { personalise = "auto", fit = "auto" } = request;
    const record: ScheduleRecord = {
      id: `t${this.nextNumber()}`,
      ...{ cron, room, image, delta, afterwards, personalise, fit },
      timeZone: request.timeZone ?? null,
      wakeSeconds: request.wakeSeconds ?? 300,
      operator,
      createdAt: now.toISOString(),
      dueAt: nextTime(cron, request.timeZone ?? null, now),
      run: null,
      last: null,
    };
    this.ports.state.saveSchedule(record);
    this.records.set(record.id, record);
    this.ports.announcer.room(record.room);
    this.setTimer();
    return view(record);
  }

  /** Throws `not-found`. A run that has no session yet is called off; a session goes on, and can be stopped. */
  remove(id: string): void {
    const removed = this.records.get(id);
    if (removed !== undefined) this.ports.requireSettled(removed.room);
    if (removed === undefined) {
      throw new RoomcastError(
        "not-found",
        `the schedule has no ${id}`,
        "see `roomcast schedule list`",
      );
    }
    this.ports.state.removeSchedule(id);
    this.forget(removed);
    this.ports.announcer.room(removed.room);
    this.setTimer();
  }

  of(room: string): ScheduleRecord[] {
    return [...this.records.values()].filter((record) => record.room === room);
  }

  /** Those of a room that moves here, from now on. Throws `usage` for a time that is none. */
  arriving(room: string, recorded: readonly RecordedSchedule[]): ScheduleRecord[] {
    const now = this.ports.now();
    const first = this.nextNumber();
    return recorded.map((schedule, at) => ({
      ...{ ...schedule, id: `t${first + at}`, room, run: null },
      dueAt: nextTime(schedule.cron, schedule.timeZone, now),
    }));
  }

  /** The schedules of a room that moved, as the store has them already. */
  moved({ removed, saved }: MovedRoom): void {
    for (const id of removed.schedules) {
      const record = this.records.get(id);
      if (record !== undefined) this.forget(record);
    }
    for (const record of saved.schedules) this.records.set(record.id, record);
    this.setTimer();
  }

  /** Stored runs go on when the server is started again. */
  close(): void {
    this.ending.abort();
    this.stopListening();
    this.cancelTimer();
  }

  private nextNumber(): number {
    return Math.max(0, ...[...this.records.keys()].map((id) => Number(id.slice(1)))) + 1;
  }

  private forget(record: ScheduleRecord): void {
    this.records.delete(record.id);
    if (record.run === null || record.run.stage === "restoring") return;
    this.callOffs.get(record)?.abort();
    this.tell(record, "its run is cancelled: it was taken off the schedule");
  }

  private setTimer(): void {
    this.cancelTimer();
    const due = [...this.records.values()].map(({ dueAt }) => Date.parse(dueAt));
    if (due.length === 0 || this.ending.signal.aborted) return;
    const wait = Math.max(0, Math.min(...due) - this.ports.now().getTime());
    this.cancelTimer = this.ports.later(Math.min(wait, longestSleep), () => this.look());
  }

  private look(): void {
    const now = this.ports.now();
    for (const record of this.records.values()) {
      if (new Date(record.dueAt) > now) continue;
      guarded(
        (error) => this.ports.unexpected(record.id, error),
        () => this.due(record, now),
      );
    }
    this.setTimer();
  }

  private due(record: ScheduleRecord, now: Date): void {
    const { dueAt } = record;
    record.dueAt = this.next(record, now);
    if (record.run === null) this.begin(record, dueAt);
    else this.tell(record, `due at ${dueAt}, left out: its last run is not over`);
    this.save(record);
  }

  /** Nothing that goes wrong in a run may end the server, nor keep the schedule from its next time. */
  private begin(record: ScheduleRecord, dueAt: string): void {
    const callOff = new AbortController();
    this.callOffs.set(record, callOff);
    const signal = AbortSignal.any([this.ending.signal, callOff.signal]);
    this.run(record, dueAt, signal).catch((thrown: unknown) => {
      const onError = (error: Error): void => this.ports.unexpected(record.id, error);
      onError(asError(thrown));
      // A session that was started goes on, and tells its end.
      if (record.run === null || record.run.stage === "restoring") return;
      const outcome = "not started: an unexpected error, which is in the server's log";
      guarded(onError, () => this.finish(record, null, outcome));
    });
  }

  private async run(record: ScheduleRecord, dueAt: string, signal: AbortSignal): Promise<void> {
    const { room, image, delta, afterwards, personalise, fit, wakeSeconds } = record;
    try {
      this.requireInTime(dueAt, latestWake);
      const fitting = fit === "auto" ? this.fit(record, dueAt, signal) : null;
      if (fitting !== null) await fitting;
      if (signal.aborted) return;
      this.requireInTime(dueAt, latestWake);
      const text = `due: room ${room} is woken, then gets ${image}`;
      this.enter(record, { stage: "waking", dueAt }, text);
      await this.ports.wake(room, wakeSeconds * 1000, signal);
      if (signal.aborted) return;
      this.requireInTime(dueAt, latestWake + wakeSeconds * 1000);
      const session = this.ports.restore({
        ...{ image, room, delta, afterwards, personalise, fit, startTimeoutSeconds },
        ...{ pcs: null, disk: null, failingDisks: [], start: "all", verify: "read-back" },
        ...{ proveBootSeconds: usualProofSeconds(afterwards), canary: null },
        orderedBy: orderedBy(record),
      });
      record.run = { stage: "restoring", session: session.id };
      this.save(record);
      // Everyone may have been refused at once.
      if (session.endedAt !== null) this.ended(session);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof RoomcastError)) throw error;
      this.finish(record, null, `not started: ${error.message}; ${error.next}`);
    }
  }

  /** Throws `refused` when more than this, in milliseconds, has passed since a run's time. */
  private requireInTime(dueAt: string, lateness: number): void {
    if (this.ports.now().getTime() - Date.parse(dueAt) <= lateness) return;
    const what = `its time, ${dueAt}, was missed by more than an hour`;
    throw new RoomcastError("refused", what, "restore the room by hand, or wait for its next time");
  }

  /** The process before may have ended between the session's begin and its being written down here. */
  private goOn(record: ScheduleRecord, dueAt: string): void {
    const session = this.ports.begunBy(orderedBy(record), record.last?.at ?? record.createdAt);
    if (session === null) return this.begin(record, dueAt);
    record.run = { stage: "restoring", session };
    this.save(record);
    this.takeUp(record, session);
  }

  /** Nobody is woken for an image that does not fit. */
  private fit(record: ScheduleRecord, dueAt: string, signal: AbortSignal): Promise<unknown> | null {
    const { room, image } = record;
    const fitting = this.ports.fit({ image, room }, signal);
    if (fitting === null) return null;
    const text = `due: ${image} is made to fit the disks of room ${room} before the room is woken`;
    this.enter(record, { stage: "fitting", dueAt }, text);
    return fitting;
  }

  private enter(record: ScheduleRecord, run: ScheduleRecord["run"], text: string): void {
    record.run = run;
    this.save(record);
    this.tell(record, text);
  }

  /** The session of an earlier process of the server: it goes on by itself, or is over. */
  private takeUp(record: ScheduleRecord, id: string): void {
    try {
      const session = this.ports.session(id);
      if (session.endedAt !== null) this.ended(session);
    } catch (error) {
      if (!(error instanceof RoomcastError)) throw error;
      this.finish(record, null, `its session ${id} is not known any more`);
    }
  }

  private ended(session: SessionView): void {
    for (const record of this.records.values()) {
      if (record.run?.stage !== "restoring" || record.run.session !== session.id) continue;
      // Whoever tells of a session's end is not to be stopped by a disk that is full: after a restart it is told again.
      guarded(
        (error) => this.ports.unexpected(record.id, error),
        () => this.finish(record, session.id, sentence(session)),
      );
    }
  }

  private finish(
    record: ScheduleRecord,
    session: string | null,
    outcome: string,
    at = this.ports.now().toISOString(),
  ): void {
    record.run = null;
    record.last = { at, session, outcome };
    this.save(record);
    this.tell(record, outcome, session);
  }

  private tell(record: ScheduleRecord, text: string, session: string | null = null): void {
    const { id, room, operator } = record;
    this.ports.announcer.note({ room, session, operator }, `schedule ${id}: ${text}`);
  }

  private next({ cron, timeZone }: ScheduleRecord, after: Date): string {
    return nextTime(cron, timeZone, after);
  }

  private save(record: ScheduleRecord): void {
    // One that was removed while it ran stays removed.
    if (this.records.get(record.id) !== record) return;
    this.ports.state.saveSchedule(record);
    this.ports.announcer.room(record.room);
  }
}

/** Who orders what it begins. */
const orderedBy = ({ operator, id }: ScheduleRecord): string => `${operator}, by schedule ${id}`;

/** A copy: the record goes on changing. */
const view = (record: ScheduleRecord): ScheduleView => ({ ...record });
