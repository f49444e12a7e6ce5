import type { DatabaseSync } from "node:sqlite";
import type { Batch, Journal, Journalled, JournalSession } from "../../core/session/journal.ts";
import type { Fact } from "../../core/session/kind.ts";
import { isKindName } from "../../core/session/registry.ts";
import { millis } from "../../core/units/units.ts";
import type { WriteBatch } from "./write-batch.ts";

/** The journal of sessions in `state.db`: tables `session` and `fact` (docs/sessions.md). */
export function sqliteJournal(db: DatabaseSync, batch: Pick<WriteBatch, "now">): Journal {
  const saveSession = db.prepare(
    `INSERT OR REPLACE INTO session (number, kind, started, ended, seq, state, totals)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const addFact = db.prepare(
    "INSERT INTO fact (session, seq, at, iso, type, pc, body) VALUES (?, ?, ?, ?, ?, ?, ?)",
  );
  const columns = "number, kind, started, ended, seq, state, totals";
  const factsBehind = db.prepare(
    "SELECT seq, at, iso, type, pc, body FROM fact WHERE session = ? AND seq > ? ORDER BY seq",
  );

  const write = ({ sessions, facts }: Batch): void => {
    for (const { number, kind, startedAt, endedAt, seq, state, totals } of sessions) {
      const [stateText, totalsText] = [JSON.stringify(state), JSON.stringify(totals)];
      saveSession.run(number, kind, startedAt, endedAt, seq, stateText, totalsText);
    }
    for (const { session, seq, at, iso, fact } of facts) {
      const { type, pc, ...body } = fact;
      addFact.run(session, seq, at, iso, type, pc, JSON.stringify(body));
    }
  };

  const journalled = (row: Record<string, unknown>): Journalled[] => {
    const stored = storedSession(row);
    if (stored === null) return [];
    const facts = factsBehind.all(stored.number, stored.seq).map((fact) => ({
      session: stored.number,
      seq: Number(fact.seq),
      at: millis(Number(fact.at)),
      iso: String(fact.iso),
      fact: {
        ...(JSON.parse(String(fact.body)) as object),
        type: String(fact.type),
        pc: fact.pc === null ? null : String(fact.pc),
      } as Fact,
    }));
    return [{ stored, facts }];
  };

  return {
    append: (decided) => batch.now(() => write(decided)),
    open: () =>
      db
        .prepare(`SELECT ${columns} FROM session WHERE ended IS NULL ORDER BY number`)
        .all()
        .flatMap(journalled),
    ended: (limit) =>
      db
        .prepare(
          `SELECT ${columns} FROM session WHERE ended IS NOT NULL ORDER BY number DESC LIMIT ?`,
        )
        .all(limit)
        .reverse()
        .flatMap(journalled),
    find: (number) =>
      db
        .prepare(`SELECT ${columns} FROM session WHERE number = ?`)
        .all(number)
        .flatMap(journalled)[0],
    nextNumber: () =>
      Number(
        db
          .prepare(
            `SELECT max(number, coalesce((SELECT max(number) FROM session), 0)) + 1 AS n
             FROM forgotten`,
          )
          .get()?.n,
      ),
    // They are written in the order of their times, but for those of one batch.
    newestAt: () =>
      Number(
        db
          .prepare(
            `SELECT max(at, coalesce((SELECT max(at) FROM
               (SELECT at FROM fact ORDER BY rowid DESC LIMIT 1000)), 0)) AS at FROM forgotten`,
          )
          .get()?.at,
      ),
  };
}

/** Null for a kind that this version does not know: it is left as it is. */
function storedSession(row: Record<string, unknown>): JournalSession | null {
  const kind = String(row.kind);
  if (!isKindName(kind)) return null;
  return {
    number: Number(row.number),
    kind,
    startedAt: String(row.started),
    endedAt: row.ended === null ? null : String(row.ended),
    seq: Number(row.seq),
    state: JSON.parse(String(row.state)),
    totals: JSON.parse(String(row.totals)),
  };
}
