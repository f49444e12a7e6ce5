/** What SQLite says of the state's file reaches people as an error with what to do next. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { openStateStore, type StateStore } from "../../../server/state/state-store.ts";

function inFolder(work: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-state-"));
  try {
    work(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const disposable = (store: StateStore): StateStore & Disposable =>
  Object.assign(store, { [Symbol.dispose]: () => store.close() });

const event = (text: string) => ({
  ...{ at: "t", session: null, pc: null, room: null, image: null, operator: null, text },
});

test("a full disk is told as one, with what to do, and what waited is written when there is space", () =>
  inFolder((folder) => {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "none", folder]);
    try {
      using state = disposable(openStateStore(folder));
      for (let number = 0; number < 100; number++) state.addEvent(event("x".repeat(50_000)));
      assert.throws(() => state.removePc("p"), {
        name: "RoomcastError",
        code: "no-space",
        message: /state\.db \(removePc\): .*the disk is full$/,
        next: /free some space/,
      });
      assert.deepEqual(state.events({ limit: 1 }), [], "all of it or nothing");
      execFileSync("mount", ["-o", "remount,size=16m", folder]);
      state.addEvent(event("goes on"));
      assert.equal(state.events({ limit: 1 })[0]?.text, "goes on");
      assert.equal(state.events({ limit: 1000 }).length, 101);
    } finally {
      execFileSync("umount", [folder]);
    }
  }));

test("a file that another program holds, or that is no database, is told in words", () =>
  inFolder((folder) => {
    const state = openStateStore(folder);
    const other = new DatabaseSync(join(folder, "state.db"));
    other.exec("BEGIN IMMEDIATE");
    assert.throws(() => state.removePc("p"), { code: "conflict", message: /removePc.*locked/ });
    other.close();
    state.close();
    writeFileSync(join(folder, "state.db"), "no database at all, but some text. ".repeat(100));
    rmSync(join(folder, "state.db-wal"), { force: true });
    assert.throws(() => openStateStore(folder), { code: "bad-input", next: /put back a copy/ });
  }));
