/** Which chunks are alive, as a sweep asks for it: a part of the hashes after the other. */
import type { DatabaseSync } from "node:sqlite";
import { hashAt } from "../../core/image/index-codec.ts";
import { indexEntryBytes } from "../../core/image/types.ts";

/** Of a hash, the first byte is its part, and the next six are its key: 56 bits. */
const partCount = 256;
/** So many keys of a part are in memory before they are written: 2 MB for all parts. */
const blockKeys = 1024;

/**
 * Keys in a temporary table that SQLite keeps on the disk, 8 bytes each and in blocks, so that memory does not grow with
 * the store: what is in one part is in memory at once. A dead chunk whose 56 bits are those of one that is alive, of
 * which there is less than one among a billion where thirty million live, is taken for alive: it only stays.
 */
export class LiveKeys implements Disposable {
  private readonly db: DatabaseSync;
  private readonly insert;
  private readonly select;
  private readonly open: Float64Array[] = [];
  private readonly openCounts = new Uint32Array(partCount);
  private looked: { readonly part: number; readonly keys: Float64Array } | null = null;

  constructor(db: DatabaseSync) {
    // The journal's mode is that of a database which is there: of the temporary one with its first table.
    db.exec(`DROP TABLE IF EXISTS temp.live;
      CREATE TEMP TABLE live (part INTEGER NOT NULL, keys BLOB NOT NULL) STRICT;
      CREATE INDEX temp.live_part ON live (part);
      PRAGMA temp.journal_mode = MEMORY`);
    this.db = db;
    this.insert = db.prepare("INSERT INTO temp.live VALUES (?, ?)");
    this.select = db.prepare("SELECT keys FROM temp.live WHERE part = ?");
  }

  /** Takes what these index entries need, of 48 bytes each. */
  add(entries: Uint8Array): void {
    this.looked = null;
    for (let at = 0; at < entries.length; at += indexEntryBytes) {
      const sha256 = hashAt(entries, at);
      const part = sha256[0] as number;
      const count = this.openCounts[part] as number;
      const block = this.open[part] ?? new Float64Array(blockKeys);
      this.open[part] = block;
      block[count] = keyOf(sha256);
      this.openCounts[part] = (count + 1) % blockKeys;
      if (count + 1 === blockKeys) this.insert.run(part, new Uint8Array(block.buffer));
    }
  }

  /** Whether the chunk of this hash is alive. Fast where one hash after the other is of the same part. */
  has(sha256: Uint8Array): boolean {
    const part = sha256[0] as number;
    if (this.looked?.part !== part) this.looked = { part, keys: this.keysOf(part) };
    const { keys } = this.looked;
    const key = keyOf(sha256);
    let from = 0;
    for (let to = keys.length; from < to; ) {
      const middle = (from + to) >>> 1;
      if ((keys[middle] as number) < key) from = middle + 1;
      else to = middle;
    }
    return keys[from] === key;
  }

  [Symbol.dispose](): void {
    this.db.exec("DROP TABLE temp.live");
  }

  /** In ascending order. */
  private keysOf(part: number): Float64Array {
    const blocks = this.select.all(part) as unknown as { readonly keys: Uint8Array }[];
    const openCount = this.openCounts[part] as number;
    const keys = new Float64Array(blocks.length * blockKeys + openCount);
    const bytes = new Uint8Array(keys.buffer);
    for (const [at, block] of blocks.entries()) bytes.set(block.keys, at * block.keys.length);
    const open = this.open[part]?.subarray(0, openCount);
    if (open !== undefined) keys.set(open, keys.length - openCount);
    return keys.sort();
  }
}

/** Bytes 1 to 6 of a hash, as a number. */
function keyOf(sha256: Uint8Array): number {
  const byte = (at: number): number => sha256[at] as number;
  const high = (byte(1) << 16) | (byte(2) << 8) | byte(3);
  const low = (byte(4) << 16) | (byte(5) << 8) | byte(6);
  return high * 2 ** 24 + low;
}
