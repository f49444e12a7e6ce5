/**
 * A state.db under the server's process: a real one, behind a handle that knows what of it is on the disk. When the
 * process dies, the file is as it was; when the power goes, what was not synced may be gone; and the disk may be full.
 */
import { copyFileSync, existsSync, mkdtempSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { migrations } from "../../server/state/migrations.ts";

/** sqlite.org/rescode.html */
const fullCode = 13;
/** Of its log, in bytes: a longer one is brought into the file, which syncs it. */
const logLimit = 16 << 20;

export interface StateFilePorts {
  readonly random: () => number;
  /** Draws whether this transaction finds the disk full. */
  isFull(): boolean;
}

export class StateFile {
  private readonly ports: StateFilePorts;
  private readonly number = ++count;
  /** Counts the processes that died. */
  private generation = 0;
  private db: DatabaseSync;
  /** As the process has set it: whether a commit waits for the disk. */
  private syncs = true;
  /** Bytes of the log that the disk has. */
  private syncedBytes = 0;

  constructor(ports: StateFilePorts) {
    this.ports = ports;
    copyFileSync(template(), this.path);
    this.db = open(this.path);
  }

  /** As the process reaches it that runs now. */
  handle(): DatabaseSync {
    const { db } = this;
    const handle: Pick<DatabaseSync, "exec" | "prepare" | "isTransaction"> = {
      prepare: (sql) => db.prepare(sql),
      get isTransaction() {
        return db.isTransaction;
      },
      exec: (sql) => {
        const mode = /^PRAGMA synchronous = (\w+)$/.exec(sql)?.[1];
        // Nobody waits for a disk here: what it has is known.
        if (mode !== undefined) this.syncs = mode === "FULL";
        else if (sql === "COMMIT") this.commit(db);
        else db.exec(sql);
      },
    };
    return handle as DatabaseSync;
  }

  /** The disk has all that was written. */
  sync(): void {
    this.syncedBytes = this.logBytes;
  }

  /** The process dies, and where `losesPower` the whole host: what comes next finds what is left. */
  die(losesPower: boolean): void {
    const { path, db, logBytes, syncedBytes } = this;
    const log = `${path}-wal`;
    this.generation++;
    copyFileSync(path, this.path);
    if (existsSync(log)) copyFileSync(log, `${this.path}-wal`);
    if (losesPower && logBytes > syncedBytes) {
      const left = syncedBytes + Math.floor(this.ports.random() * (logBytes - syncedBytes));
      truncateSync(`${this.path}-wal`, left);
    }
    db.close();
    rmSync(path);
    this.db = open(this.path);
    this.tidy();
    this.syncs = true;
  }

  close(): void {
    this.db.close();
    rmSync(this.path);
  }

  private commit(db: DatabaseSync): void {
    if (this.ports.isFull()) {
      const error = new Error("database or disk is full");
      throw Object.assign(error, { code: "ERR_SQLITE_ERROR", errcode: fullCode });
    }
    db.exec("COMMIT");
    if (!this.syncs) return;
    this.sync();
    if (this.syncedBytes >= logLimit) this.tidy();
  }

  /** The log is brought into the file. */
  private tidy(): void {
    this.db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    this.sync();
  }

  private get path(): string {
    return join(folder(), `${this.number}-${this.generation}.db`);
  }

  private get logBytes(): number {
    return statSync(`${this.path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  }
}

function open(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 0");
  return db;
}

let count = 0;
let made: string | null = null;

/** Of this process; in memory, where that can be. */
function folder(): string {
  if (made !== null) return made;
  const within = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  const path = mkdtempSync(join(within, "roomcast-lab-"));
  process.once("exit", () => rmSync(path, { recursive: true }));
  made = path;
  return path;
}

let empty: string | null = null;

/** One that nobody has written to yet. */
function template(): string {
  if (empty !== null) return empty;
  const path = join(folder(), "empty.db");
  const db = new DatabaseSync(path);
  for (const migrate of migrations) migrate(db);
  db.close();
  empty = path;
  return path;
}
