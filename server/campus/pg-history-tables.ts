/** The sessions that are over at all servers of a campus, in PostgreSQL. */
import type { EndedSession, ToldFilter, ToldSession } from "../../core/wire/campus.ts";
import type { Away, Database } from "./database.ts";
import type { HistoryTables } from "./history-tables.ts";
import { iso, rowsOf } from "./sql-pieces.ts";

export class PgHistoryTables implements HistoryTables {
  private readonly database: Database;

  constructor(database: Database) {
    this.database = database;
  }

  async tell(server: string, ended: readonly EndedSession[]): Promise<void> {
    await this.database.run(
      "tell",
      (sql) => sql`
        INSERT INTO campus_history (server, number, started, ended, room, image, operator, text)
        SELECT ${server}, number, started, ended, room, image, operator, text
        FROM ${rowsOf(sql, ended)} AS told (
          number integer, started timestamptz, ended timestamptz,
          room text, image text, operator text, text text)
        ON CONFLICT (server, number, started) DO UPDATE SET ended = excluded.ended,
          room = excluded.room, image = excluded.image, operator = excluded.operator,
          text = excluded.text`,
    );
  }

  prune(server: string, days: number, limit: number): Promise<number> {
    return this.database.run("prune", async (sql) => {
      const gone = await sql`
        DELETE FROM campus_history WHERE (server, number, started) IN (
          SELECT server, number, started FROM campus_history AS old
          WHERE ended < now() - ${days} * interval '1 day' AND (server = ${server} OR NOT EXISTS (
            SELECT FROM server WHERE name = old.server
              AND heard > now() - ${days} * interval '1 day'))
          LIMIT ${limit})`;
      return gone.count;
    });
  }

  async list(filter: ToldFilter): Promise<ToldSession[]> {
    const { server, but, room, image, operator, number, limit } = filter;
    const rows = await this.database.run(
      "list",
      (sql) => sql<ToldSession[]>`
        SELECT server, number, room, image, operator, text,
          ${iso(sql, sql`started`)} AS started, ${iso(sql, sql`ended`)} AS ended
        FROM campus_history
        WHERE (${server}::text IS NULL OR server = ${server})
          AND (${but}::text IS NULL OR server <> ${but})
          AND (${room}::text IS NULL OR room = ${room})
          AND (${image}::text IS NULL OR image = ${image})
          AND (${operator}::text IS NULL OR operator = ${operator})
          AND (${number}::integer IS NULL OR number = ${number}::integer)
        ORDER BY campus_history.ended DESC, server, number LIMIT ${limit}`,
    );
    return [...rows].reverse();
  }

  away(): Away | null {
    return this.database.away();
  }
}
