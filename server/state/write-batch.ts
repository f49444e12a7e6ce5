/** What comes together is written together: one transaction, and so one wait for the disk. */
import type { DatabaseSync } from "node:sqlite";
import { setImmediate as turn } from "node:timers/promises";
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
  /** Why the disk took nothing when it was last tried; null: it did. */
  private trouble: unknown = null;
  private faultCount = 0;
  private isClosed = false;
  /** By what they write; of what is written again before its turn, the last counts. */
  private readonly waiting = new Map<string | symbol, () => void>();
  /** Of those that waited, how many had to make room. */
  private lostCount = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly sync: () => Promise<void>;
  /** What is to be told when it is durable: what the disk is busy with, and what goes to it next. */
  private running: Promise<void> = Promise.resolve();
  private next: Promise<void> | undefined;

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
    if (this.waiting.size >= waitingLimit) this.lostCount++;
    makeRoom(this.waiting, waitingLimit);
    this.waiting.set(what, write);
    this.later(waitMs);
  }

  /** Written when it returns, and all that waits with it, and durable soon. Throws as `now`. */
  unsynced<T>(write: () => T): T {
    const value = this.commit(write);
    this.keep();
    return value;
  }

  /**
   * Resolves once it is durable: all that comes in one turn of the event loop, or while the disk is busy with
   * what came before, is one transaction and one wait. Rejects when the disk does not take it; then it still
   * waits, as what is written soon does. A disk that has just refused is not asked again with every write.
   */
  durably(what: string | symbol, write: () => void): Promise<void> {
    this.soon(what, write);
    if (this.trouble !== null) return Promise.reject(this.trouble);
    if (this.next === undefined) {
      this.next = this.round(this.running);
      this.running = this.next.catch(() => {});
    }
    return this.next;
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
    this.isClosed = true;
    clearTimeout(this.timer);
    this.flush();
  }

  private async round(before: Promise<void>): Promise<void> {
    const { lostCount } = this;
    await before;
    await turn();
    this.next = undefined;
    try {
      if (this.waiting.size > 0) this.commit(() => {});
      if (this.lostCount !== lostCount) throw new Error("more had to be written than may wait");
      await this.sync();
    } catch (error) {
      this.failed(error);
      throw error;
    }
  }

  private later(ms: number): void {
    // A disk that fails to the last keeps no process.
    if (this.isClosed) return;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      try {
        // With nothing that waits, a disk that failed is only asked whether it keeps things again.
        if (this.waiting.size > 0) this.unsynced(() => {});
        else if (this.trouble !== null) this.keep();
      } catch (error) {
        this.failed(error);
      }
    }, ms);
  }

  /** Has the disk keep what was written, which nobody waits for. All is well once it has, unless something failed meanwhile. */
  private keep(): void {
    const { faultCount } = this;
    this.sync().then(
      () => {
        if (this.faultCount === faultCount) this.heard(null);
      },
      (error: unknown) => this.failed(error),
    );
  }

  private failed(error: unknown): void {
    this.faultCount++;
    this.heard(error);
    this.later(retryMs);
  }

  /** As `now`, but a disk that is busy may take a second to say that it has something: nobody waits for that here. */
  private commit<T>(write: () => T): T {
    this.db.exec("PRAGMA synchronous = NORMAL");
    try {
      return this.now(write);
    } finally {
      this.db.exec("PRAGMA synchronous = FULL");
    }
  }

  private heard(error: unknown): void {
    const wasStuck = this.trouble !== null;
    this.trouble = error;
    if (wasStuck !== (error !== null)) this.told(error);
  }
}
