/** Servers and rooms of the campus in PostgreSQL: whose each room is, and what is seen of it everywhere. */
import type { Fragment, TransactionSql } from "postgres";
import { beatEvery, leaseFor, ownRoom, type RoomLease } from "../../core/campus/room-standing.ts";
import type { CampusServer } from "../../core/wire/campus.ts";
import { type Away, about, channel, type Database } from "./database.ts";
import type {
  Beat,
  GivenRoom,
  Greeting,
  Looked,
  NamedRoom,
  Namesake,
  NewView,
  Ordered,
  RoomTables,
  ServerEntry,
  StoredRecord,
  Unnamed,
} from "./room-tables.ts";
import { agoMs, inMs, iso, rowsOf } from "./sql-pieces.ts";

/** An order to move a room that its server has not heard in this time is none any more: who gave it waits no longer. */
const wantedFor = leaseFor;
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
    return this.database.transact("greet", async (tx) => ({ namesake: await greeted(tx, server) }));
  }

  beat(server: ServerEntry, rooms: readonly NamedRoom[], unnamed: Unnamed): Promise<Beat> {
    return this.database.transact("beat", async (tx) => {
      const namesake = await greeted(tx, server);
      if (namesake !== null) return { namesake, leases: [] };
      await renew(tx, server.name, rooms, unnamed);
      const leases = await tx<LeaseRow[]>`
        SELECT folded AS room, server, epoch, arriving, given, move, refusal,
          CASE WHEN wanted_at > ${agoMs(tx, wantedFor)} THEN wanted_by END AS wanted
        FROM room`;
      return { namesake, leases: leases.map(leaseOf) };
    });
  }

  want(server: string, room: NamedRoom): Promise<Ordered> {
    return this.database.transact("want", async (tx) => {
      const ordered = await want(tx, server, room);
      if (ordered.kind !== "own") await notify(tx, about.leases);
      return ordered;
    });
  }

  withdraw(server: string, room: string, move: number): Promise<void> {
    return this.database.transact("withdraw", async (tx) => {
      await tx`
        UPDATE room SET wanted_by = NULL
        WHERE folded = ${room} AND wanted_by = ${server} AND move = ${move}::bigint`;
      await notify(tx, about.leases);
    });
  }

  refuse(
    server: string,
    room: string,
    { move, reason }: { readonly move: number; readonly reason: string },
  ): Promise<void> {
    return this.database.transact("refuse", async (tx) => {
      await tx`
        UPDATE room SET wanted_by = NULL, refusal = ${reason}
        WHERE folded = ${room} AND server = ${server} AND move = ${move}::bigint`;
      await notify(tx, about.leases);
    });
  }

  give(server: string, { room, epoch, move, to, record }: GivenRoom): Promise<boolean> {
    return this.database.transact("give", async (tx) => {
      const [row] = await tx<{ epoch: string }[]>`
        UPDATE room SET server = ${to}, epoch = nextval('room_epoch'), until = ${inMs(tx, leaseFor)},
          arriving = true, given = ${move}::bigint, wanted_by = NULL
        WHERE folded = ${room} AND server = ${server} AND epoch = ${epoch}::bigint
          AND move = ${move}::bigint AND wanted_by = ${to} AND wanted_at > ${agoMs(tx, wantedFor)}
        RETURNING epoch`;
      if (row === undefined) return false;
      if (record === null) await keepRecord(tx, room, { before: epoch, after: row.epoch });
      else await writeRecord(tx, server, { room, epoch: row.epoch, record });
      await notify(tx, about.leases);
      return true;
    });
  }

  record(server: string, room: string): Promise<StoredRecord | null> {
    return this.database.run("record", async (sql) => {
      const [row] = await sql<StoredRecord[]>`
        SELECT record, room_record.server, ${iso(sql, sql`told`)} AS told
        FROM room_record JOIN room USING (folded, epoch)
        WHERE folded = ${room} AND room.server = ${server}`;
      return row ?? null;
    });
  }

  arrived(server: string, room: string, epoch: number): Promise<void> {
    return this.database.transact("arrived", async (tx) => {
      await tx`
        UPDATE room SET arriving = false
        WHERE folded = ${room} AND server = ${server} AND epoch = ${epoch}::bigint`;
      await notify(tx, about.leases);
    });
  }

  publishRecord(
    server: string,
    { room, epoch, record }: { room: string; epoch: number; record: string },
  ): Promise<void> {
    return this.database.transact("publishRecord", async (tx) => {
      const mine = await tx`
        SELECT FROM room WHERE folded = ${room} AND server = ${server} AND epoch = ${epoch}::bigint
          AND NOT arriving FOR SHARE`;
      if (mine.count === 1) await writeRecord(tx, server, { room, epoch: String(epoch), record });
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

interface LeaseRow {
  readonly room: string;
  readonly server: string;
  readonly epoch: string;
  readonly arriving: boolean;
  readonly given: string | null;
  readonly move: string | null;
  readonly refusal: string | null;
  readonly wanted: string | null;
}

const leaseOf = (row: LeaseRow): RoomLease => ({
  ...{ room: row.room, server: row.server, epoch: Number(row.epoch), isArriving: row.arriving },
  given: row.given === null ? null : Number(row.given),
  order:
    row.move === null
      ? null
      : {
          move: Number(row.move),
          by: row.wanted,
          refusal: row.wanted === null ? row.refusal : null,
        },
});

async function want(
  tx: TransactionSql,
  server: string,
  { room, name }: NamedRoom,
): Promise<Ordered> {
  const made = await tx`
    INSERT INTO room (folded, name, server, until, arriving)
    VALUES (${room}, ${name}, ${server}, ${inMs(tx, leaseFor)}, true)
    ON CONFLICT (folded) DO NOTHING`;
  if (made.count === 1) return { kind: "taken", from: null };
  const [row] = await tx<{ server: string; epoch: string; lapsed: boolean }[]>`
    SELECT server, epoch, until < statement_timestamp() AS lapsed
    FROM room WHERE folded = ${room} FOR UPDATE`;
  // Its server has given it back in between.
  if (row === undefined) return want(tx, server, { room, name });
  const { server: from, epoch: before } = row;
  if (from === server) {
    await tx`UPDATE room SET wanted_by = NULL WHERE folded = ${room}`;
    return { kind: "own" };
  }
  if (row.lapsed) {
    const [{ epoch: after }] = await tx<[{ epoch: string }]>`
      UPDATE room SET server = ${server}, epoch = nextval('room_epoch'),
        until = ${inMs(tx, leaseFor)}, arriving = true, given = NULL, wanted_by = NULL
      WHERE folded = ${room} RETURNING epoch`;
    await keepRecord(tx, room, { before, after });
    return { kind: "taken", from };
  }
  const [{ move }] = await tx<[{ move: string }]>`
    UPDATE room SET move = nextval('room_move'), wanted_by = ${server},
      wanted_at = statement_timestamp(), refusal = NULL
    WHERE folded = ${room} RETURNING move`;
  return { kind: "asked", from, move: Number(move) };
}

/** What was published under the lease before is what there is of the room under this one. */
async function keepRecord(
  tx: TransactionSql,
  room: string,
  { before, after }: { readonly before: number | string; readonly after: string },
): Promise<void> {
  await tx`
    UPDATE room_record SET epoch = ${after}::bigint
    WHERE folded = ${room} AND epoch = ${before}::bigint`;
}

async function writeRecord(
  tx: TransactionSql,
  server: string,
  {
    room,
    epoch,
    record,
  }: { readonly room: string; readonly epoch: string; readonly record: string },
): Promise<void> {
  await tx`
    INSERT INTO room_record (folded, server, epoch, record, told)
    VALUES (${room}, ${server}, ${epoch}::bigint, ${record}, statement_timestamp())
    ON CONFLICT (folded) DO UPDATE SET server = excluded.server, epoch = excluded.epoch,
      record = excluded.record, told = excluded.told`;
}

async function renew(
  tx: TransactionSql,
  server: string,
  rooms: readonly NamedRoom[],
  { held, removed }: Unnamed,
): Promise<void> {
  const named = (): Fragment => tx`${rowsOf(tx, rooms)} AS named (room text, name text)`;
  const among = (list: readonly string[]): Fragment =>
    tx`(SELECT json_array_elements_text(${JSON.stringify(list)}::text::json))`;
  const unnamed = (): Fragment => tx`
    room.server = ${server} AND NOT arriving AND room.folded NOT IN (SELECT room FROM ${named()})
      AND room.folded NOT IN ${among(held)}`;
  // In their order, so that two servers do not wait for each other in a circle.
  const taken = await tx`
    INSERT INTO room (folded, name, server, until)
    SELECT room, name, ${server}, ${inMs(tx, leaseFor)} FROM ${named()} ORDER BY room
    ON CONFLICT (folded) DO NOTHING`;
  await tx`UPDATE room SET until = ${inMs(tx, leaseFor)} WHERE server = ${server}`;
  const given = await tx`
    DELETE FROM room WHERE ${unnamed()} AND (folded IN ${among(removed)}
      OR NOT EXISTS (SELECT FROM room_record AS told
        WHERE told.folded = room.folded AND told.epoch = room.epoch))`;
  if (given.count > 0)
    await tx`
      DELETE FROM room_record WHERE server = ${server}
        AND NOT EXISTS (SELECT FROM room WHERE room.folded = room_record.folded)`;
  // Of one that was lost nobody sees how it is.
  const untold = await tx`
    WITH lost AS (UPDATE room SET arriving = true WHERE ${unnamed()} RETURNING folded)
    DELETE FROM room_view WHERE server = ${server} AND folded <> ${ownRoom}
      AND (folded IN (SELECT folded FROM lost) OR NOT EXISTS (
        SELECT FROM room WHERE room.folded = room_view.folded AND room.server = ${server}))`;
  if (taken.count + given.count + untold.count > 0) await notify(tx, about.leases);
}

async function notify(tx: TransactionSql, what: string): Promise<void> {
  await tx`SELECT pg_notify(${channel}, ${what})`;
}
