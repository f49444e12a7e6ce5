/** What happened, and to what: the table `events`. */
import type { DatabaseSync } from "node:sqlite";
import type { EventFilter, EventRecord } from "./records.ts";
import type { WriteBatch } from "./write-batch.ts";

/** What an event may be about: columns of the table. */
const subjects = ["session", "pc", "room", "image", "operator"] as const;

/** Events that are removed at once, with four indexes: a step holds the server's thread for some milliseconds. */
export const historyStep = 250;
/** However few days are to be kept, and however much happens: some 500 MB. */
const historyLimit = 2_000_000;

export interface HistoryStore {
  /** Written soon. */
  addEvent(event: EventRecord): void;
  /** Oldest first. */
  events(filter: EventFilter): EventRecord[];
  /**
   * Removes at most `historyStep` of the events that came before this time, ISO 8601, or that are more than the
   * history may have; answers how many. They go in the order in which they came.
   */
  forgetEvents(before: string): number;
}

export function sqliteHistory(
  db: DatabaseSync,
  batch: WriteBatch,
  limit = historyLimit,
): HistoryStore {
  const columns = subjects.join(", ");
  const add = db.prepare(`INSERT INTO events (at, ${columns}, text) VALUES (?, ?, ?, ?, ?, ?, ?)`);
  const oldest = db.prepare("SELECT rowid AS row, at FROM events ORDER BY rowid LIMIT ?");
  const newest = db.prepare("SELECT max(rowid) AS row FROM events");
  const remove = db.prepare("DELETE FROM events WHERE rowid <= ?");
  return {
    addEvent: (event) =>
      batch.soon(Symbol(), () => {
        add.run(event.at, ...subjects.map((subject) => event[subject]), event.text);
      }),
    events: (filter) => {
      const named = subjects.filter((subject) => (filter[subject] ?? null) !== null);
      const where = named.map((subject) => `${subject} = ?`).join(" AND ");
      const sql = `SELECT at, ${columns}, text FROM events
        ${where === "" ? "" : `WHERE ${where}`} ORDER BY rowid DESC LIMIT ?`;
      const values = named.map((subject) => String(filter[subject]));
      batch.tryFlush();
      const rows = db.prepare(sql).all(...values, filter.limit);
      return rows.reverse().map((row) => ({ ...row })) as unknown as EventRecord[];
    },
    forgetEvents(before) {
      const last = Number(newest.get()?.row ?? 0);
      let [count, until] = [0, 0];
      for (const { row, at } of oldest.all(historyStep)) {
        // A clock that was set back is no reason to take what came after.
        if (String(at) >= before && Number(row) > last - limit) break;
        until = Number(row);
        count++;
      }
      if (count > 0) batch.unsynced(() => void remove.run(until));
      return count;
    },
  };
}
