/** Where each stored chunk is. It can be lost: the packs say the same (`openCatalogue` then reads them). */
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Form } from "../../core/image/forms.ts";
import type { Codec } from "../../core/image/types.ts";
import { checkBeside, openingStopped } from "./catalogue-beside.ts";
import { isUnreadable, storeError } from "./faults.ts";
import { type ChunkPlace, isSamePlace, type Packs } from "./packs.ts";

const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA busy_timeout = 5000;
  CREATE TABLE IF NOT EXISTS chunk (
    sha256 BLOB PRIMARY KEY, pack INTEGER NOT NULL, offset INTEGER NOT NULL,
    codec INTEGER NOT NULL, storedLength INTEGER NOT NULL, crc32c INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS packed (sha256 BLOB PRIMARY KEY, level INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS damaged (sha256 BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS complete (yes INTEGER PRIMARY KEY) STRICT;
  CREATE TABLE IF NOT EXISTS swept (yes INTEGER PRIMARY KEY) STRICT;
  CREATE TABLE IF NOT EXISTS closed (yes INTEGER PRIMARY KEY) STRICT;
  CREATE TABLE IF NOT EXISTS erasing (
    sha256 BLOB NOT NULL, pack INTEGER NOT NULL, offset INTEGER NOT NULL,
    codec INTEGER NOT NULL, storedLength INTEGER NOT NULL, crc32c INTEGER NOT NULL
  ) STRICT;
`;

/** A row of the table `chunk`. */
export interface ChunkRow {
  readonly sha256: Uint8Array;
  readonly pack: number;
  readonly offset: number;
  readonly codec: number;
  readonly storedLength: number;
  readonly crc32c: number;
}

/** How a chunk is stored: of its row, as an array. */
type FormRow = [codec: number, storedLength: number, crc32c: number];

export class Catalogue {
  private readonly db: DatabaseSync;
  private readonly select;
  private readonly selectForm;
  private readonly insert;
  private readonly remove;
  private readonly selectDamaged;
  private readonly insertDamaged;
  private readonly removeDamaged;

  constructor(db: DatabaseSync) {
    this.db = db;
    this.select = db.prepare("SELECT * FROM chunk WHERE sha256 = ?");
    this.selectForm = db.prepare("SELECT codec, storedLength, crc32c FROM chunk WHERE sha256 = ?");
    this.selectForm.setReturnArrays(true);
    this.insert = db.prepare("INSERT OR IGNORE INTO chunk VALUES (?, ?, ?, ?, ?, ?)");
    this.remove = db.prepare("DELETE FROM chunk WHERE sha256 = ?");
    this.selectDamaged = db.prepare("SELECT 1 FROM damaged WHERE sha256 = ?");
    this.insertDamaged = db.prepare("INSERT OR IGNORE INTO damaged VALUES (?)");
    this.removeDamaged = db.prepare("DELETE FROM damaged WHERE sha256 = ?");
  }

  find(sha256: Uint8Array): ChunkPlace | undefined {
    const row = this.select.get(sha256) as unknown as ChunkRow | undefined;
    return row === undefined ? undefined : placeOf(row);
  }

  /**
   * In which form each is stored; null: it is in no pack. All in one look, without what a place has beside: an image has
   * a hundred thousand.
   */
  formsOf(hashes: readonly Uint8Array[]): (Form | null)[] {
    this.db.exec("BEGIN");
    try {
      return hashes.map((sha256) => {
        const row = this.selectForm.get(sha256) as unknown as FormRow | undefined;
        if (row === undefined) return null;
        const [codec, storedLength, crc32c] = row;
        return { codec: codec as Codec, storedLength, crc32c };
      });
    } finally {
      this.db.exec("COMMIT");
    }
  }

  /** Whether a verification found the chunk damaged, and nothing has replaced it yet. */
  isDamaged(sha256: Uint8Array): boolean {
    return this.selectDamaged.get(sha256) !== undefined;
  }

  markDamaged(hashes: readonly Uint8Array[]): void {
    if (hashes.length === 0) return;
    this.transaction(() => {
      for (const sha256 of hashes) this.insertDamaged.run(sha256);
    });
  }

  /** Adds those that are not there yet. All or none; durable when it returns. */
  add(places: Iterable<ChunkPlace>): void {
    this.transaction(() => {
      for (const place of places) this.addOne(place);
    });
  }

  /**
   * The same, durable with `settle`. They take the places of damaged ones, and of those in packs that are about to go
   * (`isLeaving`). Answers the damaged places that were replaced.
   */
  addAnew(places: Iterable<ChunkPlace>, isLeaving: (pack: number) => boolean): ChunkPlace[] {
    const replaced: ChunkPlace[] = [];
    const add = (): void => {
      for (const place of places) {
        const { sha256 } = place.entry;
        const old = this.find(sha256);
        const isLost = old !== undefined && isLeaving(old.pack);
        if (isLost || this.isDamaged(sha256)) {
          if (old !== undefined && !isLost) replaced.push(old);
          this.forgetOne(sha256);
        }
        this.addOne(place);
      }
    };
    this.unwaited(() => this.transaction(add));
    return replaced;
  }

  private addOne({ pack, offset, entry }: ChunkPlace): void {
    const { sha256, codec, storedLength, crc32c } = entry;
    this.insert.run(sha256, pack, offset, codec, storedLength, crc32c);
  }

  /** All that was added is durable when it returns. */
  settle(): void {
    // A transaction that changes nothing waits for nothing.
    this.transaction(() => this.db.exec("INSERT OR REPLACE INTO complete VALUES (1)"));
  }

  /** At which level a chunk was packed anew last; 0: never, or nobody knows. */
  levelOf(sha256: Uint8Array): number {
    const row = this.db.prepare("SELECT level FROM packed WHERE sha256 = ?").get(sha256);
    return Number(row?.level ?? 0);
  }

  /**
   * Chunks that were packed anew at this level take the places of those from before, and `same` would not be smaller.
   * All or none; durable when it returns. Answers the places that nothing needs any more.
   */
  replace(
    level: number,
    moved: readonly { readonly old: ChunkPlace; readonly place: ChunkPlace }[],
    same: readonly Uint8Array[],
  ): ChunkPlace[] {
    const unneeded: ChunkPlace[] = [];
    this.transaction(() => {
      const update = this.db.prepare(
        `UPDATE chunk SET pack = ?, offset = ?, codec = ?, storedLength = ?, crc32c = ?
          WHERE sha256 = ? AND pack = ? AND offset = ?`,
      );
      const note = this.db.prepare("INSERT OR REPLACE INTO packed VALUES (?, ?)");
      for (const { old, place } of moved) {
        const { sha256, codec, storedLength, crc32c } = place.entry;
        const form = [codec, storedLength, crc32c] as const;
        const of = [sha256, old.pack, old.offset] as const;
        // Its images may have been deleted meanwhile.
        const isThere = update.run(place.pack, place.offset, ...form, ...of).changes === 1;
        unneeded.push(isThere ? old : place);
        if (isThere) note.run(sha256, level);
      }
      for (const sha256 of same) if (this.find(sha256) !== undefined) note.run(sha256, level);
    });
    return unneeded;
  }

  /**
   * Forgets chunks that nothing needs, and are still at these places. Those whose records are to be erased (`isErased`,
   * by the pack) are in `erasing` until the next call, or `forgetErased`: a process that is killed before it has erased
   * them has them in mind. Durable when it returns; answers what was forgotten.
   */
  bury(places: Iterable<ChunkPlace>, isErased: (pack: number) => boolean): ChunkPlace[] {
    const buried: ChunkPlace[] = [];
    this.transaction(() => {
      this.db.exec("DELETE FROM erasing");
      const note = this.db.prepare("INSERT INTO erasing SELECT * FROM chunk WHERE sha256 = ?");
      for (const place of places) {
        const { sha256 } = place.entry;
        // Packed anew meanwhile.
        if (!isSamePlace(this.find(sha256), place)) continue;
        if (isErased(place.pack)) note.run(sha256);
        this.forgetOne(sha256);
        buried.push(place);
      }
    });
    return buried;
  }

  /** Places of which nobody knows whether their records have been erased. */
  get erasing(): ChunkPlace[] {
    const rows = this.db.prepare("SELECT * FROM erasing").all();
    return (rows as unknown as ChunkRow[]).map(placeOf);
  }

  /** They have been. Durable when it returns. */
  forgetErased(): void {
    this.transaction(() => this.db.exec("DELETE FROM erasing"));
  }

  private forgetOne(sha256: Uint8Array): void {
    this.remove.run(sha256);
    this.removeDamaged.run(sha256);
    this.db.prepare("DELETE FROM packed WHERE sha256 = ?").run(sha256);
  }

  /** Whether all that is stored is needed, and nobody has begun to store more since that was found. */
  get isSwept(): boolean {
    return this.db.prepare("SELECT 1 FROM swept").get() !== undefined;
  }

  /** Durable when it returns. */
  set isSwept(isSwept: boolean) {
    const sql = isSwept ? "INSERT OR IGNORE INTO swept VALUES (1)" : "DELETE FROM swept";
    this.transaction(() => this.db.exec(sql));
  }

  markComplete(): void {
    this.db.exec("INSERT OR IGNORE INTO complete VALUES (1)");
  }

  /** Whether the process before this one closed it in order; only the first time that it is asked. */
  takeClosed(): boolean {
    const wasClosed = this.db.prepare("SELECT 1 FROM closed").get() !== undefined;
    if (wasClosed) this.transaction(() => this.db.exec("DELETE FROM closed"));
    return wasClosed;
  }

  /** For `takeClosed`. */
  markClosed(): void {
    this.transaction(() => this.db.exec("INSERT OR IGNORE INTO closed VALUES (1)"));
  }

  close(): void {
    this.db.close();
  }

  /** Nobody waits for the disk meanwhile. */
  private unwaited(work: () => void): void {
    this.db.exec("PRAGMA synchronous = NORMAL");
    try {
      work();
    } finally {
      this.db.exec("PRAGMA synchronous = FULL");
    }
  }

  private transaction(work: () => void): void {
    try {
      this.db.exec("BEGIN IMMEDIATE");
      work();
      this.db.exec("COMMIT");
    } catch (cause) {
      if (this.db.isTransaction) this.db.exec("ROLLBACK");
      throw storeError("writing the catalogue of the image store", cause);
    }
  }
}

/** Where the catalogue is kept. */
export interface CatalogueFile {
  exists(): boolean;
  /** Makes it where there is none. */
  open(): DatabaseSync;
  /** Whether SQLite finds it in order. Rejects once `signal` aborts. */
  isSound(signal: AbortSignal): Promise<boolean>;
  remove(): void;
}

/** The catalogue of a store in this folder. */
export function catalogueIn(directory: string): CatalogueFile {
  const path = join(directory, "catalogue.db");
  return {
    exists: () => existsSync(path),
    open: () => new DatabaseSync(path),
    isSound: (signal) => checkBeside(path, signal),
    remove() {
      for (const end of ["", "-wal", "-shm"]) rmSync(path + end, { force: true });
    },
  };
}

/**
 * Opens the catalogue; one that is missing, unreadable or unfinished is rebuilt from the packs. Rejects with `cancelled`
 * once `signal` aborts.
 */
export async function openCatalogue(
  file: CatalogueFile,
  packs: Packs,
  signal: AbortSignal,
): Promise<Catalogue> {
  if (file.exists()) {
    try {
      const db = file.open();
      db.exec(schema);
      const catalogue = new Catalogue(db);
      const isIdle = catalogue.takeClosed() || catalogue.isSwept;
      // Of thirty million chunks this takes a minute: only a process that died amid its work gives reason to.
      const isSound = isIdle || (await file.isSound(signal));
      if (isSound && db.prepare("SELECT 1 FROM complete").get() !== undefined) return catalogue;
      db.close();
    } catch (cause) {
      if (!isUnreadable(cause)) throw storeError("opening the catalogue", cause);
    }
    file.remove();
  }
  try {
    const db = file.open();
    db.exec(schema);
    const catalogue = new Catalogue(db);
    for (const pack of await packs.numbers()) {
      const found: ChunkPlace[] = [];
      for await (const place of packs.scan(pack)) {
        if (signal.aborted) throw openingStopped();
        found.push(place);
      }
      catalogue.add(found);
    }
    catalogue.markComplete();
    return catalogue;
  } catch (cause) {
    throw storeError("rebuilding the catalogue", cause);
  }
}

/** The catalogue as another thread reads it. */
export function readCatalogue(directory: string): Catalogue {
  return new Catalogue(new DatabaseSync(join(directory, "catalogue.db"), { readOnly: true }));
}

export const placeOf = (row: ChunkRow): ChunkPlace => ({
  pack: row.pack,
  offset: row.offset,
  entry: {
    chunkIndex: 0,
    codec: row.codec as Codec,
    storedLength: row.storedLength,
    crc32c: row.crc32c,
    sha256: new Uint8Array(row.sha256),
  },
});
