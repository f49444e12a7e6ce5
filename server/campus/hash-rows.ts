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

/**
 * One batch, with the chunks that are there. LATERAL and LIMIT make PostgreSQL look each one up: by its
 * own estimate it reads the whole table of chunks until that is far larger.
 */
const foundRows = (sql: Sql | TransactionSql, hashes: Uint8Array): Fragment => sql`
  ${hashRows(sql, hashes)} AS wanted LEFT JOIN LATERAL (
    SELECT pack, record_offset, record_length, codec, stored_length, crc32c, state
    FROM chunk WHERE chunk.sha256 = wanted.sha256 LIMIT 1) AS found ON true`;

/** One batch: how many chunks are not there or are being deleted, and how many may be deleted soon. */
export async function countStates(
  tx: TransactionSql,
  hashes: Uint8Array,
): Promise<{ readonly lacking: number; readonly candidates: number }> {
  const [counts] = await tx<[{ lacking: number; candidates: number }]>`
    SELECT
      count(DISTINCT sha256) FILTER (WHERE state IS NULL OR state = 'deleting')::integer AS lacking,
      count(DISTINCT sha256) FILTER (WHERE state = 'candidate')::integer AS candidates
    FROM ${foundRows(tx, hashes)}`;
  return counts;
}

/** One batch: where each chunk is; null: it is not there, or is being deleted. */
export async function placesIn(
  sql: Sql | TransactionSql,
  hashes: Uint8Array,
): Promise<{ readonly places: (CampusPlace | null)[]; readonly hasCandidates: boolean }> {
  const places = new Array<CampusPlace | null>(hashCount(hashes)).fill(null);
  let hasCandidates = false;
  const rows = await sql<PlaceRow[]>`
    SELECT n, encode(pack.name, 'hex') AS pack, record_offset, record_length,
      codec, stored_length, crc32c, found.state
    FROM ${foundRows(sql, hashes)} JOIN pack ON pack.id = found.pack
    WHERE found.state <> 'deleting'`;
  for (const row of rows) {
    hasCandidates ||= row.state === "candidate";
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
  return { places, hasCandidates };
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
  readonly state: "live" | "candidate";
}
