/** Chunks by their hashes in bulk: what the registry's statements have in common. */
import type { Fragment, Sql, TransactionSql } from "postgres";
import type { Codec } from "../../core/image/types.ts";
import { lockKey } from "./database-schema.ts";
import type { CampusPack, CampusPlace } from "./ports.ts";

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

/** A table of the places that go with hashes, by `ordinal`, counted from 1. */
export const placeRows = (tx: TransactionSql, places: readonly CampusPlace[]): Fragment => {
  const column = (value: (place: CampusPlace) => number): Fragment =>
    numbers(tx, places.map(value));
  return tx`
    unnest(
      ${column(({ offset }) => offset)}, ${column(({ length }) => length)},
      ${column(({ entry }) => entry.codec)}, ${column(({ entry }) => entry.storedLength)},
      ${column(({ entry }) => entry.crc32c)}
    ) WITH ORDINALITY AS places
      (record_offset, record_length, codec, stored_length, crc32c, ordinal)`;
};

/** The places of a pack and their hashes, in batches and in the order of the hashes, in which all transactions lock chunks. */
export function* placesByHash(
  pack: CampusPack,
): Generator<{ readonly places: readonly CampusPlace[]; readonly hashes: Uint8Array }> {
  const sorted = pack.places.toSorted((one, other) =>
    Buffer.compare(one.entry.sha256, other.entry.sha256),
  );
  for (let at = 0; at < sorted.length; at += batchHashes) {
    const places = sorted.slice(at, at + batchHashes);
    yield { places, hashes: Buffer.concat(places.map(({ entry }) => entry.sha256)) };
  }
}

/** The row of a pack that is in the storage; undefined: one of its name is going, or was a short while ago. */
export async function packRow(tx: TransactionSql, pack: CampusPack): Promise<string | undefined> {
  const [row] = await tx<{ id: string }[]>`
    INSERT INTO pack (name, bytes, state, since)
    VALUES (decode(${pack.name}, 'hex'), ${pack.bytes}, 'live', statement_timestamp())
    ON CONFLICT (name) DO UPDATE SET since = excluded.since WHERE pack.state = 'live'
    RETURNING id`;
  return row?.id;
}

/** Chunks of a pack that are looked for in all images by one statement: some tenths of a second with 300 images. */
const soughtAtOnce = 128;

/** The ids of the images that name a chunk which is in a pack. */
export async function imagesOfPack(
  sql: Sql | TransactionSql,
  packId: string,
  stir: () => void,
): Promise<string[]> {
  const images = new Set<string>();
  for (let after = ""; ; stir()) {
    const rows = await sql<{ image: string | null; last: string }[]>`
      WITH sought AS MATERIALIZED (
        SELECT sha256, get_byte(sha256, 0) AS part FROM chunk
        WHERE pack = ${packId}::bigint AND state <> 'deleting'
          AND sha256 > decode(${after}, 'hex')
        ORDER BY sha256 LIMIT ${soughtAtOnce}),
      named AS (
        SELECT DISTINCT image FROM sought JOIN image_chunk USING (part)
        WHERE position(sha256 IN hashes) > 0)
      SELECT image, last FROM
        (SELECT encode(sha256, 'hex') AS last FROM sought ORDER BY sha256 DESC LIMIT 1) AS ends
        LEFT JOIN named ON true`;
    const [first] = rows;
    if (first === undefined) return [...images];
    for (const { image } of rows) if (image !== null) images.add(image);
    after = first.last;
  }
}

/**
 * Chunks that are in the packs `from`, and not being deleted, are in this one from now on. The packs' day begins anew: who
 * was told of a place there may still read it.
 */
export async function moveChunks(
  tx: TransactionSql,
  { id, pack }: { readonly id: string; readonly pack: CampusPack },
  from: readonly string[],
  stir: () => void,
): Promise<void> {
  const names = tx`
    (SELECT decode(name, 'hex') FROM unnest(${`{${from.join(",")}}`}::text::text[]) AS name)`;
  for (const { places, hashes } of placesByHash(pack)) {
    stir();
    await tx`
      WITH moved AS (
        SELECT chunk.sha256, places.* FROM ${hashRows(tx, hashes)} AS hashes
        JOIN ${placeRows(tx, places)} ON ordinal = n + 1
        JOIN chunk ON chunk.sha256 = hashes.sha256
        JOIN pack ON pack.id = chunk.pack
        WHERE chunk.state <> 'deleting' AND pack.name IN ${names}
        ORDER BY chunk.sha256 FOR UPDATE OF chunk)
      UPDATE chunk SET pack = ${id}::bigint, record_offset = moved.record_offset,
        record_length = moved.record_length, codec = moved.codec,
        stored_length = moved.stored_length, crc32c = moved.crc32c
      FROM moved WHERE chunk.sha256 = moved.sha256`;
  }
  await tx`UPDATE pack SET since = statement_timestamp() WHERE name IN ${names}`;
}

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
