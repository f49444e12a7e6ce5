/**
 * Mark and sweep: which stored chunks and packs no image needs. What images need is marked in a table that
 * SQLite keeps on the disk, so that memory does not grow with the store.
 */
import type { DatabaseSync } from "node:sqlite";
import { hashAt } from "../../core/image/index-codec.ts";
import { indexEntryBytes } from "../../core/image/types.ts";
import { type ChunkRow, placeOf } from "./catalogue.ts";
import type { ChunkPlace } from "./packs.ts";

/** Hashes that are marked or looked up before other work has its turn: some milliseconds. */
const stepRows = 1024;
/** Of the table of marks, in KiB of memory. */
const cacheKib = 32 * 1024;

/** What a sweep learns, in this order. */
export type SweepStep =
  /** Of what is alive: every other pack may go whole. */
  | { readonly type: "live-packs"; readonly packs: readonly number[] }
  /** Chunks that no image needs, a part of them. */
  | { readonly type: "dead"; readonly places: readonly ChunkPlace[] };

/** Looks for what is dead in the catalogue `db`. Other work has its turn (`pause`) after each step. */
export async function* findDead(
  db: DatabaseSync,
  indexes: AsyncIterable<Uint8Array>,
  pause: () => Promise<void>,
): AsyncGenerator<SweepStep> {
  // The journal's mode is that of a database which is there: of the temporary one with its first table.
  db.exec(`PRAGMA temp.cache_size = -${cacheKib};
    DROP TABLE IF EXISTS temp.live;
    CREATE TEMP TABLE live (sha256 BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
    PRAGMA temp.journal_mode = MEMORY`);
  try {
    await mark(db, indexes, pause);
    const packs = new Set<number>();
    let hasDead = false;
    for await (const rows of rowsOf(db, pause)) {
      for (const { isLive, pack } of rows) {
        if (isLive) packs.add(pack);
        else hasDead = true;
      }
    }
    yield { type: "live-packs", packs: [...packs].sort((one, other) => one - other) };
    if (!hasDead) return;
    for await (const rows of rowsOf(db, pause)) {
      const places = rows.flatMap((row) => (row.isLive ? [] : [placeOf(row)]));
      if (places.length > 0) yield { type: "dead", places };
    }
  } finally {
    db.exec("DROP TABLE temp.live");
  }
}

async function mark(
  db: DatabaseSync,
  indexes: AsyncIterable<Uint8Array>,
  pause: () => Promise<void>,
): Promise<void> {
  const insert = db.prepare("INSERT OR IGNORE INTO temp.live VALUES (?)");
  const stepBytes = stepRows * indexEntryBytes;
  for await (const index of indexes) {
    for (let start = 0; start < index.length; start += stepBytes) {
      db.exec("BEGIN");
      const end = Math.min(start + stepBytes, index.length);
      for (let at = start; at < end; at += indexEntryBytes) insert.run(hashAt(index, at));
      db.exec("COMMIT");
      await pause();
    }
  }
}

interface MarkedRow extends ChunkRow {
  readonly isLive: number;
}

async function* rowsOf(
  db: DatabaseSync,
  pause: () => Promise<void>,
): AsyncGenerator<readonly MarkedRow[]> {
  const select = db.prepare(`SELECT chunk.*, live.sha256 IS NOT NULL AS isLive
    FROM chunk LEFT JOIN temp.live ON live.sha256 = chunk.sha256
    WHERE chunk.sha256 > ? ORDER BY chunk.sha256 LIMIT ${stepRows}`);
  let last = new Uint8Array();
  for (;;) {
    const rows = select.all(last) as unknown as MarkedRow[];
    const [end] = rows.slice(-1);
    if (end === undefined) return;
    last = new Uint8Array(end.sha256);
    yield rows;
    await pause();
  }
}
