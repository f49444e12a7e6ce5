/** Sessions that earlier versions journalled are in the form that this one writes, once the file was opened. */
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fold } from "../../../core/session/journal.ts";
import { newGauges } from "../../../core/session/kind.ts";
import type { CaptureState } from "../../../core/session/kinds/capture.ts";
import type { RestoreState } from "../../../core/session/kinds/restore.ts";
import type { LiveState } from "../../../core/session/live-state.ts";
import { kinds } from "../../../core/session/registry.ts";
import { millis } from "../../../core/units/units.ts";
import { Engine } from "../../../server/lab/engine.ts";
import { openStateStore, type StateStore } from "../../../server/state/state-store.ts";
import { counters, liveSpec, restoreSpec, root } from "../../core/session/play.ts";

/**
 * `state-v3`: of commit 15a1081^, by its own engine. s1, a restore, and s2, a wipe, are over; s3, a restore of
 * which one PC is verified, s4, a live cast, and s5, a capture, are under way, some of their facts behind the state.
 */
function inFixture(run: (store: StateStore) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-state-"));
  try {
    copyFileSync(
      join(import.meta.dirname, "../../fixtures/state-v3/state.db"),
      join(folder, "state.db"),
    );
    const store = openStateStore(folder);
    run(store);
    store.close();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const foldOf = ({ journal }: StateStore, number: number): unknown => {
  const found = journal.find(number);
  assert(found !== undefined);
  return fold(found);
};

/** The names of all fields of an object, and of the objects in it that are no members. */
const formOf = (state: object): string[] =>
  Object.entries(state)
    .flatMap(([name, value]) =>
      name !== "members" && value !== null && typeof value === "object" && !Array.isArray(value)
        ? [name, ...formOf(value).map((each) => `${name}.${each}`)]
        : [name],
    )
    .sort();

test("their states have all that a new one has", () =>
  inFixture((store) => {
    const at = millis(0);
    const fresh = {
      restore: kinds.restore.begin(restoreSpec(), at),
      cast: kinds.cast.begin(liveSpec(), at),
    };
    for (const [number, kind] of [
      [1, "restore"],
      [3, "restore"],
      [4, "cast"],
    ] as const) {
      const state = foldOf(store, number) as RestoreState | LiveState;
      assert.deepEqual(formOf(state), formOf(fresh[kind]), `s${number}`);
      const [[, member] = []] = [...fresh[kind].receivers.members];
      assert(member !== undefined);
      for (const [, each] of state.receivers.members)
        assert.deepEqual(Object.keys(each).sort(), Object.keys(member).sort());
    }
    const { spec, receivers } = foldOf(store, 1) as RestoreState;
    assert.deepEqual([spec.personalise, spec.proveBootMs, spec.canary], ["none", null, []]);
    assert.deepEqual(receivers.members.get("a")?.boot, null);
  }));

test("what ended is told with its files and forged packets, though none were counted", () =>
  inFixture((store) => {
    const steps = [{ name: "grow", result: "done", detail: "grown to 1 GB", files: [] }];
    const counted = { ...counters, bytesWritten: 100, forgedPackets: 0 };
    // Of s3 the end is a fact behind the state.
    for (const number of [1, 3]) {
      const a = (foldOf(store, number) as RestoreState).receivers.members.get("a");
      assert.deepEqual(a?.steps, steps, `s${number}`);
      assert.deepEqual(a?.counters, counted);
    }
    assert.deepEqual((foldOf(store, 2) as CaptureState).worker.counters, counted);
    assert.equal((foldOf(store, 5) as CaptureState).worker.counters, null);
  }));

test("a restore that was under way goes on to its end", () =>
  inFixture(({ journal }) => {
    const stamp = { at: millis(journal.newestAt()), iso: "t" };
    const engine = new Engine({
      settingsOf: () => {
        throw new Error("nobody is ordered anew");
      },
    });
    const write = (): string[] => {
      const over: string[] = [];
      for (let batch = engine.toWrite(); batch !== null; batch = engine.toWrite()) {
        journal.append(batch);
        over.push(...engine.written(stamp.at).over.map(({ id }) => id));
      }
      return over;
    };
    for (const journalled of journal.open()) engine.resume(journalled, stamp);
    // What the server knew of a live cast, and a capture, was in its memory.
    assert.deepEqual(write(), ["s4", "s5"]);
    const end = {
      outcome: "verified",
      reason: null,
      next: null,
      rootHash: root,
      counters,
    } as const;
    const report = { session: "s3", attempt: 1, phase: "done", end } as const;
    engine.connected("b", report, stamp);
    assert.deepEqual(write(), ["s3"]);
    const view = kinds.restore.view(
      fold(journal.find(3) as NonNullable<ReturnType<typeof journal.find>>) as RestoreState,
      newGauges(),
      {
        ...{ id: "s3", startedAt: "t", endedAt: "t" },
        ...{ nameOf: (pc: string) => pc, stateOf: () => "idle" as const },
      },
    );
    assert.deepEqual(
      view.members.map(({ pc, result, boot }) => [pc, result, boot]),
      [
        ["a", "verified", null],
        ["b", "verified", null],
      ],
    );
    assert.deepEqual([view.state, view.notices], ["done", []]);
  }));
