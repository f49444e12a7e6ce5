/** Restores by the clock, with a clock of the test's own. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { RoomcastError } from "../../../core/errors.ts";
import type { SessionView } from "../../../core/wire/views.ts";
import type { Announcer } from "../../../server/lab/announcer.ts";
import { Feed } from "../../../server/lab/feed.ts";
import { nextTime, Schedule } from "../../../server/lab/schedule.ts";
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
class World {
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

const request = { cron: "30 6 * * 1-5", room: "lab", image: "base", timeZone: "UTC" };

test("at its time the room is woken, restored and switched off, and the report is kept", async () => {
  const world = new World();
  const schedule = world.start();
  assert.equal(schedule.add(request, "ann").dueAt, "2026-03-02T06:30:00.000Z");
  await world.until("2026-03-02T06:29:59Z");
  assert.deepEqual(world.woken, []);
  await world.until("2026-03-02T06:30:00Z");
  assert.deepEqual(world.woken, [300_000]);
  assert.equal(world.restores.length, 0, "nobody is here yet");
  world.wakes.resolve();
  await turn();
  const [restore] = world.restores;
  assert.deepEqual(
    [restore?.image, restore?.room, restore?.start, restore?.afterwards],
    ["base", "lab", "all", "poweroff"],
  );
  assert.deepEqual(schedule.list()[0]?.run, { stage: "restoring", session: "s1" });
  world.end("s1");
  const [listed] = schedule.list();
  assert.deepEqual([listed?.run, listed?.last?.session], [null, "s1"]);
  assert.match(listed?.last?.outcome ?? "", /0 of 0 verified/);
  assert.equal(listed?.dueAt, "2026-03-03T06:30:00.000Z");
});

test("a server that is restarted while it wakes wakes again; one that casts takes the end", async () => {
  const world = new World();
  let schedule = world.start();
  schedule.add(request, "ann");
  await world.until("2026-03-02T06:30:10Z");
  schedule.close();
  schedule = world.start();
  assert.equal(world.woken.length, 2);
  world.wakes.resolve();
  await turn();
  schedule.close();
  assert.equal(world.restores.length, 1, "the process that was ended starts nothing");
  world.end("s1");
  schedule = world.start();
  assert.equal(schedule.list()[0]?.last?.session, "s1");
});

test("the image is made to fit before anybody is woken, also after a restart of the server", async () => {
  const world = new World();
  world.fitting = Promise.withResolvers();
  let schedule = world.start();
  schedule.add(request, "ann");
  await world.until("2026-03-02T06:30:00Z");
  assert.deepEqual(schedule.list()[0]?.run, { stage: "fitting" });
  assert.match(world.notes.at(-1) ?? "", /base is made to fit the disks of room lab before/);
  schedule.close();
  await turn();
  assert.equal(schedule.list()[0]?.last, null);
  schedule = world.start();
  assert.deepEqual(world.fits, ["base lab", "base lab"]);
  assert.deepEqual(world.woken, []);
  world.fitting.resolve();
  await turn();
  assert.deepEqual(schedule.list()[0]?.run, { stage: "waking" });
  world.wakes.resolve();
  await turn();
  assert.deepEqual(
    world.restores.map(({ fit }) => fit),
    ["auto"],
  );
});

test("an image that cannot be made to fit wakes nobody, and the outcome says why", async () => {
  const world = new World();
  world.fitting = Promise.withResolvers();
  world.fitting.promise.catch(() => {});
  const schedule = world.start();
  schedule.add(request, "ann");
  await world.until("2026-03-02T06:30:00Z");
  world.fitting.reject(new RoomcastError("failed", "no space", "nothing was woken"));
  await turn();
  assert.deepEqual([world.woken, world.restores], [[], []]);
  assert.equal(schedule.list()[0]?.last?.outcome, "not started: no space; nothing was woken");
});

test("without `auto` nothing is made", async () => {
  const world = new World();
  world.fitting = Promise.withResolvers();
  world.start().add({ ...request, fit: "never" }, "ann");
  world.wakes.resolve();
  await world.until("2026-03-02T06:30:00Z");
  assert.deepEqual([world.fits, world.restores[0]?.fit], [[], "never"]);
});

test("a time without a server is told of, and not made up for", async () => {
  const world = new World();
  world.start().add(request, "ann");
  world.now = new Date("2026-03-04T09:00:00Z");
  const schedule = world.start();
  const [listed] = schedule.list();
  assert.deepEqual(listed?.last, {
    at: "2026-03-02T06:30:00.000Z",
    session: null,
    outcome: "missed: the server was not running",
  });
  assert.equal(listed?.dueAt, "2026-03-05T06:30:00.000Z");
  assert.match(world.notes.at(-1) ?? "", /t1: missed/);
  assert.equal(world.woken.length, 0);
});

test("a run that goes on after a restart is not over because another time was missed meanwhile", async () => {
  const world = new World();
  world.start().add({ ...request, cron: "* * * * *" }, "ann");
  await world.until("2026-03-02T05:01:00Z");
  world.wakes.resolve();
  await turn();
  world.now = new Date("2026-03-02T05:03:30Z");
  const schedule = world.start();
  assert.deepEqual(schedule.list()[0]?.run, { stage: "restoring", session: "s1" });
  assert.match(world.notes.at(-1) ?? "", /due at 2026-03-02T05:02:00.000Z, missed/);
  await world.until("2026-03-02T05:04:00Z");
  assert.equal(world.restores.length, 1, "nothing is begun beside it");
  world.end("s1");
  assert.equal(schedule.list()[0]?.last?.session, "s1");
});

test("a session whose begin the server did not outlive is taken up, and no second one begun", async () => {
  const world = new World();
  const first = world.start();
  first.add({ ...request, cron: "* * * * *" }, "ann");
  world.wakes.resolve();
  await world.until("2026-03-02T05:01:00Z");
  world.end("s1");
  await turn();
  world.wakes = Promise.withResolvers();
  await world.until("2026-03-02T05:02:00Z");
  const waking = structuredClone(world.stored.get("t1") as ScheduleRecord);
  assert.deepEqual(waking.run, { stage: "waking" });
  first.close();
  const killed = world.start();
  assert.equal(
    world.restores.length,
    1,
    "the session of the run before is not taken for this one's",
  );
  world.now = new Date("2026-03-02T05:02:10Z");
  world.wakes.resolve();
  await turn();
  assert.equal(world.restores.length, 2);
  killed.close();
  // The session is in the journal, and the schedule does not know it yet.
  world.stored.set("t1", waking);
  const schedule = world.start();
  await turn();
  assert.equal(world.restores.length, 2);
  assert.deepEqual(schedule.list()[0]?.run, { stage: "restoring", session: "s2" });
});

test("what is refused is the outcome; what is not over is not started twice", async () => {
  const world = new World();
  const schedule = world.start();
  world.refusal = new RoomcastError("not-found", "there is no image base", "see `image list`");
  schedule.add({ ...request, cron: "* * * * *" }, "ann");
  world.wakes.resolve();
  await world.until("2026-03-02T05:01:00Z");
  assert.match(schedule.list()[0]?.last?.outcome ?? "", /not started: there is no image base/);
  world.refusal = null;
  await world.until("2026-03-02T05:03:00Z");
  assert.equal(world.restores.length, 1);
  assert.match(world.notes.at(-1) ?? "", /left out: its last run is not over/);
  schedule.remove("t1");
  world.end("s1");
  assert.equal(world.stored.size, 0, "what was removed stays removed");
  assert.throws(() => schedule.remove("t1"), /has no t1/);
});

test("an error that nobody foresaw is told, and ends neither the server nor the schedule", async () => {
  const world = new World();
  const schedule = world.start();
  schedule.add({ ...request, cron: "* * * * *" }, "ann");
  world.wakes.resolve();
  world.refusal = new Error("EMFILE");
  await world.until("2026-03-02T05:01:00Z");
  assert.deepEqual(world.unexpected, ["t1: EMFILE"]);
  assert.match(schedule.list()[0]?.last?.outcome ?? "", /^not started: an unexpected error/);
  assert.equal(schedule.list()[0]?.run, null);

  world.refusal = null;
  world.storeError = new Error("disk full");
  await world.until("2026-03-02T05:02:00Z");
  assert(world.unexpected.includes("t1: disk full"), world.unexpected.join());
  world.storeError = null;
  await world.until("2026-03-02T05:03:00Z");
  assert.equal(world.restores.length, 1, "at its next time it goes on");
});

test("a pattern that makes no sense, or never comes, is refused in words", () => {
  const after = new Date("2026-03-02T05:00:00Z");
  for (const cron of ["", "at noon", "61 * * * *", "* * * * * *", "0 0 30 2 *"]) {
    assert.throws(() => nextTime(cron, "UTC", after), RoomcastError, cron);
  }
  assert.throws(() => nextTime("0 6 * * *", "Mars/Olympus", after), RoomcastError);
  // Half past two does not come on the night when summer time begins: three o'clock does.
  const spring = nextTime("30 2 * * *", "Europe/Berlin", new Date("2026-03-28T12:00:00Z"));
  assert.equal(spring, "2026-03-29T01:00:00.000Z");
});
