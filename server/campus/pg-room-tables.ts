/** Servers and rooms of the campus in PostgreSQL: whose each room is, and what is seen of it everywhere. */
import type { Fragment, Sql, TransactionSql } from "postgres";
import { beatEvery, leaseFor, ownRoom, type RoomLease } from "../../core/campus/room-leases.ts";
import type { CampusServer } from "../../core/wire/campus.ts";
import { type Away, about, channel, type Database } from "./database.ts";
import { roomNotLapsed } from "./room-faults.ts";
import type {
  Beat,
  Greeting,
  Looked,
  NamedRoom,
  Namesake,
  NewView,
  RoomTables,
  ServerEntry,
} from "./room-tables.ts";

/** A server of which nothing was heard for three beats is called away. */
const awayMs = 3 * beatEvery;

export class PgRoomTables implements RoomTables {
  private readonly database: Database;
  private readonly listen: (heard: (about: string | null) => void) => Disposable;

  constructor(database: Database, listen: PgRoomTables["listen"]) {
    this.database = database;
    this.listen = listen;
  }

  greet(server: ServerEntry): Promise<Greeting> {
    return this.transact("greet", async (tx) => ({ namesake: await greeted(tx, server) }));
  }

  beat(server: ServerEntry, rooms: readonly NamedRoom[]): Promise<Beat> {
    return this.transact("beat", async (tx) => {
      const namesake = await greeted(tx, server);
      if (namesake !== null) return { namesake, leases: [] };
      await renew(tx, server.name, rooms);
      const leases = await tx<{ room: string; server: string; epoch: string }[]>`
        SELECT folded AS room, server, epoch FROM room`;
      return {
        namesake,
        leases: leases.map((lease): RoomLease => ({ ...lease, epoch: Number(lease.epoch) })),
      };
    });
  }

  takeOver(server: string, { room, name }: NamedRoom): Promise<void> {
    return this.transact("takeOver", async (tx) => {
      const taken = await tx`
        INSERT INTO room (folded, name, server, until)
        VALUES (${room}, ${name}, ${server}, ${inMs(tx, leaseFor)})
        ON CONFLICT (folded) DO UPDATE
        SET server = excluded.server, epoch = excluded.epoch, until = excluded.until
        WHERE room.server <> excluded.server AND room.until < statement_timestamp()`;
      if (taken.count === 1) return await notify(tx, about.leases);
      const [row] = await tx<{ server: string }[]>`SELECT server FROM room WHERE folded = ${room}`;
      if (row !== undefined && row.server !== server) throw roomNotLapsed(name, row.server);
    });
  }

  async publish(server: string, views: readonly NewView[]): Promise<void> {
    // One statement: the row of the count is locked, so that who has seen a number has seen all before it, and over no
    // way to a server and back.
    await this.database.run(
      "publish",
      (sql) => sql`
        WITH counted AS (UPDATE room_view_count SET changes = changes + 1 RETURNING changes),
        written AS (
          INSERT INTO room_view (server, folded, view, changed)
          SELECT ${server}, told.room, told.view, counted.changes
          FROM counted, ${rowsOf(sql, views)} AS told (room text, epoch bigint, view text)
          WHERE told.epoch IS NULL OR EXISTS (
            SELECT FROM room WHERE folded = told.room AND server = ${server} AND epoch = told.epoch)
          ON CONFLICT (server, folded) DO UPDATE
          SET view = excluded.view, changed = excluded.changed)
        SELECT pg_notify(${channel}, ${about.views})`,
    );
  }

  look(changed: number): Promise<Looked> {
    return this.database.run("look", async (sql) => {
      const servers = await sql<CampusServer[]>`
        SELECT name, address, version, ${iso(sql, sql`since`)} AS since,
          CASE WHEN heard < ${agoMs(sql, awayMs)} THEN ${iso(sql, sql`heard`)} END AS away
        FROM server ORDER BY name`;
      // One statement, so that sum and views are of one moment.
      const rows = await sql<ViewRow[]>`
        SELECT count, sum, server, folded AS room, changed, view
        FROM (SELECT count(*)::integer AS count, coalesce(sum(changed), 0)::bigint AS sum
          FROM room_view) AS total
        LEFT JOIN room_view ON changed > ${changed}::bigint`;
      const views = rows.flatMap(({ server, room, view, changed: at }) =>
        server === null ? [] : [{ server, room, view, changed: Number(at) }],
      );
      const [{ count, sum }] = rows as unknown as [ViewRow];
      return { servers: [...servers], views, count, sum: Number(sum) };
    });
  }

  onHint(hint: (what: "leases" | "views") => void): Disposable {
    return this.listen((what) => {
      if (what === null || what === about.leases) hint("leases");
      else if (what === about.views) hint("views");
    });
  }

  away(): Away | null {
    return this.database.away();
  }

  private transact<T>(doing: string, work: (tx: TransactionSql) => Promise<T>): Promise<T> {
    return this.database.run(doing, async (sql) => {
      const done = await sql.begin(async (tx) => ({ value: await work(tx) }));
      return done.value;
    });
  }
}

interface ViewRow {
  readonly count: number;
  /** What PostgreSQL calls bigint comes as text. */
  readonly sum: string;
  /** Null: no view has changed. */
  readonly server: string | null;
  readonly room: string;
  readonly changed: string;
  readonly view: string;
}

/** Writes the server's row; answers the other server that has it, if one lives. */
async function greeted(tx: TransactionSql, server: ServerEntry): Promise<Namesake | null> {
  const { name, folder, instance, isFirst, address, version } = server;
  const mine = await tx`
    INSERT INTO server (name, folder, instance, address, version, since, heard)
    VALUES (${name}, ${folder}, ${instance}, ${address}, ${version},
      statement_timestamp(), statement_timestamp())
    ON CONFLICT (name) DO UPDATE
    SET folder = excluded.folder, instance = excluded.instance, address = excluded.address,
      version = excluded.version, heard = excluded.heard,
      since = CASE server.instance WHEN excluded.instance THEN server.since ELSE excluded.since END
    WHERE server.instance = excluded.instance
      OR (${isFirst}::boolean AND server.folder = excluded.folder)
      OR server.heard < ${agoMs(tx, leaseFor)}`;
  if (mine.count === 1) return null;
  const [other] = await tx<[Namesake]>`
    SELECT address, ${iso(tx, tx`heard`)} AS heard FROM server WHERE name = ${name}`;
  return other;
}

async function renew(
  tx: TransactionSql,
  server: string,
  rooms: readonly NamedRoom[],
): Promise<void> {
  const named = (): Fragment => tx`${rowsOf(tx, rooms)} AS named (room text, name text)`;
  // In their order, so that two servers do not wait for each other in a circle.
  const taken = await tx`
    INSERT INTO room (folded, name, server, until)
    SELECT room, name, ${server}, ${inMs(tx, leaseFor)} FROM ${named()} ORDER BY room
    ON CONFLICT (folded) DO NOTHING`;
  await tx`UPDATE room SET until = ${inMs(tx, leaseFor)} WHERE server = ${server}`;
  const given = await tx`
    DELETE FROM room WHERE server = ${server} AND folded NOT IN (SELECT room FROM ${named()})`;
  const untold = await tx`
    DELETE FROM room_view WHERE server = ${server} AND folded <> ${ownRoom}
      AND NOT EXISTS (SELECT FROM room WHERE room.folded = room_view.folded AND room.server = ${server})`;
  if (taken.count + given.count + untold.count > 0) await notify(tx, about.leases);
}

async function notify(tx: TransactionSql, what: string): Promise<void> {
  await tx`SELECT pg_notify(${channel}, ${what})`;
}

/** As a table: the columns follow in the statement. */
const rowsOf = (sql: Sql | TransactionSql, rows: readonly object[]): Fragment =>
  sql`json_to_recordset(${JSON.stringify(rows)}::text::json)`;

const inMs = (sql: Sql | TransactionSql, ms: number): Fragment =>
  sql`statement_timestamp() + ${ms} * interval '1 ms'`;
const agoMs = (sql: Sql | TransactionSql, ms: number): Fragment =>
  sql`statement_timestamp() - ${ms} * interval '1 ms'`;

const iso = (sql: Sql | TransactionSql, time: Fragment): Fragment =>
  sql`to_char(${time} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
