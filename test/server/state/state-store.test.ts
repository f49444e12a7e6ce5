import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { RoomcastError } from "../../../core/errors.ts";
import {
  fold,
  type Journal,
  type JournalFact,
  type Journalled,
} from "../../../core/session/journal.ts";
import { newGauges } from "../../../core/session/kind.ts";
import { type CaptureState, capture } from "../../../core/session/kinds/capture.ts";
import type { RestoreState } from "../../../core/session/kinds/restore.ts";
import { kindNamed } from "../../../core/session/registry.ts";
import { millis } from "../../../core/units/units.ts";
import { roomDefaults } from "../../../core/wire/rooms.ts";
import { newRoom, type PcRecord } from "../../../server/state/records.ts";
import { openStateStore } from "../../../server/state/state-store.ts";

const spec = { pc: "p-1", name: "lab", disk: null, raw: false, source: null };

/** A capture that has begun, and one that is over. */
function addCapture(journal: Journal, number: number, endedAt: string | null): void {
  const state = capture.begin(spec, millis(0));
  const startedAt = "2026-01-01T00:00:00Z";
  const session = { number, kind: "capture", startedAt, seq: 0, state, totals: null } as const;
  journal.append({ sessions: [{ ...session, endedAt }], facts: [] });
}

const began = (session: number, seq: number): JournalFact => ({
  ...{ session, seq, at: millis(7), iso: "2026-01-01T00:00:01Z" },
  fact: { type: "began", pc: "p-1" },
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
      second.events({ session: "s1", limit: 9 }).map(({ text, operator }) => [text, operator]),
      [["hello", "ann"]],
    );
    assert.deepEqual(
      second.events({ limit: 1 }).map(({ text }) => text),
      ["hello"],
      "the newest",
    );
    assert.deepEqual(second.events({ pc: "p-1", room: "lab1", limit: 9 }), []);
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
    const lab1 = newRoom("lab1");
    const asBefore = { ...lab1, settings: { ...lab1.settings, admit: "on-order" as const } };
    assert.deepEqual(store.rooms(), [newRoom("default"), asBefore], "an order places its PCs");
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
    assert.deepEqual(store.rooms()[0]?.settings, {
      ...roomDefaults,
      ...{ shell: false, admit: "on-order" },
    });
    store.close();
  }));

test("the PIN of a room of version 0.1 is its menu's PIN, and its PCs' requests need a yes", () =>
  inFolder((folder) => {
    const path = join(folder, "state.db");
    copyFileSync(join(import.meta.dirname, "../../fixtures/state-v2/state.db"), path);
    const pin = { salt: "0".repeat(32), hash: "1".repeat(64) };
    const db = new DatabaseSync(path);
    db.prepare(
      "UPDATE rooms SET record = json_set(record, '$.pin', json(?)) WHERE name = 'lab1'",
    ).run(JSON.stringify(pin));
    db.close();
    const store = openStateStore(folder);
    const lab1 = store.rooms().find(({ name }) => name === "lab1");
    assert.deepEqual([lab1?.pin, lab1?.instructorPin], [pin, null]);
    assert.equal(lab1?.settings.ask, "approve");
    store.close();
  }));

test("a room that grew the last partition, or none, from before there were modes", () =>
  inFolder((folder) => {
    openStateStore(folder).close();
    const db = new DatabaseSync(join(folder, "state.db"));
    const add = db.prepare("INSERT OR REPLACE INTO rooms (name, record) VALUES (?, ?)");
    for (const grow of [true, false])
      add.run(`grow-${grow}`, JSON.stringify({ settings: { grow } }));
    add.run("says-nothing", "{}");
    const newer = ["keys", "ssh_keys", "host_keys", "image_steps", "logins", "wall_links"];
    for (const table of [...newer, "room_moves", "forgotten"]) db.exec(`DROP TABLE ${table}`);
    db.exec("DROP INDEX session_untold; ALTER TABLE session DROP COLUMN told");
    db.exec("DROP INDEX session_ended");
    db.exec("PRAGMA user_version = 3");
    db.close();
    const store = openStateStore(folder);
    const modes = Object.fromEntries(store.rooms().map((room) => [room.name, room.settings.grow]));
    assert.deepEqual(modes, { ...modes, "grow-true": "auto", "grow-false": "none" });
    assert.equal(modes["says-nothing"], "auto");
    store.close();
  }));

test("the journal keeps a session's state and the facts behind it", () =>
  inFolder((folder) => {
    const first = openStateStore(folder);
    addCapture(first.journal, first.journal.nextNumber(), null);
    first.journal.append({ sessions: [], facts: [began(1, 1)] });
    first.close();
    const { journal, close } = openStateStore(folder);
    const found = journal.find(1);
    assert(found !== undefined);
    assert.deepEqual(found.facts, [began(1, 1)]);
    assert.equal((fold(found) as CaptureState).worker.phase.name, "working");
    assert.equal(journal.newestAt(), 7);
    assert.equal(journal.nextNumber(), 2);
    assert.equal(journal.find(2), undefined);
    close();
  }));

test("a batch is written whole or not at all", () =>
  inFolder((folder) => {
    const { journal, close } = openStateStore(folder);
    addCapture(journal, 1, null);
    journal.append({ sessions: [], facts: [began(1, 1)] });
    // The number of the second one is taken.
    assert.throws(() => journal.append({ sessions: [], facts: [began(1, 2), began(1, 1)] }));
    assert.deepEqual(journal.find(1)?.facts, [began(1, 1)]);
    journal.append({ sessions: [], facts: [began(1, 2)] });
    assert.equal(journal.find(1)?.facts.length, 2);
    close();
  }));

test("open sessions are all listed, ended ones up to the limit, newest kept", () =>
  inFolder((folder) => {
    const { journal, close } = openStateStore(folder);
    for (let number = 1; number <= 6; number++)
      addCapture(journal, number, number % 2 === 0 ? "2026-01-01T00:01:00Z" : null);
    const numbers = (all: readonly Journalled[]) => all.map(({ stored }) => stored.number);
    assert.deepEqual(numbers(journal.open()), [1, 3, 5]);
    assert.deepEqual(numbers(journal.ended(2)), [4, 6]);
    close();
  }));

test("a file of version 0.1 keeps its history, rooms, seats, PCs, operators, schedule and sessions", () =>
  inFolder((folder) => {
    copyFileSync(
      join(import.meta.dirname, "../../fixtures/state-v2/state.db"),
      join(folder, "state.db"),
    );
    const store = openStateStore(folder);
    const lab1 = store.rooms().find(({ name }) => name === "lab1");
    assert.deepEqual(
      [lab1?.settings.naming, lab1?.seats.map(({ name }) => name)],
      ["lab1-{seat}", ["a2", "a3", "a4"]],
    );
    assert.deepEqual(
      store
        .pcs()
        .map(({ name, room, seat }) => `${name} ${room} ${seat}`)
        .sort(),
      ["host1 default null", "host2 lab1 a2", "host3 lab1 a3", "host4 lab1 a4"],
    );
    assert.deepEqual(
      store.operators().map(({ name, role }) => `${name} ${role}`),
      ["ann operator"],
    );
    assert.deepEqual(
      store.schedule().map(({ cron, room, fit }) => `${cron} ${room} ${fit}`),
      ["30 6 * * 1-5 lab1 never"],
    );
    assert.equal(store.events({ limit: 100 }).length, 23);
    assert.deepEqual([store.keys(), lab1?.settings.admit], [[], "on-order"]);

    const names = { nameOf: (pc: string) => store.pcs().find(({ id }) => id === pc)?.name ?? pc };
    const views = [...store.journal.ended(9), ...store.journal.open()].map((journalled) => {
      const { startedAt, endedAt, number } = journalled.stored;
      const kind = kindNamed(journalled.stored.kind);
      return kind.view(
        fold(journalled),
        { ...newGauges(), totals: journalled.stored.totals },
        {
          ...{ ...names, stateOf: () => "idle", id: `s${number}`, startedAt, endedAt },
        },
      );
    });
    assert.deepEqual(
      views.map(({ id, kind, image, room, state, members }) => ({
        ...{ id, kind, image, room, state },
        members: members.map(({ name, result, reason }) => `${name} ${result} ${reason}`),
      })),
      [
        {
          ...{ id: "s1", kind: "capture", image: "base@1", room: null, state: "done" },
          members: ["host1 verified null"],
        },
        {
          ...{ id: "s2", kind: "restore", image: "base@1", room: "lab1", state: "done" },
          members: [
            "host2 verified null",
            "host3 verified null",
            views[1]?.members[2] && `host4 failed ${views[1].members[2].reason}`,
          ],
        },
        {
          ...{ id: "s3", kind: "cast", image: "live@1", room: null, state: "done" },
          members: ["host2 verified null"],
        },
        {
          ...{ id: "s4", kind: "restore", image: "base@1", room: null, state: "casting" },
          members: [
            "host2 failed the server was restarted and the PC has not come back; it may come back",
            "host3 failed the server was restarted and the PC has not come back; it may come back",
          ],
        },
      ],
    );
    assert.match(String(views[1]?.members[2]?.reason), /too small|does not fit|smaller/);
    assert.equal(views[1]?.members[2]?.refused, true);
    for (const number of [2, 4]) {
      const found = store.journal.find(number);
      assert(found !== undefined);
      const { spec, image, fit } = fold(found) as RestoreState;
      assert.deepEqual([image, fit, spec.fit, spec.fitTo], [spec.image, null, "never", null]);
      assert.equal(image.name, "base@1");
    }
    assert((views[1]?.bytesSent ?? 0) > 1e6, "the totals of a cast are kept");
    assert.equal(store.journal.nextNumber(), 5);
    store.close();
    openStateStore(folder).close();
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

test("of many PCs that are saved at once none is, where one cannot be", () =>
  inFolder((folder) => {
    const store = openStateStore(folder);
    const pc = (id: unknown) => ({ id, macs: [] }) as unknown as PcRecord;
    assert.throws(() => store.savePcs([pc("p-1"), pc({ not: "an id" })]));
    assert.deepEqual(store.pcs(), []);
    store.savePcs([pc("p-1"), pc("p-2")]);
    assert.deepEqual(
      store.pcs().map(({ id }) => id),
      ["p-1", "p-2"],
    );
    store.close();
  }));

test("host keys, SSH keys and steps are kept, each removed by what it belongs to", () =>
  inFolder((folder) => {
    const open = () => openStateStore(folder);
    const key = { type: "ed25519", privateKey: "private", publicKey: "public" } as const;
    const of = { by: "ann", addedAt: "t" };
    let store = open();
    store.saveHostKeys("p-1", [key]);
    store.saveSshKey({ name: "ann", lines: ["ssh-ed25519 x"], ...of });
    for (const [image, name] of [
      ["i1", "b"],
      ["i2", "b"],
      ["i1", "a"],
    ] as const)
      store.saveImageStep(image, { name, script: "#!/bin/sh", ...of });
    store.close();
    store = open();
    assert.deepEqual([store.hostKeys("p-1"), store.hostKeys("p-2")], [[key], null]);
    assert.deepEqual(
      store.imageSteps().map(({ image, step }) => image + step.name),
      ["i1b", "i2b", "i1a"],
    );
    store.removeHostKeys("p-1");
    store.removeSshKey("ann");
    store.removeImageStep("i1", "b");
    store.removeImageSteps("i2");
    store.close();
    store = open();
    assert.deepEqual([store.hostKeys("p-1"), store.sshKeys()], [null, []]);
    assert.deepEqual(
      store.imageSteps().map(({ image, step }) => image + step.name),
      ["i1a"],
    );
    store.close();
  }));
