/** Orders between the servers of a campus in PostgreSQL: the rows are what counts, notifications are hints. */
import type { Fragment, Sql } from "postgres";
import { beginWithin, type SeenOrder } from "../../core/campus/given-order.ts";
import { millis } from "../../core/units/units.ts";
import type { CampusOrder, OrderAnswer } from "../../core/wire/campus-order.ts";
import { type Away, about, channel, type Database } from "./database.ts";
import type { OrderHint, OrderTables } from "./order-tables.ts";
import { agoMs, inMs } from "./sql-pieces.ts";

const hourMs = 3_600_000;

interface SeenRow {
  readonly state: SeenOrder["name"];
  readonly silent: number;
  readonly status: number;
  readonly type: string | null;
  readonly answer: string;
}

export class PgOrderTables implements OrderTables {
  private readonly database: Database;
  private readonly listen: (heard: (about: string | null) => void) => Disposable;

  constructor(database: Database, listen: PgOrderTables["listen"]) {
    this.database = database;
    this.listen = listen;
  }

  async give(order: CampusOrder): Promise<void> {
    await this.database.run(
      "give",
      (sql) => sql`
        WITH given AS (
          INSERT INTO campus_order ${rowOf(sql, order, "new")} ON CONFLICT (id) DO NOTHING)
        SELECT pg_notify(${channel}, ${`${about.order} ${order.to}`})`,
    );
  }

  look(id: string): Promise<SeenOrder | null> {
    return this.database.run("look at an order", (sql) => seen(sql, id));
  }

  withdraw(order: CampusOrder): Promise<SeenOrder | null> {
    return this.database.run("withdraw", async (sql) => {
      await sql`
        INSERT INTO campus_order ${rowOf(sql, { ...order, body: null }, "withdrawn")}
        ON CONFLICT (id) DO UPDATE
        SET state = 'withdrawn', body = NULL, changed = statement_timestamp()
        WHERE campus_order.state = 'new'`;
      return seen(sql, order.id);
    });
  }

  async forget(id: string): Promise<void> {
    await this.database.run(
      "forget",
      (sql) => sql`DELETE FROM campus_order WHERE id = ${id} AND state IN ('answered', 'given-up')`,
    );
  }

  async take(
    { name, instance }: { readonly name: string; readonly instance: string },
    known: readonly string[],
    most: number,
  ): Promise<CampusOrder[]> {
    const rows = await this.database.run("take", (sql) => {
      const isKnown = (): Fragment => sql`id = ANY(string_to_array(${known.join(" ")}, ' '))`;
      // The row of the server is locked, so that no other process gets its name meanwhile. The body has done its
      // work when it is taken: what an operator has set is not kept.
      return sql<(CampusOrder | { readonly id: null })[]>`
        WITH mine AS MATERIALIZED (
          SELECT FROM server WHERE name = ${name} AND instance = ${instance} FOR SHARE),
        given_up AS (
          UPDATE campus_order SET state = 'given-up', changed = statement_timestamp()
          WHERE EXISTS (SELECT FROM mine) AND target = ${name} AND state = 'taken'
            AND NOT ${isKnown()}
          RETURNING id, origin),
        still AS (
          UPDATE campus_order SET changed = statement_timestamp()
          WHERE EXISTS (SELECT FROM mine) AND target = ${name} AND state = 'taken'
            AND ${isKnown()}),
        next AS (
          SELECT id, body FROM campus_order
          WHERE EXISTS (SELECT FROM mine) AND target = ${name} AND state = 'new'
            AND until >= statement_timestamp()
          ORDER BY until, id LIMIT ${most} FOR UPDATE SKIP LOCKED),
        taken AS (
          UPDATE campus_order AS each
          SET state = 'taken', body = NULL, changed = statement_timestamp()
          FROM next WHERE each.id = next.id
          RETURNING each.id, each.origin AS "from", each.target AS "to", each.operator, each.role,
            each.method, each.path, next.body),
        told AS (
          SELECT count(${hintOfAnswer(sql, sql`given_up`)}) FROM given_up)
        SELECT taken.* FROM told LEFT JOIN taken ON true`;
    });
    return rows.filter((row) => row.id !== null);
  }

  async answer(id: string, { status, type, body }: OrderAnswer): Promise<void> {
    await this.database.run(
      "answer",
      (sql) => sql`
        WITH answered AS (
          UPDATE campus_order
          SET state = 'answered', status = ${status}, type = ${type}, answer = ${body},
            changed = statement_timestamp()
          WHERE id = ${id} AND state = 'taken' RETURNING id, origin)
        SELECT ${hintOfAnswer(sql, sql`answered`)} FROM answered`,
    );
  }

  async clear(server: string): Promise<void> {
    await this.database.run(
      "clear",
      (sql) => sql`
        DELETE FROM campus_order WHERE changed < ${agoMs(sql, 24 * hourMs)}
          OR (origin = ${server} AND changed < ${agoMs(sql, hourMs)})`,
    );
  }

  onHint(server: string, hint: OrderHint): Disposable {
    return this.listen((what) => {
      const [kind, name, id = null] = what?.split(" ") ?? [null];
      if (kind === null || (kind === about.order && name === server)) hint("order", id);
      if (kind === null || (kind === about.answer && name === server)) hint("answer", id);
    });
  }

  away(): Away | null {
    return this.database.away();
  }
}

/** Tells the origin of an order, a row of `from`. */
const hintOfAnswer = (sql: Sql, from: Fragment): Fragment =>
  sql`pg_notify(${channel}, concat_ws(' ', ${about.answer}::text, ${from}.origin, ${from}.id))`;

/** As columns and values of a statement. */
const rowOf = (sql: Sql, order: CampusOrder, state: "new" | "withdrawn"): Fragment => {
  const { id, from, to, operator, role, method, path, body } = order;
  return sql`
    (id, origin, target, operator, role, method, path, body, state, until, changed)
    VALUES (${id}, ${from}, ${to}, ${operator}, ${role}, ${method}, ${path}, ${body}, ${state},
      ${inMs(sql, beginWithin)}, statement_timestamp())`;
};

async function seen(sql: Sql, id: string): Promise<SeenOrder | null> {
  const [row] = await sql<SeenRow[]>`
    SELECT state, status, type, answer,
      (extract(epoch FROM statement_timestamp() - changed) * 1000)::float8 AS silent
    FROM campus_order WHERE id = ${id}`;
  if (row === undefined) return null;
  const { state: name, silent, status, type, answer: body } = row;
  if (name === "answered") return { name, answer: { status, type, body } };
  return name === "taken" ? { name, silent: millis(silent) } : { name };
}
