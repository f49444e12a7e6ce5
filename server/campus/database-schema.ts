/**
 * The tables that the servers of a campus share, version by version. docs/campus.md has them in a page.
 *
 * Servers are brought up to date one after the other, so two versions of roomcast have the same tables for a
 * while. A step therefore only adds: a table, or a column with a default value, which the statements of the
 * version before neither name nor miss. What is not needed any more is dropped one version later. `worksFrom`
 * says which versions of the tables a server must know at least to go on with the new ones.
 */
import type { Sql, TransactionSql } from "postgres";
import { RoomcastError } from "../../core/errors.ts";

/** Keys of advisory locks, which may be any numbers: "rc" in ASCII, and a count. */
export const lockKey = {
  /** Held by whoever changes the tables. */
  migration: 0x7263_0001,
  /** Shared by what makes chunks be needed, alone by what makes them be deleted. */
  gate: 0x7263_0002,
} as const;

interface Step {
  readonly worksFrom: number;
  readonly sql: string;
}

const steps: readonly Step[] = [
  {
    worksFrom: 1,
    sql: `
      CREATE TABLE change_count (changes bigint NOT NULL);
      INSERT INTO change_count VALUES (0);

      CREATE TABLE image_name (
        folded text PRIMARY KEY, name text NOT NULL, newest integer NOT NULL);
      CREATE TABLE image (
        id text PRIMARY KEY, folded text NOT NULL, version integer NOT NULL,
        fit_size text NOT NULL, fit_of text REFERENCES image ON DELETE CASCADE,
        manifest text NOT NULL, server text NOT NULL, notes text NOT NULL DEFAULT '',
        committed_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (folded, version, fit_size));
      CREATE TABLE image_chunk (
        part smallint NOT NULL, image text NOT NULL REFERENCES image ON DELETE CASCADE,
        hashes bytea NOT NULL, PRIMARY KEY (part, image));
      ALTER TABLE image_chunk ALTER hashes SET STORAGE EXTERNAL;

      CREATE TYPE pack_state AS ENUM ('live', 'going', 'gone');
      CREATE TABLE pack (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name bytea NOT NULL UNIQUE,
        bytes bigint NOT NULL, state pack_state NOT NULL,
        added_at timestamptz NOT NULL DEFAULT now(), since timestamptz NOT NULL);

      CREATE TYPE chunk_state AS ENUM ('live', 'candidate', 'deleting');
      CREATE TABLE chunk (
        sha256 bytea PRIMARY KEY, pack bigint NOT NULL REFERENCES pack,
        record_offset bigint NOT NULL, record_length integer NOT NULL,
        codec smallint NOT NULL, stored_length integer NOT NULL, crc32c bigint NOT NULL,
        state chunk_state NOT NULL, since timestamptz NOT NULL) WITH (fillfactor = 80);
      CREATE INDEX chunk_by_pack ON chunk (pack, state);

      CREATE TABLE writer (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, server text NOT NULL,
        began timestamptz NOT NULL, heard timestamptz NOT NULL);
      CREATE TABLE sweep_lease (
        server text, epoch bigint NOT NULL, until timestamptz NOT NULL);
      INSERT INTO sweep_lease VALUES (NULL, 0, '-infinity');`,
  },
  {
    worksFrom: 1,
    sql: `
      CREATE TABLE server (
        name text PRIMARY KEY, folder text NOT NULL, instance text NOT NULL, address text,
        version text NOT NULL, since timestamptz NOT NULL, heard timestamptz NOT NULL);
      CREATE SEQUENCE room_epoch;
      CREATE TABLE room (
        folded text PRIMARY KEY, name text NOT NULL, server text NOT NULL,
        epoch bigint NOT NULL DEFAULT nextval('room_epoch'), until timestamptz NOT NULL);
      CREATE INDEX room_by_server ON room (server);
      CREATE TABLE room_view (
        server text NOT NULL, folded text NOT NULL, view text NOT NULL, changed bigint NOT NULL,
        PRIMARY KEY (server, folded));
      CREATE TABLE room_view_count (changes bigint NOT NULL);
      INSERT INTO room_view_count VALUES (0);`,
  },
  {
    worksFrom: 1,
    sql: `
      CREATE TYPE order_state AS ENUM ('new', 'taken', 'answered', 'given-up', 'withdrawn');
      CREATE TABLE campus_order (
        id text PRIMARY KEY, origin text NOT NULL, target text NOT NULL,
        operator text NOT NULL, role text NOT NULL, method text NOT NULL, path text NOT NULL,
        body text, state order_state NOT NULL, until timestamptz NOT NULL,
        changed timestamptz NOT NULL, status integer, type text, answer text);
      CREATE INDEX campus_order_to_do ON campus_order (target) WHERE state IN ('new', 'taken');
      CREATE INDEX campus_order_by_age ON campus_order (changed);`,
  },
  {
    worksFrom: 1,
    sql: `
      CREATE SEQUENCE room_move;
      ALTER TABLE room
        ADD move bigint, ADD wanted_by text, ADD wanted_at timestamptz, ADD refusal text,
        ADD given bigint, ADD arriving boolean NOT NULL DEFAULT false;
      CREATE TABLE room_record (
        folded text PRIMARY KEY, server text NOT NULL, epoch bigint NOT NULL,
        record text NOT NULL, told timestamptz NOT NULL);`,
  },
  {
    worksFrom: 1,
    sql: `
      CREATE TABLE campus_history (
        server text NOT NULL, number integer NOT NULL, started timestamptz NOT NULL,
        ended timestamptz NOT NULL, room text, image text, operator text, text text NOT NULL,
        PRIMARY KEY (server, number, started));
      CREATE INDEX campus_history_by_end ON campus_history (ended);`,
  },
  {
    worksFrom: 1,
    sql: `
      CREATE TABLE shared (
        kind text NOT NULL, name text NOT NULL, since text NOT NULL,
        revision bigint NOT NULL, record text, changed bigint NOT NULL,
        PRIMARY KEY (kind, name, since));
      CREATE UNIQUE INDEX shared_live ON shared (kind, name) WHERE record IS NOT NULL;
      CREATE INDEX shared_by_change ON shared (changed);
      CREATE TABLE shared_count (changes bigint NOT NULL);
      INSERT INTO shared_count VALUES (0);`,
  },
];

/** The version of the tables that this roomcast knows. */
export const schemaVersion = steps.length;

/**
 * Brings the tables up to date; several servers may do so at once. Answers their version. Throws `refused` for those of a
 * newer roomcast with which this one cannot work, and `away` where they are not all there, or there are none and
 * `mayBegin` is not set. `stir` is called before each step.
 */
export async function migrate(sql: Sql, mayBegin: boolean, stir: () => void): Promise<number> {
  const found = await versionOf(sql);
  if (found >= schemaVersion) return found;
  if (found === 0 && !mayBegin) throw notThere();
  for (let version = 1; version <= schemaVersion; version++) {
    stir();
    await sql.begin(async (tx) => {
      await tx`SELECT pg_advisory_xact_lock(${lockKey.migration})`;
      if ((await versionOf(tx)) >= version) return;
      const { sql: text, worksFrom } = steps[version - 1] as Step;
      await tx.unsafe(
        version === 1
          ? `CREATE TABLE roomcast_schema (version integer NOT NULL, works_from integer NOT NULL);
             INSERT INTO roomcast_schema VALUES (0, 0); ${text}`
          : text,
      );
      await tx`UPDATE roomcast_schema SET version = ${version}, works_from = ${worksFrom}`;
    });
  }
  return schemaVersion;
}

/** Their version, 0 where there are none, and nothing is changed. Throws as `migrate`, and where it could not change them. */
export async function lookAtTables(sql: Sql): Promise<number> {
  const [rights] = await sql<[{ is_free: boolean; may_write: boolean | null }]>`
    SELECT has_schema_privilege(current_schema(), 'CREATE') AS is_free,
      (SELECT bool_and(has_table_privilege(format('%I', tablename), 'INSERT'))
       FROM pg_tables WHERE schemaname = current_schema()
         AND tablename IN ('roomcast_schema', 'image', 'chunk', 'pack')) AS may_write`;
  if (rights.may_write === false) throw lacksRight("may not write into its tables");
  const version = await versionOf(sql);
  if (version < schemaVersion && !rights.is_free) throw lacksRight("may make no tables in it");
  return version;
}

const lacksRight = (what: string): RoomcastError =>
  new RoomcastError(
    "refused",
    `the user of the campus's database ${what}`,
    "make that user the owner of the database: ALTER DATABASE roomcast OWNER TO roomcast",
  );

/** Throws `away` where everything can be read and nothing written. */
export async function requireWritable(sql: Sql): Promise<void> {
  const [{ is_read_only: isReadOnly }] = await sql<[{ is_read_only: boolean }]>`
    SELECT current_setting('transaction_read_only') = 'on' AS is_read_only`;
  if (!isReadOnly) return;
  throw new RoomcastError(
    "away",
    "it is read-only: is it a standby, or is its disk full?",
    "let it take changes again; nothing has to be done here then",
  );
}

/** Tables that a server makes in a database which is about to be restored get in the way of the backup's. */
const notThere = (): RoomcastError =>
  new RoomcastError(
    "away",
    "it has no tables: is its backup still to be restored? A server makes them only when it starts",
    "restore the backup; where there is none, start this server again",
  );

const notWhole = (): RoomcastError =>
  new RoomcastError(
    "away",
    "its tables are not all there: is it being restored?",
    "wait for the end of that; where it has failed, restore the backup again, into an empty database",
  );

/** Of the tables; 0: there are none. */
async function versionOf(sql: Sql | TransactionSql): Promise<number> {
  // Not by `to_regclass`: what that knows may be older than the lock.
  const [found] = await sql<[{ is_begun: boolean; is_whole: boolean }]>`
    SELECT
      EXISTS (SELECT FROM pg_tables
        WHERE tablename = 'roomcast_schema' AND schemaname = current_schema()) AS is_begun,
      -- PostgreSQL's tools restore foreign keys last: after all rows, and all that keeps rows unique.
      EXISTS (SELECT FROM pg_constraint JOIN pg_namespace ON pg_namespace.oid = connamespace
        WHERE conname = 'chunk_pack_fkey' AND nspname = current_schema()) AS is_whole`;
  if (!found.is_begun) return 0;
  const [row] = await sql<{ version: number; works_from: number }[]>`
    SELECT version, works_from FROM roomcast_schema`;
  if (row === undefined) throw notWhole();
  const { version, works_from: worksFrom } = row;
  if (worksFrom <= schemaVersion) {
    if (!found.is_whole) throw notWhole();
    return version;
  }
  throw new RoomcastError(
    "refused",
    `the campus's database is of a newer roomcast: its tables have version ${version}, this one knows ${schemaVersion}`,
    "bring this server up to date, as the other servers of the campus are",
  );
}
