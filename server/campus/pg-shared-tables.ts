/** What all servers of a campus have alike, in PostgreSQL. */
import type { TransactionSql } from "postgres";
import { type SharedEntry, written } from "../../core/campus/shared-list.ts";
import { type Away, about, channel, type Database } from "./database.ts";
import type { SharedTables } from "./shared-tables.ts";
import { rowsOf } from "./sql-pieces.ts";

type Row = Omit<SharedEntry, "revision"> & { readonly revision: string };

export class PgSharedTables implements SharedTables {
  private readonly database: Database;
  private readonly listen: (heard: (about: string | null) => void) => Disposable;

  constructor(database: Database, listen: PgSharedTables["listen"]) {
    this.database = database;
    this.listen = listen;
  }

  async writtenAfter(changed: number): Promise<{ entries: SharedEntry[]; changed: number }> {
    const rows = await this.database.run(
      "writtenAfter",
      (sql) => sql<(Row & { changed: string })[]>`
        SELECT kind, name, since, revision, record, changed FROM shared
        WHERE changed > ${changed}::bigint ORDER BY changed`,
    );
    return {
      entries: rows.map(({ changed: _, ...row }) => entryOf(row)),
      changed: rows.reduce((most, row) => Math.max(most, Number(row.changed)), changed),
    };
  }

  async write(entry: SharedEntry): Promise<boolean> {
    return (await this.put([entry], "change")) === 0;
  }

  async handOn(entries: readonly SharedEntry[]): Promise<void> {
    await this.put(entries, "hand-on");
  }

  onHint(hint: (isThereAgain: boolean) => void): Disposable {
    return this.listen((what) => {
      if (what === null || what === about.shared) hint(what === null);
    });
  }

  away(): Away | null {
    return this.database.away();
  }

  /** Answers how many were refused. */
  private put(entries: readonly SharedEntry[], why: "change" | "hand-on"): Promise<number> {
    return this.database.transact(why, async (tx) => {
      // Its row is locked, so that writers follow each other, and who has seen a number has seen all before it.
      const [count] = await tx<[{ changes: string }]>`
          SELECT changes FROM shared_count FOR UPDATE`;
      const rows = await namesakesOf(tx, entries);
      const news: SharedEntry[] = [];
      let refused = 0;
      for (const entry of entries) {
        const isNamesake = ({ kind, name }: SharedEntry): boolean =>
          kind === entry.kind && name === entry.name;
        const now = written(rows.filter(isNamesake), entry, why);
        if (now === "refused") refused++;
        if (now === "refused" || now === null) continue;
        const at = rows.findIndex((row) => isNamesake(row) && row.since === entry.since);
        rows.splice(at === -1 ? rows.length : at, 1, now);
        news.push(now);
      }
      if (news.length > 0) await save(tx, news, Number(count.changes) + 1);
      return refused;
    });
  }
}

const entryOf = (row: Row): SharedEntry => ({ ...row, revision: Number(row.revision) });

async function namesakesOf(
  tx: TransactionSql,
  entries: readonly SharedEntry[],
): Promise<SharedEntry[]> {
  const names = entries.map(({ kind, name }) => ({ kind, name }));
  const rows = await tx<Row[]>`
    SELECT kind, name, since, revision, record FROM shared WHERE (kind, name) IN (
      SELECT kind, name FROM ${rowsOf(tx, names)} AS named (kind text, name text))`;
  return rows.map(entryOf);
}

async function save(
  tx: TransactionSql,
  entries: readonly SharedEntry[],
  changed: number,
): Promise<void> {
  // Removals first: what has the name then is the one that may.
  await tx`
    INSERT INTO shared (kind, name, since, revision, record, changed)
    SELECT kind, name, since, revision, record, ${changed}::bigint
    FROM ${rowsOf(tx, entries)}
      AS told (kind text, name text, since text, revision bigint, record text)
    ORDER BY record IS NOT NULL
    ON CONFLICT (kind, name, since) DO UPDATE
    SET revision = excluded.revision, record = excluded.record, changed = excluded.changed`;
  await tx`UPDATE shared_count SET changes = ${changed}::bigint`;
  await tx`SELECT pg_notify(${channel}, ${about.shared})`;
}
