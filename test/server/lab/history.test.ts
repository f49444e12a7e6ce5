/** What is too old leaves the history every day, in steps; the campus has heard of it before, or never will. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { capture } from "../../../core/session/kinds/capture.ts";
import { millis } from "../../../core/units/units.ts";
import { historyBegins, pruneHistory } from "../../../server/lab/history.ts";
import { openStateStore, type StateStore } from "../../../server/state/state-store.ts";
import { openApi } from "../api/open-api.ts";
import { until } from "../campus/registry-contract.ts";

const dayMs = 86_400_000;

/** Old things that leave in steps, and what is said of it. */
class Desk {
  events: number[] = [];
  sessions: (readonly number[])[] = [];
  readonly befores = new Set<string>();
  readonly told: string[] = [];
  readonly forgotten: number[] = [];
  isFull = false;
  now = Date.parse("2026-06-01T00:00:00.000Z");
  private readonly waiting: (() => void)[] = [];
  private daily: () => void = assert.fail;

  constructor(keepDays: number) {
    pruneHistory({
      state: {
        forgetEvents: (before) => {
          if (this.isFull) throw new Error("the disk is full");
          this.befores.add(before);
          return this.events.shift() ?? 0;
        },
        forgetSessions: (before) => {
          this.befores.add(before);
          const numbers = this.sessions.shift();
          return { numbers: numbers ?? [], isDone: numbers === undefined };
        },
      },
      clock: { isoTime: () => new Date(this.now).toISOString() },
      timers: {
        every: (ms, act) => {
          assert.equal(ms, dayMs);
          this.daily = act;
          return () => {};
        },
        later: (_, act) => {
          this.waiting.push(act);
          return () => {};
        },
      },
      announcer: { note: (_, text) => void this.told.push(text) },
      runner: { forget: (numbers) => void this.forgotten.push(...numbers) },
      keepDays,
      log: ({ reason }) => void this.told.push(`log: ${reason}`),
    });
  }

  /** A day later; answers in how many steps what was old left. */
  nextDay(): number {
    this.now += dayMs;
    this.daily();
    let steps = 1;
    for (let act = this.waiting.shift(); act !== undefined; act = this.waiting.shift()) {
      act();
      steps++;
    }
    return steps;
  }
}

test("every day the events and then the sessions leave that are too old by then, a step at a time", () => {
  const desk = new Desk(30);
  assert.deepEqual([...desk.befores], ["2026-05-02T00:00:00.000Z"]);
  assert.deepEqual(desk.told, [], "there was nothing");
  desk.events = [250, 3];
  desk.sessions = [[1, 2], [], [3]];
  assert.equal(desk.nextDay(), 6);
  assert.deepEqual([...desk.befores].slice(1), ["2026-05-03T00:00:00.000Z"]);
  assert.deepEqual(desk.forgotten, [1, 2, 3]);
  assert.deepEqual(desk.told, [
    "the oldest events left the history: 253",
    "the oldest sessions left the history: 3",
  ]);
});

test("a disk that is full takes no removal, and the server goes on; the next day is another try", () => {
  const desk = new Desk(30);
  desk.isFull = true;
  assert.equal(desk.nextDay(), 1);
  assert.deepEqual(desk.told, ["log: the disk is full"]);
  desk.isFull = false;
  desk.sessions = [[1]];
  desk.nextDay();
  assert.deepEqual(desk.forgotten, [1]);
});

const spec = { pc: "p-1", name: "lab", disk: null, raw: false, source: null };

function addCapture({ journal }: StateStore, number: number, endedAt: string | null): void {
  const state = capture.begin(spec, millis(0));
  const session = { number, kind: "capture", seq: 0, state, totals: null } as const;
  journal.append({
    sessions: [{ ...session, startedAt: endedAt ?? "2020-01-01T00:00:00.000Z", endedAt }],
    facts: [],
  });
}

test("what leaves the history is what a campus is not told any more: no session is between", () => {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-history-"));
  const store = openStateStore(folder);
  const begins = historyBegins("2026-06-01T00:00:00.000Z", 30);
  addCapture(store, 1, "2026-05-01T23:59:59.999Z");
  addCapture(store, 2, begins);
  addCapture(store, 3, "2026-05-02T00:00:00.001Z");
  assert.deepEqual(store.untoldSessions(begins, 10), [3]);
  assert.deepEqual(store.forgetSessions(begins).numbers, [1, 2]);
  store.sessionsTold([2, 3]);
  assert.deepEqual(store.untoldSessions(begins, 10), []);
  store.close();
  rmSync(folder, { recursive: true });
});

test("of a session that has left is said what is said of one that never was", async () => {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-history-"));
  const before = openStateStore(folder);
  const ago = (days: number): string => new Date(Date.now() - days * dayMs).toISOString();
  const event = { pc: null, room: null, image: null, operator: null };
  for (const [number, ended] of [
    [1, ago(401)],
    [4, ago(400)],
    [2, ago(300)],
    [3, null],
  ] as const) {
    addCapture(before, number, ended);
    before.addEvent({ ...event, at: ended ?? ago(1), session: `s${number}`, text: "over" });
  }
  before.close();
  {
    await using api = await openApi("local", { folder });
    // What is old leaves in steps, events first.
    await until(() => api.state.journal.find(4) === undefined);
    const listed = (await api.call("GET", "/sessions")).body;
    assert.deepEqual(
      listed.map(({ id }: { id: string }) => id),
      ["s2", "s3"],
    );
    const same = async (path: (id: string) => string, method: "GET" | "POST" = "GET") => {
      const body = method === "GET" ? undefined : {};
      const gone = await api.call(method, path("s4"), body);
      const never = await api.call(method, path("s99"), body);
      assert.deepEqual(
        JSON.parse(JSON.stringify(gone).replaceAll("s4", "s99")),
        JSON.parse(JSON.stringify(never)),
      );
      return gone.status;
    };
    assert.equal(await same((id) => `/sessions/${id}`), 404);
    assert.equal(await same((id) => `/sessions/${id}/certificate`), 404);
    assert.equal(await same((id) => `/sessions/${id}/stop`, "POST"), 404);
    assert.equal(await same((id) => `/history?session=${id}`), 200);
    assert.equal((await api.call("GET", "/sessions/s2")).status, 200);
    assert.equal(api.state.journal.nextNumber(), 5);
    const texts = (await api.call("GET", "/history?limit=9")).body.map(
      ({ text }: { text: string }) => text,
    );
    assert(texts.includes("over"));
  }
  rmSync(folder, { recursive: true });
});
