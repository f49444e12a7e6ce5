import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { RoomcastError } from "../../../core/errors.ts";
import { roomDefaults } from "../../../core/wire/rooms.ts";
import { type CaptureRecord, newRoom } from "../../../server/state/records.ts";
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
  refused: false,
  bytesDone: 0,
  bytesTotal: null,
  source: null,
  counters: null,
});

const about = { at: "t", session: null, pc: null, room: null, image: null, operator: null };

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
    first.saveRoom({ ...newRoom("lab1"), seats: [{ name: "A1", column: 0, row: 0 }] });
    first.saveLease("52:54:00:00:00:01", { address: "10.0.0.5" });
    first.saveSession(first.nextSessionNumber(), capture("s1", null));
    first.saveSession(first.nextSessionNumber(), capture("s2", "2026-01-01T00:01:00Z"));
    first.addEvent({ ...about, pc: "p-1", text: "before" });
    first.addEvent({ ...about, session: "s1", room: "lab1", operator: "ann", text: "hello" });
    first.close();

    const second = openStateStore(folder);
    assert.deepEqual(
      second.rooms().map(({ name, seats }) => `${name} ${seats.length}`),
      ["default 0", "lab1 1"],
    );
    assert.deepEqual(second.leases(), [
      { mac: "52:54:00:00:00:01", record: { address: "10.0.0.5" } },
    ]);
    assert.deepEqual(
      second.sessions(10).map(({ id }) => id),
      ["s1", "s2"],
    );
    assert.equal(second.nextSessionNumber(), 3);
    assert.deepEqual(
      second.events({ session: "s1", limit: 9 }).map(({ text, operator }) => [text, operator]),
      [["hello", "ann"]],
    );
    assert.deepEqual(
      second.events({ limit: 1 }).map(({ text }) => text),
      ["hello"],
      "the newest",
    );
    assert.deepEqual(second.events({ pc: "p-1", room: "lab1", limit: 9 }), []);
    assert.equal(second.session(2)?.id, "s2");
    assert.equal(second.session(9), undefined);
    second.close();
  }));

test("a file of the first version keeps its rooms and events, and gets what is new", () =>
  inFolder((folder) => {
    const db = new DatabaseSync(join(folder, "state.db"));
    db.exec(`CREATE TABLE pcs (id TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
      CREATE TABLE rooms (name TEXT PRIMARY KEY) STRICT;
      CREATE TABLE sessions (
        number INTEGER PRIMARY KEY, ended INTEGER NOT NULL, record TEXT NOT NULL) STRICT;
      CREATE TABLE events (at TEXT NOT NULL, session TEXT, pc TEXT, text TEXT NOT NULL) STRICT;
      CREATE TABLE leases (mac TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
      CREATE INDEX events_by_session ON events (session);
      INSERT INTO rooms VALUES ('default'), ('lab1');
      INSERT INTO events VALUES ('t', 's1', 'p-1', 'verified');
      PRAGMA user_version = 1;`);
    db.close();
    const store = openStateStore(folder);
    assert.deepEqual(store.rooms(), [newRoom("default"), newRoom("lab1")]);
    assert.deepEqual(store.events({ session: "s1", limit: 9 }), [
      { ...about, session: "s1", pc: "p-1", text: "verified" },
    ]);
    store.close();
    openStateStore(folder).close();
  }));

test("a setting that a stored room does not have yet is the default", () =>
  inFolder((folder) => {
    openStateStore(folder).close();
    const db = new DatabaseSync(join(folder, "state.db"));
    db.exec(`UPDATE rooms SET record = '{"settings":{"shell":false}}'`);
    db.close();
    const store = openStateStore(folder);
    assert.deepEqual(store.rooms()[0]?.settings, { ...roomDefaults, shell: false });
    store.close();
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
