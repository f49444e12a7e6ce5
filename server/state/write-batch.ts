/** What comes together is written together: one transaction, and so one wait for the disk. */
import type { DatabaseSync } from "node:sqlite";
import { makeRoom } from "../../core/units/make-room.ts";

/**
 * What may wait, in milliseconds: what a crash costs of the history and of what PCs said of themselves. A
 * building that comes at once costs twenty waits a second, and not one for each PC.
 */
const waitMs = 50;
/** A disk that takes nothing is tried again after this, in milliseconds. */
const retryMs = 1000;
/** Writes that wait for such a disk; of more, those that came first are lost. */
export const waitingLimit = 10_000;

export class WriteBatch {
  private readonly db: DatabaseSync;
  private readonly told: (error: unknown) => void;
  private isStuck = false;
  /** By what they write; of what is written again before its turn, the last counts. */
  private readonly waiting = new Map<string | symbol, () => void>();
  private timer: NodeJS.Timeout | undefined;

  private readonly sync: () => Promise<void>;

  /**
   * `told`: hears why what waits cannot be written, and null once it is. `sync`: has the disk keep what was
   * written without waiting for that.
   */
  constructor(db: DatabaseSync, told: (error: unknown) => void, sync: () => Promise<void>) {
    this.db = db;
    this.told = told;
    this.sync = sync;
  }

  /** Durable when it returns, and with it all that waits. Throws as SQLite does; then what waits still waits. */
  now<T>(write: () => T): T {
    const { db } = this;
    db.exec("BEGIN IMMEDIATE");
    try {
      for (const waits of this.waiting.values()) waits();
      const value = write();
      db.exec("COMMIT");
      this.waiting.clear();
      return value;
    } catch (error) {
      // A disk that is full may have ended the transaction already.
      if (db.isTransaction) db.exec("ROLLBACK");
      throw error;
    }
  }

  /** Durable with whatever is written next, or soon. */
  soon(what: string | symbol, write: () => void): void {
    // Its place is that of the newest, so that writes of one thing keep their order to those of others.
    this.waiting.delete(what);
    makeRoom(this.waiting, waitingLimit);
    this.waiting.set(what, write);
    this.later(waitMs);
  }

  /** All that waits is durable when it returns. Throws as SQLite does. */
  flush(): void {
    if (this.waiting.size > 0) this.now(() => {});
  }

  /** The same for whoever only reads; a disk that takes nothing is told to who writes. */
  tryFlush(): void {
    try {
      this.flush();
    } catch {}
  }

  close(): void {
    clearTimeout(this.timer);
    this.flush();
  }

  private later(ms: number): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      try {
        this.flushUnsynced();
        this.heard(null);
      } catch (error) {
        this.heard(error);
        this.later(retryMs);
      }
    }, ms);
  }

  /** A disk that is busy may take a second to say that it has something: nobody waits for that here. */
  private flushUnsynced(): void {
    this.db.exec("PRAGMA synchronous = NORMAL");
    try {
      this.flush();
    } finally {
      this.db.exec("PRAGMA synchronous = FULL");
    }
    this.sync().catch((error: unknown) => this.heard(error));
  }

  private heard(error: unknown): void {
    const wasStuck = this.isStuck;
    this.isStuck = error !== null;
    if (this.isStuck !== wasStuck) this.told(error);
  }
}
