/** Chunks by their hashes in bulk: what the registry's statements have in common. */
import type { Fragment, Sql, TransactionSql } from "postgres";
import type { Codec } from "../../core/image/types.ts";
import { lockKey } from "./database-schema.ts";
import type { CampusPlace } from "./ports.ts";

/** Of SHA-256. */
export const hashBytes = 32;
/** Hashes in a statement: some 300 KB on the way, and some milliseconds in the database. */
export const batchHashes = 4096;

/** How many hashes these are. */
export const hashCount = (hashes: Uint8Array): number => hashes.length / hashBytes;

/** Hashes in parts of `batchHashes`, which share the memory. */
export function* batchesOf(hashes: Uint8Array): Generator<Uint8Array> {
  const step = batchHashes * hashBytes;
  for (let at = 0; at < hashes.length; at += step) yield hashes.subarray(at, at + step);
}

/** A table of `n`, counted from 0, and `sha256`: one value on the way, where an array would be thousands. */
export const hashRows = (sql: Sql | TransactionSql, hashes: Uint8Array): Fragment => sql`
  (SELECT n, substring(${hashes}::bytea FROM ${hashBytes} * n + 1 FOR ${hashBytes}) AS sha256
   FROM generate_series(0, ${hashCount(hashes) - 1}::integer) AS n)`;

/** A column of numbers as PostgreSQL writes an array. */
export const numbers = (sql: TransactionSql, values: readonly number[]): Fragment =>
  sql`${`{${values.join(",")}}`}::text::bigint[]`;

/** Until the transaction ends nothing is deleted by a sweep. The statements after this one see what sweeps did. */
export async function shareGate(tx: TransactionSql): Promise<void> {
  await tx`SELECT pg_advisory_xact_lock_shared(${lockKey.gate})`;
}

/** One batch: where each chunk is; null: it is not there, or is being deleted. */
export async function placesIn(
  sql: Sql | TransactionSql,
  hashes: Uint8Array,
): Promise<(CampusPlace | null)[]> {
  const places = new Array<CampusPlace | null>(hashCount(hashes)).fill(null);
  const rows = await sql<PlaceRow[]>`
    SELECT n, encode(pack.name, 'hex') AS pack, record_offset, record_length,
      codec, stored_length, crc32c
    FROM ${hashRows(sql, hashes)} AS wanted JOIN chunk USING (sha256) JOIN pack ON pack.id = chunk.pack
    WHERE chunk.state <> 'deleting'`;
  for (const row of rows) {
    const at = row.n * hashBytes;
    places[row.n] = {
      pack: row.pack,
      offset: Number(row.record_offset),
      length: row.record_length,
      entry: {
        chunkIndex: 0,
        codec: row.codec as Codec,
        storedLength: row.stored_length,
        crc32c: Number(row.crc32c),
        sha256: new Uint8Array(hashes.subarray(at, at + hashBytes)),
      },
    };
  }
  return places;
}

interface PlaceRow {
  readonly n: number;
  readonly pack: string;
  /** What PostgreSQL calls bigint comes as text. */
  readonly record_offset: string;
  readonly record_length: number;
  readonly codec: number;
  readonly stored_length: number;
  readonly crc32c: string;
}
