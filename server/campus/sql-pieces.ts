/** Pieces of statements that several tables of the campus need. */
import type { Fragment, Sql, TransactionSql } from "postgres";

type AnySql = Sql | TransactionSql;

/** A moment by the database's clock. */
export const inMs = (sql: AnySql, ms: number): Fragment =>
  sql`(statement_timestamp() + ${ms} * interval '1 ms')`;
export const agoMs = (sql: AnySql, ms: number): Fragment =>
  sql`(statement_timestamp() - ${ms} * interval '1 ms')`;

/** A moment as ISO 8601 text. */
export const iso = (sql: AnySql, time: Fragment): Fragment =>
  sql`to_char(${time} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** As a table: a name and the columns follow in the statement. */
export const rowsOf = (sql: AnySql, rows: readonly object[]): Fragment =>
  sql`json_to_recordset(${JSON.stringify(rows)}::text::json)`;
