import { open } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { errorText, RoomcastError } from "../../core/errors.ts";
import type { Journal } from "../../core/session/journal.ts";
import type { HostKey } from "../../core/wire/personal.ts";
import { sqliteFault, stateCall, withFaults } from "./faults.ts";
import { type HistoryStore, sqliteHistory } from "./history.ts";
import { sqliteJournal } from "./journal.ts";
import { type LeaseTable, sqliteLeases } from "./leases.ts";
import { migrations } from "./migrations.ts";
import { type MoveStore, sqliteMoves } from "./moved-rooms.ts";
import { type OldSessionStore, sqliteOldSessions } from "./old-sessions.ts";
import {
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
import { sqliteToldSessions, type ToldStore } from "./told-sessions.ts";
import { WriteBatch } from "./write-batch.ts";

/** `soon`: a crash within a twentieth of a second may cost it. That is for what comes by itself, and comes again. */
export type WriteTime = "now" | "soon";

/**
 * Everything the server has to know after a crash, in one SQLite file. Each call is one transaction,
 * durable when it returns (WAL with synchronous=FULL), but for what may wait and is written with what comes next.
 */
export interface StateStore
  extends HistoryStore,
    LeaseTable,
    MoveStore,
    OldSessionStore,
    ToldStore {
  pcs(): PcRecord[];
  savePc(pc: PcRecord, when?: WriteTime): void;
  /** All of them, or none. */
  savePcs(pcs: readonly PcRecord[]): void;
  removePc(id: string): void;
  keys(): KeyRecord[];
  saveKey(key: KeyRecord, when?: WriteTime): void;
  removeKey(fingerprint: string, when?: WriteTime): void;
  /** By name. */
  rooms(): RoomRecord[];
  saveRoom(room: RoomRecord): void;
  removeRoom(name: string): void;
  /** The sessions. */
  readonly journal: Journal;
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
  /** What was to be written soon is durable when it returns. */
  flush(): void;
  close(): void;
}

/**
 * Opens or makes `state.db` in the data folder. Throws `bad-input` when another version wrote it. What
 * SQLite says is thrown as a RoomcastError, by this and by each call: `no-space` when the disk is full.
 * `told` hears why what was to be written soon cannot be, and null once it is.
 */
export function openStateStore(
  folder: string,
  told: (reason: string | null) => void = () => {},
): StateStore {
  const path = join(folder, "state.db");
  const tell = (error: unknown): void =>
    told(error === null ? null : errorText(sqliteFault(path, "write", error)));
  return withFaults(
    path,
    stateCall(path, "open", () => openDatabase(path, tell)),
  );
}

function openDatabase(path: string, told: (error: unknown) => void): StateStore {
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

  const batch = new WriteBatch(db, told, () => syncFile(`${path}-wal`));
  const run = (sql: string) => {
    const statement = db.prepare(sql);
    return (...values: SQLInputValue[]): void => void batch.now(() => statement.run(...values));
  };
  const write = {
    savePc: db.prepare("INSERT OR REPLACE INTO pcs VALUES (?, ?)"),
    saveKey: db.prepare("INSERT OR REPLACE INTO keys VALUES (?, ?)"),
    removeKey: db.prepare("DELETE FROM keys WHERE fingerprint = ?"),
  };
  const at = (when: WriteTime, what: string, work: () => void): void =>
    when === "now" ? batch.now(work) : batch.soon(what, work);
  const records = <T>(sql: string, ...values: (string | number)[]): T[] =>
    db
      .prepare(sql)
      .all(...values)
      .map((row) => JSON.parse(String(row.record)) as T);
  const removePc = run("DELETE FROM pcs WHERE id = ?");
  const saveRoom = run("INSERT OR REPLACE INTO rooms (name, record) VALUES (?, ?)");
  const removeRoom = run("DELETE FROM rooms WHERE name = ?");
  const saveOperator = run("INSERT OR REPLACE INTO operators VALUES (?, ?)");
  const removeOperator = run("DELETE FROM operators WHERE id = ?");
  const saveLogin = run("INSERT OR REPLACE INTO logins VALUES (?, ?)");
  const removeLogin = run("DELETE FROM logins WHERE hash = ?");
  const saveWallLink = run("INSERT OR REPLACE INTO wall_links VALUES (?, ?)");
  const removeWallLink = run("DELETE FROM wall_links WHERE room = ?");
  const saveSchedule = run(
    "INSERT INTO schedule VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record",
  );
  const removeSchedule = run("DELETE FROM schedule WHERE id = ?");
  const saveSshKey = run("INSERT INTO ssh_keys VALUES (?, ?)");
  const removeSshKey = run("DELETE FROM ssh_keys WHERE name = ?");
  const saveHostKeys = run("INSERT OR REPLACE INTO host_keys VALUES (?, ?)");
  const removeHostKeys = run("DELETE FROM host_keys WHERE pc = ?");
  const saveImageStep = run("INSERT INTO image_steps VALUES (?, ?, ?)");
  const removeImageStep = run("DELETE FROM image_steps WHERE image = ? AND name = ?");
  const removeImageSteps = run("DELETE FROM image_steps WHERE image = ?");

  return {
    pcs() {
      batch.tryFlush();
      return records<PcRecord>("SELECT record FROM pcs");
    },
    savePc(pc, when = "now") {
      const text = JSON.stringify(pc);
      at(when, `pc ${pc.id}`, () => void write.savePc.run(pc.id, text));
    },
    savePcs: (pcs) =>
      batch.now(() => {
        for (const pc of pcs) write.savePc.run(pc.id, JSON.stringify(pc));
      }),
    removePc,
    keys() {
      batch.tryFlush();
      return records<KeyRecord>("SELECT record FROM keys");
    },
    saveKey(key, when = "now") {
      const { fingerprint } = key;
      const text = JSON.stringify(key);
      at(when, `key ${fingerprint}`, () => void write.saveKey.run(fingerprint, text));
    },
    removeKey: (fingerprint, when = "now") =>
      at(when, `key ${fingerprint}`, () => void write.removeKey.run(fingerprint)),
    rooms: () =>
      db
        .prepare("SELECT name, record FROM rooms ORDER BY name")
        .all()
        .map((row) => roomOf(String(row.name), JSON.parse(String(row.record)))),
    saveRoom: (room) => saveRoom(room.name, JSON.stringify(room)),
    removeRoom,
    journal: sqliteJournal(db, batch),
    ...sqliteHistory(db, batch),
    ...sqliteLeases(db, batch),
    ...sqliteMoves(db, batch),
    ...sqliteOldSessions(db, batch),
    ...sqliteToldSessions(db, batch),
    operators: () => records<OperatorRecord>("SELECT record FROM operators"),
    saveOperator: (operator) => saveOperator(operator.name, JSON.stringify(operator)),
    removeOperator,
    logins: () => records<LoginRecord>("SELECT record FROM logins"),
    saveLogin: (login) => saveLogin(login.hash, JSON.stringify(login)),
    removeLogin,
    wallLinks: () => records<WallLinkRecord>("SELECT record FROM wall_links"),
    saveWallLink: (link) => saveWallLink(link.room, JSON.stringify(link)),
    removeWallLink,
    schedule: () => records<ScheduleRecord>("SELECT record FROM schedule ORDER BY rowid"),
    saveSchedule: (record) => saveSchedule(record.id, JSON.stringify(record)),
    removeSchedule,
    sshKeys: () => records<SshKeyRecord>("SELECT record FROM ssh_keys ORDER BY name"),
    saveSshKey: (key) => saveSshKey(key.name, JSON.stringify(key)),
    removeSshKey,
    hostKeys: (pc) =>
      records<HostKey[]>("SELECT record FROM host_keys WHERE pc = ?", pc)[0] ?? null,
    saveHostKeys: (pc, keys) => saveHostKeys(pc, JSON.stringify(keys)),
    removeHostKeys,
    imageSteps: () =>
      db
        .prepare("SELECT image, record FROM image_steps ORDER BY rowid")
        .all()
        .map((row) => ({ image: String(row.image), step: JSON.parse(String(row.record)) })),
    saveImageStep: (image, step) => saveImageStep(image, step.name, JSON.stringify(step)),
    removeImageStep,
    removeImageSteps,
    flush: () => batch.flush(),
    close() {
      try {
        batch.close();
      } finally {
        db.close();
      }
    },
  };
}

/** SQLite locks the other two of its files, so that this one may be opened and closed beside it. */
async function syncFile(path: string): Promise<void> {
  const file = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
    // It goes when the store is closed, once all that was in it is durable elsewhere.
    if (error.code !== "ENOENT") throw error;
    return null;
  });
  await file?.datasync().finally(() => file.close());
}

/** What a stored room does not say, since it is from before there was such a thing, is as in a new one. */
function roomOf(name: string, stored: Partial<RoomRecord>): RoomRecord {
  const room = newRoom(name);
  return { ...room, ...stored, name, settings: { ...room.settings, ...stored.settings } };
}
