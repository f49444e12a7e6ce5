/** Sessions that ended too long ago go, with their facts. What they must not take with them is in the table `forgotten`. */
import type { DatabaseSync } from "node:sqlite";
import type { WriteBatch } from "./write-batch.ts";

/** What is removed at once: a step holds the server's thread for some milliseconds. */
export const forgetStep = { sessions: 50, facts: 300, stateBytes: 250_000 };

export interface OldSessionStore {
  /**
   * Removes some of the sessions that began and ended by this time, ISO 8601, those that ended first before others.
   * Answers their numbers, and whether there may be more. Written when it returns, durable soon.
   */
  forgetSessions(before: string): { readonly numbers: readonly number[]; readonly isDone: boolean };
}

export function sqliteOldSessions(
  db: DatabaseSync,
  batch: Pick<WriteBatch, "unsynced">,
): OldSessionStore {
  // One that a clock ended that was behind is as old as its beginning.
  const oldest = db.prepare(`SELECT number, octet_length(state) AS bytes FROM session
    WHERE ended <= ?1 AND started <= ?1 ORDER BY ended LIMIT ${forgetStep.sessions}`);
  const removeFacts = db.prepare(`DELETE FROM fact WHERE rowid IN
    (SELECT rowid FROM fact WHERE session = ? ORDER BY seq LIMIT ?) RETURNING at`);
  const removeSession = db.prepare("DELETE FROM session WHERE number = ?");
  const note = db.prepare("UPDATE forgotten SET number = max(number, ?), at = max(at, ?)");
  return {
    forgetSessions(before) {
      const due = oldest.all(before);
      const numbers: number[] = [];
      if (due.length === 0) return { numbers, isDone: true };
      batch.unsynced(() => {
        let { facts, stateBytes } = forgetStep;
        let newest = 0;
        for (const row of due) {
          const number = Number(row.number);
          const gone = removeFacts.all(number, facts);
          for (const { at } of gone) newest = Math.max(newest, Number(at));
          facts -= gone.length;
          // The next step takes what it may still have.
          if (facts === 0) break;
          removeSession.run(number);
          numbers.push(number);
          stateBytes -= Number(row.bytes);
          if (stateBytes <= 0) break;
        }
        note.run(Math.max(0, ...numbers), newest);
      });
      return { numbers, isDone: false };
    },
  };
}
