import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { RoomcastError } from "../../../core/errors.ts";
import type { CaptureRecord } from "../../../server/state/records.ts";
import { openStateStore } from "../../../server/state/state-store.ts";

const capture = (id: string, endedAt: string | null): CaptureRecord => ({
  kind: "capture",
  id,
  startedAt: "2026-01-01T00:00:00Z",
  endedAt,
  name: "lab",
  image: null,
  pc: "p-1",
  disk: null,
  raw: false,
  result: "pending",
  reason: null,
  bytesDone: 0,
  bytesTotal: null,
  source: null,
  counters: null,
});

function inFolder(run: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "roomcast-state-"));
  try {
    run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("what was saved is there after the store is opened again", () =>
  inFolder((folder) => {
    const first = openStateStore(folder);
    first.addRoom("lab1");
    first.saveLease("52:54:00:00:00:01", { address: "10.0.0.5" });
    first.saveSession(first.nextSessionNumber(), capture("s1", null));
    first.saveSession(first.nextSessionNumber(), capture("s2", "2026-01-01T00:01:00Z"));
    first.addEvent({ at: "t", session: "s1", pc: null, text: "hello" });
    first.close();

    const second = openStateStore(folder);
    assert.deepEqual(second.rooms(), ["default", "lab1"]);
    assert.deepEqual(second.leases(), [
      { mac: "52:54:00:00:00:01", record: { address: "10.0.0.5" } },
    ]);
    assert.deepEqual(
      second.sessions(10).map(({ id }) => id),
      ["s1", "s2"],
    );
    assert.equal(second.nextSessionNumber(), 3);
    assert.deepEqual(
      second.events("s1").map(({ text }) => text),
      ["hello"],
    );
    second.close();
  }));

test("open sessions are all listed, ended ones up to the limit, newest kept", () =>
  inFolder((folder) => {
    const store = openStateStore(folder);
    for (let number = 1; number <= 6; number++) {
      store.saveSession(number, capture(`s${number}`, number % 2 === 0 ? "t" : null));
    }
    assert.deepEqual(
      store.sessions(1).map(({ id }) => id),
      ["s1", "s3", "s5", "s6"],
    );
    store.close();
  }));

test("a file that a newer roomcast wrote is refused and left alone", () =>
  inFolder((folder) => {
    openStateStore(folder).close();
    const db = new DatabaseSync(join(folder, "state.db"));
    db.exec("PRAGMA user_version = 99");
    db.close();
    assert.throws(
      () => openStateStore(folder),
      (error) => error instanceof RoomcastError && /newer roomcast/.test(error.message),
    );
  }));
