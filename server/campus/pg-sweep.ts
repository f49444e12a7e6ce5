/** The sweep's steps in PostgreSQL: each is one transaction, under the lease, and by the database's clock. */
import type { Fragment, TransactionSql } from "postgres";
import type { Codec } from "../../core/image/types.ts";
import type { Database, TransactionWork } from "./database.ts";
import { lockKey } from "./database-schema.ts";
import { hashBytes, moveChunks, packRow, shareGate } from "./hash-rows.ts";
import type { CampusPack, CampusPlace } from "./ports.ts";
import { chunksForgotten, leaseLost } from "./registry-faults.ts";
import { agoMs, inMs } from "./sql-pieces.ts";
import type {
  CondemnedPack,
  HalfDead,
  HalfDeadPack,
  MarkedChunks,
  SweepLease,
  SweepTables,
  SweepTimes,
} from "./sweep.ts";
import { sweepParts } from "./sweep.ts";

/** The registry's tables, as one server's sweep sees them. */
export class PgSweepTables implements SweepTables {
  private readonly database: Database;
  private readonly server: string;
  private readonly times: SweepTimes;

  constructor(database: Database, server: string, times: SweepTimes) {
    this.database = database;
    this.server = server;
    this.times = times;
  }

  async takeLease(): Promise<SweepLease | null> {
    const [row] = await this.database.run(
      "takeLease",
      (sql) => sql<{ epoch: string }[]>`
        UPDATE sweep_lease SET server = ${this.server}, epoch = epoch + 1,
          until = ${inMs(sql, this.times.leaseMs)}
        WHERE until < statement_timestamp() RETURNING epoch`,
    );
    return row === undefined ? null : new PgLease(this.database, row.epoch, this.times);
  }
}

/** Packs that are looked at in one step: 4 GB, whose chunks are read in some ten milliseconds. */
const lookedAt = 64;

/** Of one epoch: another server's lease has a later one. */
class PgLease implements SweepLease {
  private readonly database: Database;
  private readonly epoch: string;
  private readonly times: SweepTimes;

  constructor(database: Database, epoch: string, times: SweepTimes) {
    this.database = database;
    this.epoch = epoch;
    this.times = times;
  }

  async dropOld(): Promise<void> {
    const { writerMs, nameMs } = this.times;
    await this.step("dropOld", async (tx) => {
      await tx`DELETE FROM writer WHERE heard < ${agoMs(tx, writerMs)}`;
      await tx`DELETE FROM pack WHERE state = 'gone' AND since < ${unused(tx, nameMs)}`;
    });
  }

  mark(part: number): Promise<MarkedChunks | null> {
    const low = Buffer.of(part);
    const high = part === sweepParts - 1 ? null : Buffer.of(part + 1);
    return this.alone("mark", async (tx) => {
      await requirePlaces(tx, part);
      // An image's hashes of this part are one value, which is unpacked once: `||` makes it so, and OFFSET keeps it.
      const [row] = await tx<[MarkedChunks]>`
        WITH named AS MATERIALIZED (
          SELECT substring(hashes FROM ${hashBytes} * n + 1 FOR ${hashBytes}) AS sha256
          FROM (SELECT hashes || ''::bytea AS hashes FROM image_chunk WHERE part = ${part} OFFSET 0)
              AS parts, generate_series(0, length(hashes) / ${hashBytes} - 1) AS n),
        marked AS (
          UPDATE chunk SET since = statement_timestamp(),
            state = CASE state WHEN 'live' THEN 'candidate' ELSE 'deleting' END::chunk_state
          WHERE sha256 >= ${low}::bytea
            AND (${high}::bytea IS NULL OR sha256 < ${high}::bytea)
            AND state <> 'deleting' AND since < ${unused(tx, this.times.graceMs)}
            AND NOT EXISTS (SELECT FROM named WHERE named.sha256 = chunk.sha256)
          RETURNING state)
        SELECT count(*) FILTER (WHERE state = 'candidate')::integer AS candidates,
          count(*) FILTER (WHERE state = 'deleting')::integer AS deleted
        FROM marked`;
      return row;
    });
  }

  condemn(limit: number): Promise<CondemnedPack[] | null> {
    return this.alone("condemn", async (tx) => {
      await tx`
        UPDATE pack SET state = 'going', since = statement_timestamp()
        WHERE id IN (
          SELECT id FROM pack
          WHERE state = 'live' AND since < ${unused(tx, this.times.graceMs)}
            AND NOT EXISTS (
              SELECT FROM chunk WHERE chunk.pack = pack.id AND chunk.state <> 'deleting')
          LIMIT ${limit})`;
      const packs = await tx<{ name: string; bytes: string }[]>`
        SELECT encode(name, 'hex') AS name, bytes FROM pack WHERE state = 'going' LIMIT ${limit}`;
      return packs.map(({ name, bytes }) => ({ name, bytes: Number(bytes) }));
    });
  }

  async forget(pack: string): Promise<void> {
    await this.step("forget", async (tx) => {
      await tx`
        DELETE FROM chunk WHERE state = 'deleting' AND chunk.pack =
          (SELECT id FROM pack WHERE name = decode(${pack}, 'hex') AND state = 'going')`;
      await tx`
        UPDATE pack SET state = 'gone', since = statement_timestamp()
        WHERE name = decode(${pack}, 'hex') AND state = 'going'`;
    });
  }

  halfDead(after: string | null): Promise<HalfDead> {
    return this.step("halfDead", async (tx) => {
      const looked = await tx<{ id: string; is_half_dead: boolean }[]>`
        SELECT pack.id, pack.state = 'live' AND pack.since < ${agoMs(tx, this.times.graceMs)}
          AND alive.bytes > 0 AND 2 * alive.bytes < pack.bytes AS is_half_dead
        FROM (SELECT * FROM pack WHERE id > ${after ?? "0"}::bigint ORDER BY id LIMIT ${lookedAt})
          AS pack, LATERAL (
            SELECT coalesce(sum(record_length), 0) AS bytes FROM chunk
            WHERE chunk.pack = pack.id AND chunk.state <> 'deleting') AS alive
        ORDER BY pack.id`;
      const packs: HalfDeadPack[] = [];
      for (const { id, is_half_dead: isHalfDead } of looked)
        if (isHalfDead) packs.push(await livingIn(tx, id));
      const last = looked.at(-1)?.id ?? null;
      return { packs, next: looked.length < lookedAt ? null : last };
    });
  }

  move(pack: CampusPack, from: readonly string[]): Promise<boolean> {
    return this.step("move", async (tx, stir) => {
      // Shared: nothing is deleted by it, and writers may go on.
      await shareGate(tx);
      const id = await packRow(tx, pack);
      if (id === undefined) return false;
      await moveChunks(tx, { id, pack }, from, stir);
      return true;
    });
  }

  renew(): Promise<void> {
    return this.step("renew", async () => {});
  }

  async end(): Promise<void> {
    await this.database.run(
      "end",
      (sql) => sql`UPDATE sweep_lease SET until = '-infinity' WHERE epoch = ${this.epoch}`,
    );
  }

  /** While nobody writes; null: somebody does. It does not wait for them, since others would wait behind it. */
  private alone<T>(doing: string, work: (tx: TransactionSql) => Promise<T>): Promise<T | null> {
    return this.step(doing, async (tx) => {
      const [gate] = await tx`SELECT pg_try_advisory_xact_lock(${lockKey.gate}) AS is_mine`;
      return gate?.is_mine === true ? work(tx) : null;
    });
  }

  private step<T>(doing: string, work: TransactionWork<T>): Promise<T> {
    return this.database.transact(doing, async (tx, stir) => {
      const renewed = await tx`
        UPDATE sweep_lease SET until = ${inMs(tx, this.times.leaseMs)}
        WHERE epoch = ${this.epoch} AND until > statement_timestamp()`;
      if (renewed.count !== 1) throw leaseLost();
      return work(tx, stir);
    });
  }
}

/**
 * Throws where an image names a chunk that has no place. One chunk of each image is looked up: a table that was not
 * restored lacks all of them, and a sweep marks in all parts before it removes anything.
 */
async function requirePlaces(tx: TransactionSql, part: number): Promise<void> {
  const [row] = await tx<{ image: string }[]>`
    SELECT image FROM image_chunk LEFT JOIN LATERAL (
      SELECT true AS is_there FROM chunk
      WHERE sha256 = substring(hashes FROM 1 FOR ${hashBytes}) LIMIT 1) AS found ON true
    WHERE part = ${part} AND is_there IS NULL LIMIT 1`;
  if (row !== undefined) throw chunksForgotten(row.image);
}

/** Before that, and before all writers that are open began: `min` of no writer is null, which `least` passes over. */
const unused = (tx: TransactionSql, ms: number): Fragment =>
  tx`least(${agoMs(tx, ms)}, (SELECT min(began) FROM writer))`;

/** What lives in a pack, in the order in which it lies there. */
async function livingIn(tx: TransactionSql, id: string): Promise<HalfDeadPack> {
  const [pack] = await tx<[{ name: string }]>`
    SELECT encode(name, 'hex') AS name FROM pack WHERE id = ${id}::bigint`;
  const rows = await tx<LivingRow[]>`
    SELECT sha256, record_offset, record_length, codec, stored_length, crc32c FROM chunk
    WHERE pack = ${id}::bigint AND state <> 'deleting' ORDER BY record_offset`;
  const places = rows.map(
    (row): CampusPlace => ({
      ...{ pack: pack.name, offset: Number(row.record_offset), length: row.record_length },
      entry: {
        ...{ chunkIndex: 0, codec: row.codec as Codec, storedLength: row.stored_length },
        ...{ crc32c: Number(row.crc32c), sha256: new Uint8Array(row.sha256) },
      },
    }),
  );
  return { name: pack.name, places };
}

interface LivingRow {
  readonly sha256: Uint8Array;
  /** What PostgreSQL calls bigint comes as text. */
  readonly record_offset: string;
  readonly record_length: number;
  readonly codec: number;
  readonly stored_length: number;
  readonly crc32c: string;
}
