import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { RoomcastError } from "../../core/errors.ts";
import type { Journal } from "../../core/session/journal.ts";
import type { HostKey } from "../../core/wire/personal.ts";
import { stateCall, withFaults } from "./faults.ts";
import { sqliteJournal } from "./journal.ts";
import { migrations } from "./migrations.ts";
import {
  type EventFilter,
  type EventRecord,
  type ImageStepRecord,
  type KeyRecord,
  type LoginRecord,
  newRoom,
  type OperatorRecord,
  type PcRecord,
  type RoomRecord,
  type ScheduleRecord,
  type SshKeyRecord,
  type WallLinkRecord,
} from "./records.ts";

/**
 * Everything the server has to know after a crash, in one SQLite file. Each call is one transaction,
 * durable when it returns (WAL with synchronous=FULL).
 */
export interface StateStore {
  pcs(): PcRecord[];
  savePc(pc: PcRecord): void;
  /** All of them, or none. */
  savePcs(pcs: readonly PcRecord[]): void;
  removePc(id: string): void;
  keys(): KeyRecord[];
  saveKey(key: KeyRecord): void;
  removeKey(fingerprint: string): void;
  /** By name. */
  rooms(): RoomRecord[];
  saveRoom(room: RoomRecord): void;
  removeRoom(name: string): void;
  /** The sessions. */
  readonly journal: Journal;
  addEvent(event: EventRecord): void;
  /** Oldest first. */
  events(filter: EventFilter): EventRecord[];
  operators(): OperatorRecord[];
  saveOperator(operator: OperatorRecord): void;
  removeOperator(name: string): void;
  logins(): LoginRecord[];
  saveLogin(login: LoginRecord): void;
  removeLogin(hash: string): void;
  wallLinks(): WallLinkRecord[];
  saveWallLink(link: WallLinkRecord): void;
  removeWallLink(room: string): void;
  schedule(): ScheduleRecord[];
  saveSchedule(record: ScheduleRecord): void;
  removeSchedule(id: string): void;
  sshKeys(): SshKeyRecord[];
  saveSshKey(key: SshKeyRecord): void;
  removeSshKey(name: string): void;
  /** The private keys that are kept for a PC: secret. */
  hostKeys(pc: string): HostKey[] | null;
  saveHostKeys(pc: string, keys: readonly HostKey[]): void;
  removeHostKeys(pc: string): void;
  /** Of all images, each by the image's id, in the order in which they were added. */
  imageSteps(): { image: string; step: ImageStepRecord }[];
  saveImageStep(image: string, step: ImageStepRecord): void;
  removeImageStep(image: string, name: string): void;
  removeImageSteps(image: string): void;
  leases(): { mac: string; record: unknown }[];
  saveLease(mac: string, record: unknown): void;
  removeLease(mac: string): void;
  close(): void;
}

/** How long the facts of a session that is over are kept, in days. */
const factDays = 90;

/**
 * Opens or makes `state.db` in the data folder. Throws `bad-input` when another version wrote it. What
 * SQLite says is thrown as a RoomcastError, by this and by each call: `no-space` when the disk is full.
 */
export function openStateStore(folder: string): StateStore {
  const path = join(folder, "state.db");
  return withFaults(
    path,
    stateCall(path, "open", () => openDatabase(path)),
  );
}

function openDatabase(path: string): StateStore {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 2000;");
  const found = Number(Object.values(db.prepare("PRAGMA user_version").get() ?? {})[0]);
  if (found > migrations.length) {
    throw new RoomcastError(
      "bad-input",
      `${path} was written by a newer roomcast (its version ${found}, ours ${migrations.length})`,
      "run the newer roomcast, or name another data folder with --data",
    );
  }
  migrations.slice(found).forEach((migrate, index) => {
    db.exec("BEGIN");
    migrate(db);
    db.exec(`PRAGMA user_version = ${found + index + 1}; COMMIT`);
  });
  db.prepare("INSERT OR IGNORE INTO rooms (name) VALUES ('default')").run();
  // A session that is over is told by its stored state alone.
  db.exec(`DELETE FROM fact WHERE session IN (SELECT number FROM session
    WHERE ended < strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-${factDays} days'))`);

  const statement = {
    savePc: db.prepare("INSERT OR REPLACE INTO pcs VALUES (?, ?)"),
    addEvent: db.prepare(
      `INSERT INTO events (at, ${subjects.join(", ")}, text) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ),
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
    savePcs: (pcs) => {
      db.exec("BEGIN");
      try {
        for (const pc of pcs) statement.savePc.run(pc.id, JSON.stringify(pc));
        db.exec("COMMIT");
      } catch (error) {
        // A disk that is full may have ended the transaction already.
        if (db.isTransaction) db.exec("ROLLBACK");
        throw error;
      }
    },
    removePc: (id) => void db.prepare("DELETE FROM pcs WHERE id = ?").run(id),
    keys: () => records<KeyRecord>("SELECT record FROM keys"),
    saveKey: (key) =>
      void db
        .prepare("INSERT OR REPLACE INTO keys VALUES (?, ?)")
        .run(key.fingerprint, JSON.stringify(key)),
    removeKey: (fingerprint) =>
      void db.prepare("DELETE FROM keys WHERE fingerprint = ?").run(fingerprint),
    rooms: () =>
      db
        .prepare("SELECT name, record FROM rooms ORDER BY name")
        .all()
        .map((row) => roomOf(String(row.name), JSON.parse(String(row.record)))),
    saveRoom: (room) =>
      void db
        .prepare("INSERT OR REPLACE INTO rooms (name, record) VALUES (?, ?)")
        .run(room.name, JSON.stringify(room)),
    removeRoom: (name) => void db.prepare("DELETE FROM rooms WHERE name = ?").run(name),
    journal: sqliteJournal(db),
    addEvent: (event) =>
      void statement.addEvent.run(
        event.at,
        ...subjects.map((subject) => event[subject]),
        event.text,
      ),
    events: (filter) => {
      const named = subjects.filter((subject) => (filter[subject] ?? null) !== null);
      const where = named.map((subject) => `${subject} = ?`).join(" AND ");
      const sql = `SELECT at, ${subjects.join(", ")}, text FROM events
        ${where === "" ? "" : `WHERE ${where}`} ORDER BY rowid DESC LIMIT ?`;
      const values = named.map((subject) => String(filter[subject]));
      const rows = db.prepare(sql).all(...values, filter.limit);
      return rows.reverse().map((row) => ({ ...row })) as unknown as EventRecord[];
    },
    operators: () => records<OperatorRecord>("SELECT record FROM operators"),
    saveOperator: (operator) =>
      void db
        .prepare("INSERT OR REPLACE INTO operators VALUES (?, ?)")
        .run(operator.name, JSON.stringify(operator)),
    removeOperator: (name) => void db.prepare("DELETE FROM operators WHERE id = ?").run(name),
    logins: () => records<LoginRecord>("SELECT record FROM logins"),
    saveLogin: (login) =>
      void db
        .prepare("INSERT OR REPLACE INTO logins VALUES (?, ?)")
        .run(login.hash, JSON.stringify(login)),
    removeLogin: (hash) => void db.prepare("DELETE FROM logins WHERE hash = ?").run(hash),
    wallLinks: () => records<WallLinkRecord>("SELECT record FROM wall_links"),
    saveWallLink: (link) =>
      void db
        .prepare("INSERT OR REPLACE INTO wall_links VALUES (?, ?)")
        .run(link.room, JSON.stringify(link)),
    removeWallLink: (room) => void db.prepare("DELETE FROM wall_links WHERE room = ?").run(room),
    schedule: () => records<ScheduleRecord>("SELECT record FROM schedule ORDER BY rowid"),
    saveSchedule: (record) =>
      void db
        .prepare(
          "INSERT INTO schedule VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record",
        )
        .run(record.id, JSON.stringify(record)),
    removeSchedule: (id) => void db.prepare("DELETE FROM schedule WHERE id = ?").run(id),
    sshKeys: () => records<SshKeyRecord>("SELECT record FROM ssh_keys ORDER BY name"),
    saveSshKey: (key) =>
      void db.prepare("INSERT INTO ssh_keys VALUES (?, ?)").run(key.name, JSON.stringify(key)),
    removeSshKey: (name) => void db.prepare("DELETE FROM ssh_keys WHERE name = ?").run(name),
    hostKeys: (pc) =>
      records<HostKey[]>("SELECT record FROM host_keys WHERE pc = ?", pc)[0] ?? null,
    saveHostKeys: (pc, keys) =>
      void db
        .prepare("INSERT OR REPLACE INTO host_keys VALUES (?, ?)")
        .run(pc, JSON.stringify(keys)),
    removeHostKeys: (pc) => void db.prepare("DELETE FROM host_keys WHERE pc = ?").run(pc),
    imageSteps: () =>
      db
        .prepare("SELECT image, record FROM image_steps ORDER BY rowid")
        .all()
        .map((row) => ({ image: String(row.image), step: JSON.parse(String(row.record)) })),
    saveImageStep: (image, step) =>
      void db
        .prepare("INSERT INTO image_steps VALUES (?, ?, ?)")
        .run(image, step.name, JSON.stringify(step)),
    removeImageStep: (image, name) =>
      void db.prepare("DELETE FROM image_steps WHERE image = ? AND name = ?").run(image, name),
    removeImageSteps: (image) =>
      void db.prepare("DELETE FROM image_steps WHERE image = ?").run(image),
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

/** What an event may be about: columns of the table. */
const subjects = ["session", "pc", "room", "image", "operator"] as const;

/** What a stored room does not say, since it is from before there was such a thing, is as in a new one. */
function roomOf(name: string, stored: Partial<RoomRecord>): RoomRecord {
  const room = newRoom(name);
  return { ...room, ...stored, name, settings: { ...room.settings, ...stored.settings } };
}
