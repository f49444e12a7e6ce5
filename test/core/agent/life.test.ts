import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  endSeenFor,
  idle,
  isSameWork,
  type Life,
  type LifeAction,
  type LifeEvent,
  live,
  type Order,
  report,
  settleLimit,
  shownEnd,
  underWay,
} from "../../../core/agent/life.ts";
import { pcState } from "../../../core/agent/state.ts";
import { type Millis, millis } from "../../../core/units/units.ts";
import { usualRule } from "../../../core/wire/disk-policy.ts";
import type { Afterwards } from "../../../core/wire/orders.ts";
import type { End, Work } from "../../../core/wire/work.ts";
import { castKeys } from "../cast/keys.ts";

const work = (session: string, attempt: number): Work => ({ session, attempt });

const order = (session = "s1", attempt = 1, afterwards: Afterwards = "stay"): Order => ({
  type: "restore",
  session,
  attempt,
  grant: "",
  imageId: "i",
  image: "base@1",
  cast: { tag: 1, group: "239.77.1.1", port: 7401, keys: castKeys },
  verify: "read-back",
  afterwards,
  disk: null,
  rule: usualRule,
  grow: "none",
  scan: false,
  live: "no",
  personal: null,
});

const endOf = (outcome: End["outcome"]): End => ({
  outcome,
  reason: null,
  next: null,
  rootHash: null,
  counters: null,
});

/** A life and a clock that is moved by hand. */
class Bench {
  life: Life = idle;
  now: Millis = millis(1000);
  readonly actions: LifeAction[] = [];
  readonly once: boolean;

  constructor(once = false) {
    this.once = once;
  }

  take(event: LifeEvent, after = 0): readonly string[] {
    this.now = millis(this.now + after);
    const [life, actions] = live(this.life, event, this.now, this);
    this.life = life;
    this.actions.push(...actions);
    return actions.map(({ type }) => type);
  }

  order(session = "s1", attempt = 1, afterwards: Afterwards = "stay"): readonly string[] {
    return this.take({ type: "order", order: order(session, attempt, afterwards) });
  }

  cancel(session = "s1", attempt = 1): readonly string[] {
    return this.take({ type: "cancel", work: work(session, attempt), reason: "why" });
  }

  finish(outcome: End["outcome"] = "verified", session = "s1", attempt = 1): readonly string[] {
    return this.take({ type: "finished", work: work(session, attempt), end: endOf(outcome) });
  }

  tick(after: number): readonly string[] {
    return this.take({ type: "tick" }, after);
  }
}

/** A life in each of its states, at work or done with s1, attempt 1. */
const lives: Readonly<Record<string, () => Bench>> = {
  idle: () => new Bench(),
  working: () => begun(),
  stopping: () => stopped(),
  "stopping, next": () => stopped((bench) => bench.order("s2")),
  done: () => ended(),
  settled: () => ended((bench) => bench.cancel()),
  dismissed: () => ended((bench) => bench.take({ type: "dismissed" })),
  leaving: () =>
    ended((bench) => [bench.cancel(), bench.take({ type: "power", action: "reboot" })]),
};

function begun(then: (bench: Bench) => unknown = () => {}): Bench {
  const bench = new Bench();
  bench.order();
  then(bench);
  return bench;
}
const stopped = (then: (bench: Bench) => unknown = () => {}): Bench =>
  begun((bench) => [bench.cancel(), then(bench)]);
const ended = (then: (bench: Bench) => unknown = () => {}): Bench =>
  begun((bench) => [bench.finish(), then(bench)]);

const events: Readonly<Record<string, LifeEvent>> = {
  "order same": { type: "order", order: order() },
  "order retry": { type: "order", order: order("s1", 2) },
  "order other": { type: "order", order: order("s2") },
  "cancel same": { type: "cancel", work: work("s1", 1), reason: "why" },
  "cancel late": { type: "cancel", work: work("s1", 7), reason: "why" },
  "cancel next": { type: "cancel", work: work("s2", 1), reason: "why" },
  stop: { type: "stop", reason: "at the PC" },
  finished: { type: "finished", work: work("s1", 1), end: endOf("verified") },
  power: { type: "power", action: "reboot" },
  stayed: { type: "stayed" },
  quit: { type: "quit", reason: "over" },
  dismissed: { type: "dismissed" },
  tick: { type: "tick" },
};

/** What each event leads to in each state, and what is done at it; `=`: nothing changes. */
const table: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  idle: {
    "order same": "working: start",
    "order retry": "working: start",
    "order other": "working: start",
    finished: "throws",
    power: "leaving: power",
    quit: "leaving: exit",
  },
  working: {
    "order same": "=: refresh",
    "cancel same": "stopping: stop",
    stop: "stopping: stop",
    finished: "done",
    power: "=: notice",
    quit: "stopping: stop",
  },
  stopping: {
    "order retry": "stopping",
    "order other": "stopping",
    finished: "done",
    power: "=: notice",
    quit: "stopping",
  },
  "stopping, next": {
    "order retry": "stopping",
    "order other": "stopping",
    "cancel next": "stopping",
    finished: "working: start",
    power: "=: notice",
    quit: "stopping",
  },
  done: {
    "order retry": "working: start",
    "order other": "working: start",
    "cancel same": "done",
    finished: "throws",
    power: "done: notice",
    quit: "leaving: exit",
    dismissed: "done",
  },
  settled: {
    "order retry": "working: start",
    "order other": "working: start",
    "cancel same": "done",
    finished: "throws",
    power: "leaving: power",
    quit: "leaving: exit",
    dismissed: "idle",
  },
  dismissed: {
    "order retry": "working: start",
    "order other": "working: start",
    "cancel same": "idle",
    finished: "throws",
    power: "done: notice",
    quit: "leaving: exit",
    dismissed: "done",
  },
  leaving: {
    "cancel same": "leaving",
    finished: "throws",
    power: "=: power",
    stayed: "done",
    quit: "=: exit",
  },
};

for (const [state, open] of Object.entries(lives)) {
  test(`every event while ${state}`, () => {
    for (const [name, event] of Object.entries(events)) {
      const expected = table[state]?.[name] ?? "=";
      const bench = open();
      const before = bench.life;
      if (expected === "throws") {
        assert.throws(() => bench.take(event), /assertion/, name);
        continue;
      }
      const actions = bench.take(event);
      const became = bench.life === before ? "=" : bench.life.name;
      assert.equal([became, ...actions].join(": "), expected, name);
    }
  });
}

test("an end is reported until exactly that attempt is cancelled", () => {
  const bench = begun();
  assert.deepEqual(report(bench.life), { ...work("s1", 1), phase: "working", end: null });
  bench.finish("failed");
  const done = { ...work("s1", 1), phase: "done", end: endOf("failed") };
  bench.cancel("s1", 2);
  bench.cancel("s2", 1);
  bench.tick(10 * settleLimit);
  assert.deepEqual(report(bench.life), done);
  bench.take({ type: "dismissed" });
  assert.deepEqual(report(bench.life), done, "the person knows it, the server does not");
  bench.cancel();
  assert.deepEqual([report(bench.life), bench.life], [null, idle]);
});

test("a settled end stays on the screen until it is dismissed", () => {
  const bench = ended((each) => each.cancel());
  assert.equal(shownEnd(bench.life)?.end.outcome, "verified");
  bench.take({ type: "dismissed" });
  assert.equal(shownEnd(bench.life), null);
});

test("the newest order that comes while it stops is begun, and the old end is not reported", () => {
  const bench = stopped();
  bench.order("s1", 2);
  bench.order("s2", 1);
  bench.order("s1", 1);
  assert.equal(report(bench.life)?.phase, "stopping");
  assert.deepEqual(bench.finish("stopped"), ["start"]);
  assert.deepEqual(report(bench.life), { ...work("s2", 1), phase: "working", end: null });
});

test("what follows an end waits for the server and for the person at the PC", () => {
  const bench = new Bench();
  bench.order("s1", 1, "poweroff");
  bench.finish();
  assert.deepEqual(bench.tick(10 * settleLimit), [], "not settled");
  assert.deepEqual(bench.cancel(), ["power"]);

  const early = new Bench();
  early.order("s1", 1, "poweroff");
  early.finish();
  assert.deepEqual(early.cancel(), []);
  assert.deepEqual(early.tick(endSeenFor - 1), [], "nobody has seen it");
  assert.deepEqual(early.tick(1), ["power"]);
  assert.equal(early.life.name, "leaving");
  early.take({ type: "stayed" });
  assert.deepEqual(early.tick(endSeenFor), [], "once");

  for (const outcome of ["failed", "refused", "stopped"] as const) {
    const bad = new Bench();
    bad.order("s1", 1, "poweroff");
    bad.finish(outcome);
    bad.cancel();
    assert.deepEqual(bad.tick(10 * settleLimit), [], outcome);
  }
});

test("a restart that is wanted before the end is settled waits a minute at most", () => {
  const bench = ended();
  assert.deepEqual(bench.take({ type: "power", action: "reboot" }), ["notice"]);
  assert.deepEqual(bench.tick(settleLimit - 1), []);
  assert.deepEqual(bench.tick(1), ["power"]);
  assert.equal(report(bench.life)?.phase, "done", "and goes on to be reported");
});

test("an agent that runs once exits with the session's status, once that is settled", () => {
  const statuses = { verified: 0, done: 0, failed: 1, stopped: 1, refused: 4 } as const;
  for (const [outcome, status] of Object.entries(statuses)) {
    for (const isHeard of [true, false]) {
      const bench = new Bench(true);
      bench.order("s1", 1, "reboot");
      bench.finish(outcome as End["outcome"]);
      assert.deepEqual(bench.tick(settleLimit - 1), []);
      // A server that is gone for good does not hold it.
      const actions = isHeard ? bench.cancel() : bench.tick(1);
      assert.deepEqual(actions, ["exit"]);
      assert.deepEqual(bench.actions.at(-1), { type: "exit", status });
    }
  }
});

test("an agent that is ended stops its work first, and begins no other", () => {
  const bench = begun();
  assert.deepEqual(bench.take({ type: "quit", reason: "over" }), ["stop"]);
  bench.order("s2");
  assert.deepEqual(bench.finish("stopped"), ["exit"]);
  assert.deepEqual(bench.actions.at(-1), { type: "exit", status: 1 });
  assert.equal(report(bench.life)?.end?.outcome, "stopped", "which the server still hears");
});

test("the PC's state follows its work, and a failure until it is dismissed", () => {
  assert.equal(pcState(idle, null, false), "idle");
  assert.equal(pcState(idle, null, true), "failed", "its disk would not start");
  const bench = begun();
  const progress = (
    phase: "receiving" | "verifying" | "growing" | "personalising",
    bytesReceived: number,
  ) => ({
    phase,
    bytesDone: 0,
    bytesTotal: null,
    counters: {
      bytesReceived,
      ...{ bytesWanted: 9, bytesWritten: 0, bytesVerified: 0, chunksKept: 0, chunksWritten: 0 },
      ...{ forgedPackets: 0, lossRatio: null, writeBps: null },
    },
  });
  assert.equal(pcState(bench.life, null, false), "waiting");
  assert.equal(pcState(bench.life, progress("receiving", 0), false), "waiting");
  assert.equal(pcState(bench.life, progress("receiving", 1), false), "receiving");
  assert.equal(pcState(bench.life, progress("verifying", 1), false), "verifying");
  assert.equal(pcState(bench.life, progress("growing", 1), false), "personalising");
  assert.equal(pcState(bench.life, progress("personalising", 1), false), "personalising");
  bench.finish("failed");
  assert.equal(pcState(bench.life, null, false), "failed");
  bench.cancel();
  assert.equal(pcState(bench.life, null, false), "failed");
  bench.take({ type: "dismissed" });
  assert.equal(pcState(bench.life, null, false), "idle");
});

test("in any order of events: one task under way, no end lost before it is settled, no restart before that", () => {
  const works = fc.tuple(fc.constantFrom("s1", "s2"), fc.integer({ min: 1, max: 3 }));
  const afterwards = fc.constantFrom<Afterwards>("stay", "reboot");
  type Step =
    | { readonly do: "order"; readonly of: [string, number]; readonly after: Afterwards }
    | { readonly do: "cancel"; readonly of: [string, number] }
    | { readonly do: "end"; readonly outcome: End["outcome"] }
    | { readonly do: "take"; readonly event: LifeEvent };
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ do: fc.constant("order" as const), of: works, after: afterwards }),
    fc.record({ do: fc.constant("cancel" as const), of: works }),
    fc.record({
      do: fc.constant("end" as const),
      outcome: fc.constantFrom<End["outcome"]>("verified", "failed", "stopped"),
    }),
    fc.record({
      do: fc.constant("take" as const),
      event: fc.constantFrom<LifeEvent>(
        { type: "stop", reason: "x" },
        { type: "dismissed" },
        { type: "stayed" },
        { type: "tick" },
        { type: "power", action: "reboot" },
      ),
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(step, fc.nat(20_000)), { maxLength: 60 }), (steps) => {
      const bench = new Bench();
      /** What the PC really does, as its tasks would. */
      let running: Work | null = null;
      let unsettled: { readonly of: Work; readonly endedAt: number } | null = null;
      for (const [next, after] of steps) {
        const seen = bench.actions.length;
        bench.now = millis(bench.now + after);
        if (next.do === "order") {
          const [session, attempt] = next.of;
          if (unsettled !== null && !isSameWork(unsettled.of, work(session, attempt))) {
            // The server has moved on.
            if (bench.life.name === "done") unsettled = null;
          }
          bench.order(session, attempt, next.after);
        } else if (next.do === "cancel") {
          const [session, attempt] = next.of;
          if (unsettled !== null && isSameWork(unsettled.of, work(session, attempt))) {
            unsettled = null;
          }
          bench.cancel(session, attempt);
        } else if (next.do === "end") {
          if (running === null) continue;
          const { session, attempt } = running;
          running = null;
          const isFollowed = bench.life.name === "stopping" && bench.life.next !== null;
          if (!isFollowed) unsettled = { of: work(session, attempt), endedAt: bench.now };
          bench.finish(next.outcome, session, attempt);
        } else bench.take(next.event);
        for (const action of bench.actions.slice(seen)) {
          if (action.type === "start") {
            assert.equal(running, null, "one task at a time");
            running = action.order;
          }
          if (action.type === "stop") assert.notEqual(running, null);
          if (action.type === "power") {
            assert.equal(running, null, "no restart in the middle of work");
            const isHeld = unsettled !== null && bench.now < unsettled.endedAt + settleLimit;
            assert(!isHeld, "no restart while the server may still hear of an end");
          }
        }
        const at = underWay(bench.life);
        assert.equal(at === null, running === null);
        if (at !== null && running !== null) assert(isSameWork(at, running));
        if (unsettled !== null) {
          const said = report(bench.life);
          assert(said !== null && isSameWork(said, unsettled.of) && said.phase === "done");
        }
      }
    }),
  );
});
