/** Which chunks came up before, in a table that SQLite keeps on the disk, so that memory does not grow with the store. */
import { DatabaseSync } from "node:sqlite";
import { u32 } from "../../core/image/byte-source.ts";
import { hashAt } from "../../core/image/index-codec.ts";
import { indexEntryBytes } from "../../core/image/types.ts";
import { chunkLengthAt } from "../../core/units/units.ts";

/** Of the table, in KiB of memory; the rest of it is on the disk, some 46 bytes for each chunk. */
const cacheKib = 32 * 1024;

/** What a verification has seen by now. */
export interface SeenChunks extends AsyncDisposable {
  /**
   * For each of these index entries (48 bytes each) of a disk of `diskBytes`, in their order: 1 where its chunk comes up for
   * the first time, 0 where it came up before. Equal bytes that are taken for chunks of different lengths are different
   * ones. One call after the other.
   */
  firsts(entries: Uint8Array, diskBytes: number): Promise<Uint8Array>;
}

export class SeenTable implements SeenChunks {
  /** A file of SQLite's own, which goes when it is closed (sqlite.org/inmemorydb.html, "Temporary Databases"). */
  private readonly db = new DatabaseSync("");
  private readonly insert;

  constructor() {
    this.db.exec(`PRAGMA cache_size = -${cacheKib};
      PRAGMA journal_mode = MEMORY;
      CREATE TABLE seen (sha256 BLOB, length INTEGER, PRIMARY KEY (sha256, length)) STRICT, WITHOUT ROWID`);
    this.insert = this.db.prepare("INSERT OR IGNORE INTO seen VALUES (?, ?)");
  }

  async firsts(entries: Uint8Array, diskBytes: number): Promise<Uint8Array> {
    const firsts = new Uint8Array(entries.length / indexEntryBytes);
    this.db.exec("BEGIN");
    for (let entry = 0; entry < firsts.length; entry++) {
      const at = entry * indexEntryBytes;
      const length = chunkLengthAt(u32(entries, at), diskBytes);
      const { changes } = this.insert.run(hashAt(entries, at), length);
      firsts[entry] = Number(changes);
    }
    this.db.exec("COMMIT");
    return firsts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.db.close();
  }
}
