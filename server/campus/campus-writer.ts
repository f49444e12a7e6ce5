/** One server's writing of one image, in PostgreSQL. */
import type { TransactionSql } from "postgres";
import type { Manifest } from "../../core/image/types.ts";
import { canonicalJson } from "../../core/units/canonical-json.ts";
import { foldedName } from "../../core/wire/names.ts";
import { about, channel, type Database, type TransactionWork } from "./database.ts";
import { sqlState, state } from "./database-faults.ts";
import {
  batchesOf,
  batchHashes,
  countStates,
  hashBytes,
  hashRows,
  moveChunks,
  packRow,
  placeRows,
  placesByHash,
  placesIn,
  shareGate,
} from "./hash-rows.ts";
import type { CampusPack, CampusPlace, CampusWriter } from "./ports.ts";
import {
  alreadyThere,
  chunksLacking,
  noSuchImage,
  packGoing,
  writerEnded,
} from "./registry-faults.ts";
import { sweepParts } from "./sweep.ts";

/** What a writer is made of. */
export interface WriterPorts {
  readonly database: Database;
  readonly server: string;
  readonly id: string;
  /** An image was committed. */
  changed(): void;
  ended(): void;
}

/** A writer whose row is there. */
export class PgWriter implements CampusWriter {
  private readonly ports: WriterPorts;

  constructor(ports: WriterPorts) {
    this.ports = ports;
  }

  async hold(hashes: Uint8Array): Promise<(CampusPlace | null)[]> {
    const all: (CampusPlace | null)[] = [];
    for (const batch of batchesOf(hashes)) {
      const held = await this.transact("hold", async (tx) => {
        const { places, hasCandidates } = await placesIn(tx, batch);
        if (hasCandidates) await takeBack(tx, batch);
        return places;
      });
      for (const place of held) all.push(place);
    }
    return all;
  }

  addPack(pack: CampusPack, insteadOf: readonly string[] = []): Promise<void> {
    return this.transact("addPack", async (tx, stir) => {
      const id = await packRow(tx, pack);
      if (id === undefined) throw packGoing(pack.name);
      for (const { places, hashes } of placesByHash(pack)) {
        stir();
        await this.insertChunks(tx, id, places, hashes);
        // What another writer put meanwhile keeps its place, and this one counts on it.
        if ((await countStates(tx, hashes)).candidates > 0) await takeBack(tx, hashes);
      }
      if (insteadOf.length > 0) await moveChunks(tx, { id, pack }, insteadOf, stir);
    });
  }

  async commit(manifest: Manifest, hashes: Uint8Array): Promise<void> {
    const { id, version, fitSize = "", fitOf = null } = manifest;
    const folded = foldedName(manifest.name);
    try {
      await this.transact("commit", async (tx, stir) => {
        await tx`
          INSERT INTO image (id, folded, version, fit_size, fit_of, manifest, server)
          VALUES (${id}, ${folded}, ${version}, ${fitSize}, ${fitOf}, ${canonicalJson(manifest)},
            ${this.ports.server})`;
        await this.nameChunks(tx, manifest, hashes, stir);
        await tx`
          INSERT INTO image_name VALUES (${folded}, ${manifest.name}, ${version})
          ON CONFLICT (folded) DO UPDATE SET newest = greatest(image_name.newest, excluded.newest)`;
        await countChange(tx);
      });
    } catch (error) {
      if (sqlState(error) === state.uniqueViolation) throw alreadyThere(manifest);
      if (sqlState(error) === state.foreignKeyViolation) throw noSuchImage(fitOf ?? id);
      throw error;
    }
    this.ports.changed();
  }

  async end(): Promise<void> {
    this.ports.ended();
    await this.ports.database.run(
      "end",
      (sql) => sql`DELETE FROM writer WHERE id = ${this.ports.id}`,
    );
  }

  /** While no sweep deletes anything, and this writer is known. */
  private transact<T>(doing: string, work: TransactionWork<T>): Promise<T> {
    return this.ports.database.transact(doing, async (tx, stir) => {
      await shareGate(tx);
      const heard = await tx`
        UPDATE writer SET heard = statement_timestamp() WHERE id = ${this.ports.id}`;
      if (heard.count !== 1) throw writerEnded();
      return work(tx, stir);
    });
  }

  private async insertChunks(
    tx: TransactionSql,
    packId: string,
    places: readonly CampusPlace[],
    hashes: Uint8Array,
  ): Promise<void> {
    await tx`
      INSERT INTO chunk
      SELECT DISTINCT ON (sha256) sha256, ${packId}::bigint, record_offset, record_length, codec,
        stored_length, crc32c, 'live'::chunk_state, statement_timestamp()
      FROM ${hashRows(tx, hashes)} AS hashes
        JOIN ${placeRows(tx, places)} ON ordinal = n + 1
      ORDER BY sha256
      ON CONFLICT (sha256) DO UPDATE SET
        pack = excluded.pack, record_offset = excluded.record_offset,
        record_length = excluded.record_length, codec = excluded.codec,
        stored_length = excluded.stored_length, crc32c = excluded.crc32c,
        state = excluded.state, since = excluded.since
      WHERE chunk.state = 'deleting'`;
  }

  /** Throws when one is not there. */
  private async nameChunks(
    tx: TransactionSql,
    manifest: Manifest,
    hashes: Uint8Array,
    stir: () => void,
  ): Promise<void> {
    let lacking = 0;
    for (const batch of partsOf(hashes)) {
      stir();
      const found = await countStates(tx, batch);
      lacking += found.lacking;
      if (found.candidates > 0) await takeBack(tx, batch);
      await tx`
        INSERT INTO image_chunk (part, image, hashes)
        SELECT get_byte(sha256, 0), ${manifest.id}, string_agg(DISTINCT sha256, ''::bytea ORDER BY sha256)
        FROM ${hashRows(tx, batch)} AS rows GROUP BY 1`;
    }
    if (lacking > 0) throw chunksLacking(manifest, lacking);
  }
}

/** Chunks that a sweep may delete soon are needed again; in the order of their hashes, as all lock them. */
async function takeBack(tx: TransactionSql, hashes: Uint8Array): Promise<void> {
  await tx`
    WITH candidates AS (
      SELECT sha256 FROM chunk
      WHERE sha256 IN (SELECT sha256 FROM ${hashRows(tx, hashes)} AS wanted) AND state = 'candidate'
      ORDER BY sha256 FOR UPDATE)
    UPDATE chunk SET state = 'live', since = statement_timestamp()
    FROM candidates WHERE chunk.sha256 = candidates.sha256`;
}

/** Hashes by their first byte, in batches that hold all of some first bytes. */
function* partsOf(hashes: Uint8Array): Generator<Uint8Array> {
  const ends = new Uint32Array(sweepParts + 1);
  for (let at = 0; at < hashes.length; at += hashBytes) {
    const next = (hashes[at] as number) + 1;
    ends[next] = (ends[next] as number) + 1;
  }
  for (let part = 0; part < sweepParts; part++) {
    ends[part + 1] = (ends[part + 1] as number) + (ends[part] as number);
  }
  const free = Uint32Array.from(ends);
  const sorted = new Uint8Array(hashes.length);
  for (let at = 0; at < hashes.length; at += hashBytes) {
    const part = hashes[at] as number;
    const place = free[part] as number;
    sorted.set(hashes.subarray(at, at + hashBytes), place * hashBytes);
    free[part] = place + 1;
  }
  let start = 0;
  for (let part = 1; part <= sweepParts; part++) {
    const end = ends[part] as number;
    const isLast = part === sweepParts;
    if (end > start && (isLast || (ends[part + 1] as number) - start > batchHashes)) {
      yield sorted.subarray(start * hashBytes, end * hashBytes);
      start = end;
    }
  }
}

/** Tells all servers that images have changed, at the end of the transaction. */
export async function countChange(tx: TransactionSql): Promise<void> {
  await tx`UPDATE change_count SET changes = changes + 1`;
  await tx`SELECT pg_notify(${channel}, ${about.images})`;
}
