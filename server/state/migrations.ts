import type { DatabaseSync } from "node:sqlite";
import { completeSessions } from "./older-states.ts";
import { journalFromRecords } from "./session-records.ts";

/**
 * The tables, version by version: a file of an older version is brought up to date when it is opened,
 * a newer one is refused. A step that was released is never changed.
 */
export const migrations: readonly ((db: DatabaseSync) => void)[] = [
  (db) =>
    db.exec(`CREATE TABLE IF NOT EXISTS pcs (id TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS rooms (name TEXT PRIMARY KEY) STRICT;
      CREATE TABLE IF NOT EXISTS sessions (
        number INTEGER PRIMARY KEY, ended INTEGER NOT NULL, record TEXT NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS events (
        at TEXT NOT NULL, session TEXT, pc TEXT, text TEXT NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS leases (mac TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
      CREATE INDEX IF NOT EXISTS events_by_session ON events (session);`),
  (db) =>
    db.exec(`ALTER TABLE rooms ADD COLUMN record TEXT NOT NULL DEFAULT '{}';
      ALTER TABLE events ADD COLUMN room TEXT;
      ALTER TABLE events ADD COLUMN image TEXT;
      ALTER TABLE events ADD COLUMN operator TEXT;
      CREATE INDEX events_by_pc ON events (pc);
      CREATE INDEX events_by_room ON events (room);
      CREATE INDEX events_by_image ON events (image);
      CREATE TABLE operators (id TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
      CREATE TABLE schedule (id TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;`),
  (db) => {
    db.exec(`CREATE TABLE session (
        number INTEGER PRIMARY KEY, kind TEXT NOT NULL, started TEXT NOT NULL, ended TEXT,
        seq INTEGER NOT NULL, state TEXT NOT NULL, totals TEXT NOT NULL) STRICT;
      CREATE TABLE fact (
        session INTEGER NOT NULL, seq INTEGER NOT NULL, at REAL NOT NULL, iso TEXT NOT NULL,
        type TEXT NOT NULL, pc TEXT, body TEXT NOT NULL, PRIMARY KEY (session, seq)) STRICT;
      CREATE INDEX session_open ON session (number) WHERE ended IS NULL;`);
    journalFromRecords(db);
    db.exec("DROP TABLE sessions");
  },
  // A room's `grow` was on or off.
  (db) =>
    db.exec(`UPDATE rooms SET record = json_set(record, '$.settings.grow',
        iif(json_extract(record, '$.settings.grow'), 'auto', 'none'))
      WHERE json_type(record, '$.settings.grow') IN ('true', 'false');`),
  (db) =>
    // Rooms from before keys go on as they did: an order to them places their PCs.
    db.exec(`CREATE TABLE keys (fingerprint TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
      UPDATE rooms SET record = json_set(record,
        '$.settings', json(coalesce(record ->> '$.settings', '{}')), '$.settings.admit', 'on-order');`),
  // What became of a step after the read-back was called its outcome.
  (db) => {
    for (const result of ["done", "left", "failed"]) {
      const change = `'"outcome":"${result}",', '"result":"${result}",'`;
      db.exec(`UPDATE session SET state = replace(state, ${change});
        UPDATE fact SET body = replace(body, ${change}) WHERE type = 'ended';`);
    }
  },
  // Host keys are secret. Steps run in the order of their rows. What was scheduled goes on as it did.
  (db) =>
    db.exec(`UPDATE schedule SET record = json_set(record, '$.personalise', 'none');
      CREATE TABLE ssh_keys (name TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
      CREATE TABLE host_keys (pc TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
      CREATE TABLE image_steps (
        image TEXT NOT NULL, name TEXT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (image, name)) STRICT;`),
  completeSessions,
  // Restores have an image of their own since it may be made to fit. What was scheduled goes on as it did.
  (db) =>
    db.exec(`UPDATE session SET state = json_set(state,
        '$.image', json_extract(state, '$.spec.image'), '$.fit', NULL,
        '$.spec.fit', 'never', '$.spec.fitTo', NULL) WHERE kind = 'restore';
      UPDATE schedule SET record = json_set(record, '$.fit', 'never');`),
  (db) =>
    db.exec(`CREATE TABLE logins (hash TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
      CREATE TABLE wall_links (room TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;`),
  (db) => db.exec("CREATE TABLE room_moves (room TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;"),
  // What was over before is told, too, where the server belongs to a campus.
  (db) =>
    db.exec(`ALTER TABLE session ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
      CREATE INDEX session_untold ON session (number) WHERE ended IS NOT NULL AND told = 0;`),
  // Of the sessions that are not kept any more: the highest number, which is not given again, and the latest lab time.
  (db) =>
    db.exec(`CREATE TABLE forgotten (number INTEGER NOT NULL, at REAL NOT NULL) STRICT;
      INSERT INTO forgotten VALUES (0, 0);
      CREATE INDEX session_ended ON session (ended) WHERE ended IS NOT NULL;`),
];
