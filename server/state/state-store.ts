import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { RoomcastError } from "../../core/errors.ts";
import type { EventRecord, PcRecord, SessionRecord } from "./records.ts";

/** Raised when a table changes; a newer file than this is refused. */
const schemaVersion = 1;

const schema = `
  CREATE TABLE IF NOT EXISTS pcs (id TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS rooms (name TEXT PRIMARY KEY) STRICT;
  CREATE TABLE IF NOT EXISTS sessions (
    number INTEGER PRIMARY KEY, ended INTEGER NOT NULL, record TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS events (
    at TEXT NOT NULL, session TEXT, pc TEXT, text TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS leases (mac TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS events_by_session ON events (session);
`;

/**
 * Everything the server has to know after a crash, in one SQLite file. Each call is one transaction,
 * durable when it returns (WAL with synchronous=FULL).
 */
export interface StateStore {
  pcs(): PcRecord[];
  savePc(pc: PcRecord): void;
  removePc(id: string): void;
  rooms(): string[];
  addRoom(name: string): void;
  removeRoom(name: string): void;
  /** A number never used before, for a new session's id. */
  nextSessionNumber(): number;
  /** Oldest first: the open ones, and the last `limit` that ended. */
  sessions(limit: number): SessionRecord[];
  saveSession(number: number, record: SessionRecord): void;
  addEvent(event: EventRecord): void;
  events(session: string): EventRecord[];
  leases(): { mac: string; record: unknown }[];
  saveLease(mac: string, record: unknown): void;
  removeLease(mac: string): void;
  close(): void;
}

/** Opens or makes `state.db` in the data folder. Throws `bad-input` when another version wrote it. */
export function openStateStore(folder: string): StateStore {
  const path = join(folder, "state.db");
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 2000;");
  const found = Number(Object.values(db.prepare("PRAGMA user_version").get() ?? {})[0]);
  if (found > schemaVersion) {
    throw new RoomcastError(
      "bad-input",
      `${path} was written by a newer roomcast (its version ${found}, ours ${schemaVersion})`,
      "run the newer roomcast, or name another data folder with --data",
    );
  }
  db.exec(`${schema} PRAGMA user_version = ${schemaVersion};`);
  db.prepare("INSERT OR IGNORE INTO rooms VALUES ('default')").run();

  const statement = {
    savePc: db.prepare("INSERT OR REPLACE INTO pcs VALUES (?, ?)"),
    saveSession: db.prepare("INSERT OR REPLACE INTO sessions VALUES (?, ?, ?)"),
    addEvent: db.prepare("INSERT INTO events VALUES (?, ?, ?, ?)"),
    saveLease: db.prepare("INSERT OR REPLACE INTO leases VALUES (?, ?)"),
  };
  const records = <T>(sql: string, ...values: (string | number)[]): T[] =>
    db
      .prepare(sql)
      .all(...values)
      .map((row) => JSON.parse(String(row.record)) as T);

  return {
    pcs: () => records<PcRecord>("SELECT record FROM pcs"),
    savePc: (pc) => void statement.savePc.run(pc.id, JSON.stringify(pc)),
    removePc: (id) => void db.prepare("DELETE FROM pcs WHERE id = ?").run(id),
    rooms: () =>
      db
        .prepare("SELECT name FROM rooms ORDER BY name")
        .all()
        .map((row) => String(row.name)),
    addRoom: (name) => void db.prepare("INSERT OR IGNORE INTO rooms VALUES (?)").run(name),
    removeRoom: (name) => void db.prepare("DELETE FROM rooms WHERE name = ?").run(name),
    nextSessionNumber: () =>
      Number(db.prepare("SELECT coalesce(max(number), 0) + 1 AS n FROM sessions").get()?.n),
    sessions: (limit) =>
      records<SessionRecord>(
        `SELECT record FROM sessions WHERE ended = 0
           OR number IN (SELECT number FROM sessions WHERE ended = 1 ORDER BY number DESC LIMIT ?)
         ORDER BY number`,
        limit,
      ),
    saveSession: (number, record) =>
      void statement.saveSession.run(
        number,
        record.endedAt === null ? 0 : 1,
        JSON.stringify(record),
      ),
    addEvent: ({ at, session, pc, text }) => void statement.addEvent.run(at, session, pc, text),
    events: (session) =>
      db
        .prepare("SELECT at, session, pc, text FROM events WHERE session = ? ORDER BY rowid")
        .all(session) as unknown as EventRecord[],
    leases: () =>
      db
        .prepare("SELECT mac, record FROM leases")
        .all()
        .map((row) => ({ mac: String(row.mac), record: JSON.parse(String(row.record)) })),
    saveLease: (mac, record) => void statement.saveLease.run(mac, JSON.stringify(record)),
    removeLease: (mac) => void db.prepare("DELETE FROM leases WHERE mac = ?").run(mac),
    close: () => db.close(),
  };
}
