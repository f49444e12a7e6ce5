/**
 * Mark and sweep: which stored chunks and packs no image needs. What images need is kept on the disk
 * (`live-keys.ts`), so that memory does not grow with the store.
 */
import type { DatabaseSync } from "node:sqlite";
import { indexEntryBytes } from "../../core/image/types.ts";
import { type ChunkRow, placeOf } from "./catalogue.ts";
import { LiveKeys } from "./live-keys.ts";
import type { ChunkPlace } from "./packs.ts";

/** Hashes that are marked or looked up before other work has its turn: some milliseconds. */
const stepRows = 1024;

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
  using live = new LiveKeys(db);
  const stepBytes = stepRows * indexEntryBytes;
  for await (const index of indexes) {
    for (let start = 0; start < index.length; start += stepBytes) {
      live.add(index.subarray(start, start + stepBytes));
      await pause();
    }
  }
  const packs = new Set<number>();
  let hasDead = false;
  for await (const rows of rowsOf(db, pause)) {
    for (const { sha256, pack } of rows) {
      if (live.has(sha256)) packs.add(pack);
      else hasDead = true;
    }
  }
  yield { type: "live-packs", packs: [...packs].sort((one, other) => one - other) };
  if (!hasDead) return;
  for await (const rows of rowsOf(db, pause)) {
    const places = rows.flatMap((row) => (live.has(row.sha256) ? [] : [placeOf(row)]));
    if (places.length > 0) yield { type: "dead", places };
  }
}

async function* rowsOf(
  db: DatabaseSync,
  pause: () => Promise<void>,
): AsyncGenerator<readonly ChunkRow[]> {
  const select = db.prepare(
    `SELECT * FROM chunk WHERE sha256 > ? ORDER BY sha256 LIMIT ${stepRows}`,
  );
  let last = new Uint8Array();
  for (;;) {
    const rows = select.all(last) as unknown as ChunkRow[];
    const [end] = rows.slice(-1);
    if (end === undefined) return;
    last = new Uint8Array(end.sha256);
    yield rows;
    await pause();
  }
}
