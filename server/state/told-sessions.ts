/** Which sessions that are over the campus was told of: a mark in the table `session`. */
import type { DatabaseSync } from "node:sqlite";
import type { WriteBatch } from "./write-batch.ts";

export interface ToldStore {
  /** The numbers of the first `limit` that ended after this time, ISO 8601, and were not told. */
  untoldSessions(after: string, limit: number): number[];
  sessionsTold(numbers: readonly number[]): void;
}

export function sqliteToldSessions(db: DatabaseSync, batch: Pick<WriteBatch, "now">): ToldStore {
  const untold = db.prepare(`SELECT number FROM session
    WHERE ended IS NOT NULL AND told = 0 AND ended > ? ORDER BY number LIMIT ?`);
  // Whatever writes the session once more takes the mark away.
  const mark = db.prepare("UPDATE session SET told = 1 WHERE number = ?");
  return {
    untoldSessions: (after, limit) => untold.all(after, limit).map(({ number }) => Number(number)),
    sessionsTold: (numbers) =>
      batch.now(() => {
        for (const number of numbers) mark.run(number);
      }),
  };
}
