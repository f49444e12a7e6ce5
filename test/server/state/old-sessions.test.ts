/** Sessions that ended long ago leave the state, in small steps, and nothing else does. */
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { JournalFact } from "../../../core/session/journal.ts";
import { capture } from "../../../core/session/kinds/capture.ts";
import { millis } from "../../../core/units/units.ts";
import { forgetStep } from "../../../server/state/old-sessions.ts";
import { openStateStore, type StateStore } from "../../../server/state/state-store.ts";

function inFolder(run: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-old-"));
  try {
    run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Wish {
  readonly number: number;
  readonly ended: string | null;
  readonly started?: string;
  readonly facts?: number;
  readonly name?: string;
}

/** A capture with so many facts; the lab time of the last one is its number and theirs. */
function add(
  { journal }: StateStore,
  { number, ended, started = "2026-01-01", facts = 1, name = "lab" }: Wish,
): void {
  const spec = { pc: "p-1", name, disk: null, raw: false, source: null };
  const state = capture.begin(spec, millis(0));
  const fact = (seq: number): JournalFact => ({
    ...{ session: number, seq, at: millis(number * 1000 + seq), iso: started },
    fact: { type: "began", pc: "p-1" },
  });
  const session = { number, kind: "capture", seq: facts, state, totals: null } as const;
  journal.append({
    sessions: [{ ...session, startedAt: started, endedAt: ended }],
    facts: Array.from({ length: facts }, (_, index) => fact(index + 1)),
  });
}

const numbersIn = ({ journal }: StateStore): number[] =>
  [...journal.ended(1000), ...journal.open()].map(({ stored }) => stored.number);

const factsIn = (folder: string): number => {
  const db = new DatabaseSync(join(folder, "state.db"));
  const count = Number(db.prepare("SELECT count(*) AS n FROM fact").get()?.n);
  db.close();
  return count;
};

/** What each step took, until there is nothing more. */
function forgetAll(store: StateStore, before: string): (readonly number[])[] {
  const steps: (readonly number[])[] = [];
  for (;;) {
    const { numbers, isDone } = store.forgetSessions(before);
    if (isDone) return steps;
    steps.push(numbers);
    assert(steps.length < 100, "it comes to an end");
  }
}

test("what ended by then goes with its facts; what is open or ended later stays, however old its beginning", () =>
  inFolder((folder) => {
    const store = openStateStore(folder);
    add(store, { number: 1, ended: null });
    add(store, { number: 2, ended: "2026-02-01" });
    add(store, { number: 3, ended: "2026-02-02" });
    add(store, { number: 4, ended: "2026-02-03" });
    assert.deepEqual(forgetAll(store, "2026-02-02"), [[2, 3]]);
    assert.deepEqual(numbersIn(store), [4, 1]);
    assert.deepEqual(
      [2, 3].map((number) => store.journal.find(number)),
      [undefined, undefined],
    );
    assert.equal(factsIn(folder), 2);
    store.close();
  }));

test("a number is not given again, and lab time goes on, when no session is left that says so", () =>
  inFolder((folder) => {
    let store = openStateStore(folder);
    add(store, { number: 1, ended: "2026-02-01", facts: 5 });
    add(store, { number: 2, ended: "2026-02-02", facts: 3 });
    forgetAll(store, "2027");
    store.close();
    store = openStateStore(folder);
    assert.deepEqual([store.journal.nextNumber(), store.journal.newestAt()], [3, 2003]);
    add(store, { number: 3, ended: null });
    assert.deepEqual([store.journal.nextNumber(), store.journal.newestAt()], [4, 3001]);
    store.close();
  }));

test("one step takes so many sessions, so many facts and so much state, and no more", () =>
  inFolder((folder) => {
    const store = openStateStore(folder);
    const { sessions, facts, stateBytes } = forgetStep;
    const many = sessions + 10;
    for (let number = 1; number <= many; number++) add(store, { number, ended: "2026-02-01" });
    assert.deepEqual(
      forgetAll(store, "2027").map((numbers) => numbers.length),
      [sessions, 10],
    );
    add(store, { number: 100, ended: "2026-02-01", facts: 2 * facts + 1 });
    add(store, { number: 101, ended: "2026-02-02" });
    assert.deepEqual(store.forgetSessions("2027").numbers, []);
    assert.equal(factsIn(folder), facts + 2);
    assert.notEqual(store.journal.find(100), undefined, "the state is the last to go");
    assert.deepEqual(forgetAll(store, "2027"), [[], [100, 101]]);
    for (const number of [102, 103, 104])
      add(store, { number, ended: "2026-02-01", name: "x".repeat(0.6 * stateBytes) });
    assert.deepEqual(forgetAll(store, "2027"), [[102, 103], [104]]);
    assert.equal(factsIn(folder), 0);
    store.close();
  }));

test("a session that a clock ended which was behind is as old as its beginning", () =>
  inFolder((folder) => {
    const store = openStateStore(folder);
    add(store, { number: 1, started: "2026-06-01", ended: "1970-01-01" });
    assert.deepEqual(forgetAll(store, "2026-02-02"), []);
    assert.deepEqual(forgetAll(store, "2026-06-02"), [[1]]);
    store.close();
  }));

test("a file of an earlier version forgets, too, and goes on with its numbers", () =>
  inFolder((folder) => {
    const fixture = join(import.meta.dirname, "../../fixtures/state-v2/state.db");
    copyFileSync(fixture, join(folder, "state.db"));
    let store = openStateStore(folder);
    assert.deepEqual(numbersIn(store), [1, 2, 3, 4]);
    assert.deepEqual(forgetAll(store, "2100"), [[1, 2, 3]]);
    store.close();
    store = openStateStore(folder);
    assert.deepEqual([numbersIn(store), store.journal.nextNumber()], [[4], 5]);
    store.close();
  }));

test("the facts of a session that is kept are kept by every start", () =>
  inFolder((folder) => {
    let store = openStateStore(folder);
    add(store, { number: 1, started: "2020-01-01", ended: "2020-01-02", facts: 4 });
    store.close();
    store = openStateStore(folder);
    store.close();
    assert.equal(factsIn(folder), 4);
  }));
