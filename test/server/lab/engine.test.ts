import assert from "node:assert/strict";
import { test } from "node:test";
import type { Batch, JournalFact, Journalled } from "../../../core/session/journal.ts";
import type { Input } from "../../../core/session/kind.ts";
import type { RestoreState } from "../../../core/session/kinds/restore.ts";
import { type KindName, kinds, type SpecOf } from "../../../core/session/registry.ts";
import { millis } from "../../../core/units/units.ts";
import { anyDisk } from "../../../core/wire/disk-policy.ts";
import type { Report } from "../../../core/wire/work.ts";
import { Engine } from "../../../server/lab/engine.ts";
import { decidedLimit } from "../../../server/lab/ledger.ts";
import { castKeys, keysOf } from "../../core/cast/keys.ts";
import {
  admit,
  alone,
  at,
  delivery,
  done,
  drop,
  fitted,
  liveSpec,
  progress,
  ready,
  restoreSpec,
  root,
  wordOf,
} from "../../core/session/play.ts";

const wipeSpec = { ...alone, method: "zero", failingDisks: [] } as const;

/** An engine with a clock, and a journal that writes when it is told to. */
class Desk {
  now = 0;
  keys = castKeys;
  readonly engine = new Engine({
    settingsOf: () => ({
      ...{ policy: anyDisk, grow: "none" as const, rateLimitBps: null, grant: () => "" },
      castKeys: this.keys,
    }),
  });
  readonly batches: Batch[] = [];

  get stamp() {
    return { at: millis(this.now), iso: `t${this.now}` };
  }

  begin<K extends KindName>(number: number, kind: K, spec: SpecOf<K>): void {
    this.engine.begin(number, kind, spec, this.stamp);
  }

  take(session: string, ...inputs: Input[]): void {
    for (const input of inputs) this.engine.take(session, input, this.stamp);
  }

  connect(pc: string, report: Report | null = null): void {
    this.engine.connected(pc, report, this.stamp);
  }

  report(pc: string, report: Report | null): void {
    this.engine.reported(pc, report, this.stamp);
  }

  lose(pc: string): void {
    this.engine.lost(pc, "gone", this.stamp);
  }

  /** Writes what is decided; answers what is said then. */
  write(): string[] {
    for (let batch = this.engine.toWrite(); batch !== null; batch = this.engine.toWrite()) {
      this.batches.push(JSON.parse(JSON.stringify(batch)));
      this.engine.written(millis(this.now));
    }
    return this.said();
  }

  said(): string[] {
    return this.engine.takeSends().map(({ pc, message }) => {
      const { type, session, attempt } = message as {
        type: string;
        session: string;
        attempt: number;
      };
      return `${pc} ${type} ${session} ${attempt}`;
    });
  }

  /** What a journal has of session `number` by now. */
  journalled(number: number): Journalled {
    const stored = this.batches
      .flatMap(({ sessions }) => sessions)
      .filter((each) => each.number === number)
      .at(-1);
    assert(stored !== undefined);
    const facts: JournalFact[] = this.batches
      .flatMap((batch) => batch.facts)
      .filter((each) => each.session === number && each.seq > stored.seq);
    return { stored, facts };
  }
}

test("nothing is said before what it follows from is written", () => {
  const desk = new Desk();
  desk.connect("a");
  desk.begin(1, "restore", restoreSpec({ pcs: ["a"] }));
  assert.deepEqual(desk.said(), []);
  const batch = desk.engine.toWrite();
  assert.deepEqual(desk.said(), []);
  assert.equal(desk.engine.toWrite(), null, "one batch at a time");
  desk.report("a", null);
  assert.deepEqual(desk.said(), []);
  assert.deepEqual(
    batch?.facts.map(({ fact }) => fact.type),
    ["ordered"],
  );
  const { happened, changed, over } = desk.engine.written(millis(0));
  assert.deepEqual([happened.length, changed.length, over.length], [1, 1, 0]);
  assert.deepEqual(desk.said(), ["a restore s1 1"]);
});

test("a batch that could not be written is asked for again, with what came since", () => {
  const desk = new Desk();
  desk.connect("a");
  desk.begin(1, "restore", restoreSpec({ pcs: ["a"] }));
  desk.engine.toWrite();
  desk.take("s1", ready("a"));
  desk.engine.notWritten();
  assert.deepEqual(desk.said(), []);
  const again = desk.engine.toWrite();
  assert.deepEqual(
    again?.facts.map(({ seq, fact }) => `${seq} ${fact.type}`),
    ["1 ordered", "2 readied", "3 opened", "4 joined"],
  );
  assert.deepEqual(
    again?.sessions.map(({ number, seq }) => [number, seq]),
    [[1, 4]],
  );
  desk.engine.written(millis(0));
  assert.deepEqual(desk.said(), ["a restore s1 1"]);
});

test("an order is said again after two seconds, until the agent reports it", () => {
  const desk = new Desk();
  desk.connect("a");
  desk.begin(1, "wipe", wipeSpec);
  assert.deepEqual(desk.write(), ["a wipe s1 1"]);
  desk.now = 1999;
  desk.report("a", null);
  assert.deepEqual(desk.said(), []);
  desk.now = 2000;
  desk.report("a", null);
  assert.deepEqual(desk.said(), ["a wipe s1 1"]);
  desk.now = 9000;
  desk.report("a", at(1));
  assert.deepEqual(desk.said(), []);
});

test("an agent that is at work hears its order once over each connection, and when it is renewed", () => {
  const desk = new Desk();
  desk.connect("a");
  desk.begin(1, "restore", restoreSpec({ pcs: ["a"] }));
  assert.deepEqual(desk.write(), ["a restore s1 1"]);
  desk.report("a", at(1));
  desk.now = 9000;
  desk.report("a", at(1));
  assert.deepEqual(desk.said(), []);
  // The agent's connection broke, or the server was started anew: its grant may be another now.
  desk.connect("a", at(1));
  assert.deepEqual(desk.write(), ["a restore s1 1"]);
  desk.report("a", at(1));
  assert.deepEqual(desk.said(), []);
  desk.engine.renew("s1", millis(9000));
  assert.deepEqual(desk.said(), ["a restore s1 1"]);
  desk.report("a", at(1, "stopping"));
  desk.engine.renew("s1", millis(9000));
  assert.deepEqual(desk.said(), [], "what stops needs no grant");
  assert.equal(desk.engine.attemptOf("s1", "a"), 1);
  assert.equal(desk.engine.attemptOf("s1", "b"), null);
});

test("an end is settled when it is in the journal, and not before", () => {
  const desk = new Desk();
  desk.connect("a");
  desk.begin(1, "wipe", wipeSpec);
  desk.write();
  desk.report("a", done(1, "done"));
  assert.deepEqual(desk.said(), []);
  assert.deepEqual(desk.write(), ["a cancel s1 1"]);
  assert.equal(desk.engine.get("s1"), undefined);
});

test("what a PC had done before it was given up is settled when that is in the journal", () => {
  const desk = new Desk();
  desk.connect("a");
  desk.begin(1, "restore", restoreSpec());
  desk.write();
  desk.lose("a");
  desk.take("s1", { type: "booting", pc: "b" });
  desk.now = 30_000;
  desk.engine.tick(desk.stamp);
  desk.write();
  desk.connect("a", done(1, "verified", root));
  assert.deepEqual(desk.said(), [], "the journal has it as failed");
  desk.write();
  desk.report("a", done(1, "verified", root));
  assert.deepEqual(desk.said(), [], "said once is enough");
  const session = desk.engine.get("s1");
  assert(session !== undefined);
  const phase = (session.durable as RestoreState).receivers.members.get("a")?.phase;
  assert(phase?.name === "ended");
  assert.equal(phase.result, "verified");
});

test("a PC that was started anew is not told the order of its old attempt first", () => {
  const desk = new Desk();
  desk.connect("a");
  desk.begin(1, "restore", restoreSpec({ pcs: ["a"] }));
  desk.write();
  desk.connect("a");
  assert.deepEqual(desk.said(), []);
  assert.deepEqual(desk.write(), ["a restore s1 2"]);
});

test("an agent that is at something else is told to leave it, with the reason", () => {
  const desk = new Desk();
  desk.connect("a");
  desk.begin(1, "restore", restoreSpec());
  desk.write();
  desk.report("a", at(1));
  desk.take("s1", drop("a"));
  desk.engine.toWrite();
  desk.engine.written(millis(0));
  const [send] = desk.engine.takeSends();
  assert.deepEqual(send?.message, {
    ...{ type: "cancel", session: "s1", attempt: 1 },
    reason: "an operator took this PC out of the session",
  });
  desk.connect("b", { ...at(3), session: "s9" });
  assert.deepEqual(desk.write(), ["b cancel s9 3", "b restore s1 1"]);
});

test("a PC is told why its session was stopped, although the session is over", () => {
  const desk = new Desk();
  desk.connect("a");
  desk.begin(1, "wipe", wipeSpec);
  desk.write();
  desk.report("a", at(1));
  desk.take("s1", { type: "stop" });
  desk.engine.toWrite();
  desk.engine.written(millis(0));
  const [send] = desk.engine.takeSends();
  assert(send?.message.type === "cancel");
  assert.equal(send.message.reason, "stopped by an operator");
});

test("a PC that was given to another session is not let in by the older one", () => {
  const desk = new Desk();
  desk.connect("a");
  desk.connect("b");
  desk.begin(1, "restore", restoreSpec());
  desk.write();
  desk.lose("a");
  desk.now = 30_000;
  desk.engine.tick(desk.stamp);
  assert.equal(desk.engine.of("a"), undefined, "given up");
  desk.begin(2, "wipe", wipeSpec);
  desk.connect("a");
  assert.deepEqual(desk.write(), ["a wipe s2 1"]);
  desk.report("a", done(1, "done"));
  desk.take("s2", { type: "stop" });
  desk.write();
  desk.connect("a");
  assert.deepEqual(desk.write(), []);
  assert.equal(desk.engine.of("a"), undefined);
});

test("every session that knows a PC is asked whether it lets it in again", () => {
  const desk = new Desk();
  for (const pc of ["a", "b"]) desk.connect(pc);
  desk.begin(1, "restore", restoreSpec());
  desk.begin(2, "restore", restoreSpec({ pcs: ["c"] }));
  desk.take("s1", drop("a"));
  desk.take("s2", admit("a"));
  desk.lose("a");
  desk.now = 30_000;
  desk.engine.tick(desk.stamp);
  desk.write();
  assert.equal(desk.engine.of("a"), undefined);
  desk.connect("a");
  assert.equal(desk.engine.of("a")?.id, "s2");
});

test("receivers that are there are ordered by the plan, and its sender is not taken for restarted", () => {
  const desk = new Desk();
  for (const pc of ["s", "a", "b"]) desk.connect(pc);
  desk.begin(1, "cast", liveSpec());
  assert.deepEqual(desk.write(), ["s cast s1 1"]);
  // The plan is faster than the report of the agent that made it.
  desk.take("s1", { type: "planned" });
  assert.deepEqual(desk.write(), ["a restore s1 1", "b restore s1 1"]);
});

/** The facts of session 1, in short words. */
const wordsOf = (desk: Desk): string[] =>
  desk.batches.flatMap(({ facts }) => facts.map(({ fact }) => wordOf(fact)));

test("with a start timeout of 0 it starts at once with the PCs that are there", () => {
  const soon = { start: "all", startTimeoutMs: 0 } as const;
  const restored = new Desk();
  for (const pc of ["a", "b"]) restored.connect(pc);
  restored.begin(1, "restore", restoreSpec({ ...soon, pcs: ["a", "b", "off"] }));
  assert.deepEqual(restored.write(), ["a restore s1 1", "b restore s1 1"]);
  assert.deepEqual(wordsOf(restored), ["a ordered 1", "b ordered 1", "opened timeout"]);

  const fittedFirst = new Desk();
  for (const pc of ["a", "b"]) fittedFirst.connect(pc);
  fittedFirst.begin(1, "restore", restoreSpec({ ...soon, fitTo: 240e9 }));
  fittedFirst.take("s1", fitted);
  fittedFirst.write();
  assert.deepEqual(wordsOf(fittedFirst), [
    "fitted",
    "a ordered 1",
    "b ordered 1",
    "opened timeout",
  ]);

  const withCanary = new Desk();
  for (const pc of ["a", "b"]) withCanary.connect(pc);
  const canary = [{ pc: "a", name: "A" }];
  withCanary.begin(1, "restore", restoreSpec({ ...soon, canary }));
  withCanary.take("s1", ready("a"));
  withCanary.write();
  withCanary.report("a", done(1, "verified", root));
  withCanary.write();
  assert.deepEqual(wordsOf(withCanary), [
    ...["a ordered 1", "a readied", "a joined", "a ended verified"],
    ...["canary-passed", "b ordered 1", "opened timeout"],
  ]);
});

test("the sender that may end is told so, until it reports an end", () => {
  const desk = new Desk();
  for (const pc of ["s", "a"]) desk.connect(pc);
  desk.begin(1, "cast", liveSpec({ pcs: ["a"] }));
  desk.take("s1", { type: "planned" }, ready("a"));
  desk.write();
  desk.report("s", at(1));
  desk.take("s1", { type: "sealed", rootHash: root, storedBytes: 1 });
  desk.report("a", done(1, "verified", root));
  assert.deepEqual(desk.write(), ["a cancel s1 1", "s finish s1 1"]);
  desk.report("s", done(1, "done"));
  assert.deepEqual(desk.write(), ["s cancel s1 1"]);
});

test("what the journal has makes the state again, and a start folds few facts", () => {
  const desk = new Desk();
  desk.connect("a");
  desk.begin(1, "restore", restoreSpec({ pcs: ["a"] }));
  for (let attempt = 1; attempt <= 100; attempt++) {
    desk.take("s1", ready("a", attempt));
    if (attempt % 3 === 0) {
      desk.engine.toWrite();
      desk.engine.notWritten();
    }
    desk.write();
    assert(desk.journalled(1).facts.length < 70);
    desk.connect("a");
  }
  desk.write();
  const after = new Engine({
    settingsOf: () => ({
      ...{ policy: anyDisk, grow: "none" as const, rateLimitBps: null, grant: () => "" },
      castKeys,
    }),
  });
  const state = JSON.stringify(desk.engine.get("s1")?.durable);
  const session = after.resume(desk.journalled(1), desk.stamp);
  assert.equal(JSON.stringify(session.durable), state);
  const batch = after.toWrite();
  assert.deepEqual(
    batch?.facts.map(({ fact }) => fact.type),
    ["went"],
  );
  after.connected("a", at(101), desk.stamp);
  after.written(millis(0));
  assert.deepEqual(after.takeSends(), []);
});

test("the next deadline is that of any session, and nothing is kept of one that is over", () => {
  const desk = new Desk();
  for (const pc of ["a", "b"]) desk.connect(pc);
  desk.begin(1, "restore", restoreSpec({ pcs: ["a"] }));
  desk.begin(2, "wipe", { ...wipeSpec, pc: "b" });
  desk.now = 1000;
  desk.lose("b");
  assert.equal(desk.engine.deadline(millis(1000)), 60_000);
  desk.take("s1", ready("a"));
  assert.equal(desk.engine.deadline(millis(1000)), 61_000);
  desk.take("s1", { type: "stop" });
  desk.take("s2", { type: "stop" });
  desk.write();
  assert.equal(desk.engine.deadline(millis(1000)), undefined);
  assert.deepEqual(desk.engine.all(), []);
});

test("a word of another attempt shows nothing", () => {
  const desk = new Desk();
  desk.connect("a");
  desk.begin(1, "restore", restoreSpec({ pcs: ["a"] }));
  desk.connect("a");
  desk.write();
  desk.take("s1", progress("a", "scanning", 1));
  const shown = () => desk.engine.get("s1")?.gauges.members.get("a")?.bytesDone;
  assert.equal(shown(), 0);
  desk.take("s1", progress("a", "scanning", 2));
  assert.equal(shown(), 1);
});

/**
 * What 500 PCs say while they receive is 2,500 words a second: at this bound they take a twentieth of a
 * core. Seen on two busy cores: 1 µs for either.
 */
const mostMicros = 20;

test("what leads to no fact costs next to nothing in a room of 500", (context) => {
  const desk = new Desk();
  const pcs = Array.from({ length: 500 }, (_, index) => `p${index}`);
  for (const pc of pcs) desk.connect(pc);
  desk.begin(1, "restore", restoreSpec({ pcs }));
  desk.write();
  for (const pc of pcs) desk.take("s1", ready(pc));
  desk.write();
  for (const [name, say] of [
    ["a progress", (pc: string) => desk.take("s1", progress(pc, "receiving"))],
    ["a report", (pc: string) => desk.report(pc, at(1))],
  ] as const) {
    const costs = [];
    for (let round = 0; round < 10; round++) {
      const begun = performance.now();
      for (const pc of pcs) say(pc);
      costs.push(((performance.now() - begun) * 1000) / pcs.length);
    }
    const cost = Math.min(...costs);
    context.diagnostic(`${name}: ${cost.toFixed(2)} µs`);
    assert(cost < mostMicros, `${name} costs ${cost} µs`);
  }
  assert.equal(desk.engine.toWrite(), null);
});

test("of PCs that work each in a session of its own, one costs no look at the others", (context) => {
  const desk = new Desk();
  const pcs = Array.from({ length: 200 }, (_, index) => `p${index}`);
  for (const pc of pcs) desk.connect(pc);
  for (const [index, pc] of pcs.entries()) desk.begin(index + 1, "wipe", { ...wipeSpec, pc });
  desk.write();
  desk.engine.deadline(millis(0));
  const looks = (["decide", "holds", "knows", "wanted", "deadline"] as const).map(
    (name) => context.mock.method(kinds.wipe, name).mock,
  );
  const report = { ...at(1), session: "s3" };
  const says: Record<string, () => void> = {
    report: () => desk.report("p2", report),
    sign: () => desk.engine.tell({ type: "seen", pc: "p2", sign: { kind: "loader" } }, desk.stamp),
    end: () => desk.lose("p2"),
    return: () => desk.connect("p2", report),
    "time of one": () => {
      desk.lose("p2");
      desk.write();
      desk.now = desk.engine.deadline(millis(0)) ?? 0;
      desk.engine.tick(desk.stamp);
    },
  };
  for (const [name, say] of Object.entries(says)) {
    for (const each of looks) each.resetCalls();
    say();
    desk.write();
    const count = looks.reduce((sum, each) => sum + each.callCount(), 0);
    assert(count < 20, `the ${name} of one PC takes ${count} looks`);
  }
  assert.equal(desk.engine.all().length, 199);
});

test("new keys of a cast come by the order once more, to those who are at it; nothing of it is written", () => {
  const desk = new Desk();
  desk.connect("a");
  desk.connect("b");
  desk.begin(1, "restore", restoreSpec({ pcs: ["a", "b"] }));
  assert.deepEqual(desk.write(), ["a restore s1 1", "b restore s1 1"]);
  const working = { session: "s1", attempt: 1, phase: "working", end: null } as const;
  for (const pc of ["a", "b"]) desk.report(pc, working);
  assert.deepEqual(desk.said(), []);
  desk.keys = keysOf(50);
  desk.take("s1", { type: "drop", pc: "b", by: "operator" });
  desk.write();
  desk.engine.renew("s1", millis(0));
  const [refresh, ...more] = desk.engine.takeSends();
  assert.deepEqual([refresh?.pc, refresh?.isRefresh, more.length], ["a", true, 0]);
  assert(refresh?.message.type === "restore");
  assert.deepEqual(refresh.message.cast.keys, keysOf(50));
  desk.now = 5000;
  desk.report("a", working);
  assert.deepEqual(desk.said(), [], "once is enough");
  // The connection was made anew: it may have missed them.
  desk.lose("a");
  desk.connect("a", working);
  assert.deepEqual(desk.write(), ["a restore s1 1"]);
  assert(!JSON.stringify(desk.batches).includes(keysOf(50).packet));
  assert(!JSON.stringify(desk.batches).includes(castKeys.chunk));
});

test("once the canary is through, whoever is connected is ordered; its proof hears that its agent is gone", () => {
  const desk = new Desk();
  desk.connect("a");
  desk.connect("b");
  const canary = [{ pc: "a", name: "lab1-a1" }];
  desk.begin(1, "restore", restoreSpec({ pcs: ["a", "b"], canary, proveBootMs: 60_000 }));
  assert.deepEqual(desk.write(), ["a restore s1 1"]);
  desk.take("s1", ready("a"));
  desk.report("a", done(1, "verified", root));
  assert.deepEqual(desk.write(), ["a cancel s1 1"]);
  desk.lose("a");
  const sign = { kind: "dhcp", system: "Debian", host: "lab1-a1" } as const;
  desk.engine.tell({ type: "seen", pc: "a", sign }, desk.stamp);
  assert.deepEqual(desk.write(), ["b restore s1 1"]);
});

test("while the journal is too far behind nobody is let in, and what was decided is kept", () => {
  const desk = new Desk();
  for (const pc of ["a", "b"]) desk.connect(pc);
  desk.begin(1, "restore", restoreSpec({ pcs: ["a"] }));
  desk.write();
  desk.take("s1", ready("a"));
  // The disk is full: whatever is decided waits.
  let facts = 0;
  for (let each = 0; each < 2 * decidedLimit; each++) {
    const reason = each % 2 === 0 ? "no multicast" : null;
    if (desk.engine.take("s1", delivery("a", reason), desk.stamp)) facts++;
  }
  assert(facts > decidedLimit - 10 && facts <= decidedLimit, String(facts));
  const tooFar = { name: "RoomcastError", code: "failed", message: /cannot be written down/ };
  assert.throws(() => desk.begin(2, "wipe", { ...wipeSpec, pc: "b" }), tooFar);
  assert.throws(() => desk.take("s1", admit("b")), tooFar);
  assert.throws(() => desk.connect("a", at(1)), tooFar);
  // Each of these can come but once.
  desk.report("a", done(1, "verified", root));
  desk.lose("b");
  assert.deepEqual(desk.said(), [], "nothing is acted on");

  desk.write();
  assert.equal(desk.engine.get("s1"), undefined, "its only PC has ended");
  desk.connect("b");
  desk.begin(3, "wipe", { ...wipeSpec, pc: "b" });
  assert.deepEqual(desk.write(), ["b wipe s3 1"]);
});

/** What the journal could not take is taken back. */
function refused(desk: Desk, say: () => void): void {
  const mark = desk.engine.mark();
  say();
  desk.engine.toWrite();
  desk.engine.notWritten();
  desk.engine.withdraw(mark);
}

test("what is withdrawn was never said: who was taken over, let in or begun is as before", () => {
  const desk = new Desk();
  for (const pc of ["a", "b", "c"]) desk.connect(pc);
  desk.begin(1, "restore", restoreSpec({ pcs: ["a", "b"] }));
  desk.write();
  desk.report("b", done(1, "failed"));
  const state = (): unknown => desk.engine.get("s1")?.state;
  const waiting = state();
  refused(desk, () => desk.begin(2, "restore", restoreSpec({ pcs: ["b", "c"] })));
  assert.equal(desk.engine.get("s2"), undefined);
  assert.equal(state(), waiting);
  refused(desk, () => desk.take("s1", admit("c"), admit("b")));
  assert.equal(state(), waiting);
  assert.deepEqual([...desk.engine.knowing("c")], []);
  refused(desk, () => desk.take("s1", { type: "stop" }));
  assert.deepEqual([state(), desk.engine.get("s1")?.endedAt], [waiting, null]);
  // What was decided before waits as it did.
  assert(desk.engine.isBehind);
  assert.deepEqual(desk.write(), ["b cancel s1 1"]);
  assert.deepEqual(
    desk.journalled(1).facts.map(({ seq, fact }) => `${seq} ${fact.type} ${fact.pc}`),
    ["3 ended b"],
  );
  desk.begin(2, "wipe", { ...wipeSpec, pc: "c" });
  assert.deepEqual(desk.write(), ["c wipe s2 1"]);
});

test("whom an operator has stopped is told before that is written, and no end is acknowledged", () => {
  const desk = new Desk();
  for (const pc of ["a", "b", "c"]) desk.connect(pc);
  desk.begin(1, "restore", restoreSpec({ pcs: ["a", "b"] }));
  desk.begin(2, "wipe", { ...wipeSpec, pc: "c" });
  desk.write();
  for (const pc of ["a", "b"]) desk.report(pc, at(1));
  desk.report("c", { ...at(1), session: "s2" });
  desk.write();
  desk.report("b", done(1, "failed"));
  const before = desk.engine.get("s1")?.state;
  desk.take("s1", { type: "stop" });
  desk.engine.toWrite();
  desk.engine.notWritten();
  assert.deepEqual(desk.said(), []);
  desk.engine.letGo({ id: "s1" }, before, millis(0));
  assert.deepEqual(desk.said(), ["a cancel s1 1"]);
  // It comes back at work, since it did not hear of it; then it has stopped.
  desk.connect("a", at(1));
  assert.deepEqual(desk.said(), ["a cancel s1 1"]);
  desk.report("a", null);
  assert.deepEqual(desk.said(), []);
  assert.deepEqual(desk.write(), ["b cancel s1 1"]);
});
