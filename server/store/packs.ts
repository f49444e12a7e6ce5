/**
 * Packs: files that records are only ever appended to (docs/image-format.md). A record is 56 bytes of
 * header (magic, CRC-32C of what follows in the header, an index entry whose chunkIndex is 0) and the
 * stored bytes. A process begins packs of its own and never appends to another's.
 */

import { join } from "node:path";
import { crc32c } from "../../core/image/crc32c.ts";
import { decodeEntry, encodeEntry } from "../../core/image/index-codec.ts";
import { type IndexEntry, indexEntryBytes } from "../../core/image/types.ts";
import { storeError } from "./faults.ts";
import type { StoreFiles } from "./files.ts";
import { PackHandles, packName } from "./pack-handles.ts";

/** Where the stored bytes of a chunk are. */
export interface ChunkPlace {
  readonly pack: number;
  /** Of the record's header, in bytes. */
  readonly offset: number;
  readonly entry: IndexEntry;
}

/** Whether a chunk is still where it was. */
export const isSamePlace = (now: ChunkPlace | null | undefined, before: ChunkPlace): boolean =>
  now?.pack === before.pack && now.offset === before.offset;

export const recordHeaderBytes = 8 + indexEntryBytes;
/** A pack is full at this size: there are few files, and each is still easily copied. */
const packLimitBytes = 1024 * 1024 * 1024;
const magic = Buffer.from("RCCK", "latin1");
/** Bytes that rebuilding reads at once. */
const scanBytes = 8 * 1024 * 1024;

export class Packs {
  private readonly directory: string;
  private readonly disk: StoreFiles;
  private readonly handles: PackHandles;
  private readonly unsynced = new Set<number>();
  /** Those that a `sync` has failed to flush. */
  private readonly doubtful = new Set<number>();
  /** What each pack takes on the disk; null: it has changed since that was looked at. */
  private readonly sizes: Map<number, number | null>;
  /** Packs below this are of earlier processes: nothing is appended to them. */
  private readonly firstOwn: number;
  private next: number;
  private current: { readonly pack: number; size: number; isMade: boolean } | null = null;

  private constructor(directory: string, disk: StoreFiles, packs: readonly number[]) {
    this.directory = directory;
    this.disk = disk;
    this.handles = new PackHandles(directory, disk);
    this.sizes = new Map(packs.map((pack) => [pack, null]));
    this.firstOwn = (packs.at(-1) ?? 0) + 1;
    this.next = this.firstOwn;
  }

  static async open(directory: string, disk: StoreFiles): Promise<Packs> {
    await disk.makeFolder(directory);
    return new Packs(directory, disk, await packsIn(directory, disk));
  }

  /** Of the packs that are there, in order. */
  numbers(): Promise<number[]> {
    return packsIn(this.directory, this.disk);
  }

  /** Whether this process has put nothing into it, and never will. */
  isOld(pack: number): boolean {
    return pack < this.firstOwn;
  }

  /** Durable only after `sync`. Rejects with `no-space` when the disk is full. The bytes stay as they are until then. */
  async append(entry: IndexEntry, stored: Uint8Array): Promise<ChunkPlace> {
    const length = recordHeaderBytes + stored.length;
    if (this.current === null || this.current.size + length > packLimitBytes) {
      this.current = { pack: this.next++, size: 0, isMade: false };
    }
    const { current } = this;
    const { pack, size: offset } = current;
    current.size += length;
    const held: IndexEntry = { ...entry, chunkIndex: 0 };
    try {
      using open = await this.handles.take(pack, current.isMade ? "write" : "new");
      current.isMade = true;
      this.unsynced.add(pack);
      this.sizes.set(pack, null);
      // Apart: to put them together would copy every byte that is stored.
      await open.file.write(recordHeader(held), offset);
      await open.file.write(stored, offset + recordHeaderBytes);
      this.sizes.set(pack, null);
      // Again: a `sync` for another image may have come and gone while this was being written.
      this.unsynced.add(pack);
    } catch (cause) {
      throw storeError("writing to the image store", cause);
    }
    // A `sync` has failed meanwhile, and a part of this may have gone with it.
    if (this.doubtful.has(pack)) return this.append(entry, stored);
    return { pack, offset, entry: held };
  }

  /** Whether nobody knows what the disk has of what this process has put into it: a `sync` has failed. */
  isDoubtful(pack: number): boolean {
    return this.doubtful.has(pack);
  }

  /**
   * When it rejects, the packs with something to flush become doubtful for good: the system reports an error once, drops
   * what it could not write, and answers the next flush as if all were well (fsync(2)).
   */
  async sync(): Promise<void> {
    const packs = [...this.unsynced].filter((pack) => !this.doubtful.has(pack));
    this.unsynced.clear();
    try {
      for (const pack of packs) {
        using open = await this.handles.take(pack, "write");
        await open.file.sync();
      }
      await this.disk.syncFolder(this.directory);
    } catch (cause) {
      for (const pack of packs) this.doubtful.add(pack);
      this.retire(this.doubtful);
      throw storeError("flushing the image store", cause);
    }
  }

  /** The stored bytes, unchecked; rejects as the file system does, or when the pack ends early. */
  read({ pack, offset, entry }: ChunkPlace): Promise<Uint8Array> {
    return this.readAt(pack, offset + recordHeaderBytes, entry.storedLength);
  }

  /** The same with the record's header before them. */
  readRecord({ pack, offset, entry }: ChunkPlace): Promise<Uint8Array> {
    return this.readAt(pack, offset, recordHeaderBytes + entry.storedLength);
  }

  private async readAt(pack: number, offset: number, length: number): Promise<Uint8Array> {
    using open = await this.handles.take(pack, "read");
    const bytes = new Uint8Array(length);
    if ((await open.file.read(bytes, offset)) < length)
      throw new Error(`${packName(pack)} ends early`);
    return bytes;
  }

  /** Gives the space of records that nothing needs back to the file system; the others stay where they are. */
  async erase(places: readonly ChunkPlace[]): Promise<void> {
    for (const { pack, offset, entry } of places) {
      try {
        using open = await this.handles.take(pack, "write");
        const { file } = open;
        // The magic goes, so that rebuilding does not find what was erased.
        const isThere = (await file.read(Buffer.alloc(magic.length), offset)) === magic.length;
        if (isThere) await file.write(Buffer.alloc(magic.length), offset);
        await file.punch(offset + recordHeaderBytes, entry.storedLength);
        this.sizes.set(pack, null);
        this.unsynced.add(pack);
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === "ENOENT") continue;
        throw storeError("freeing space in the image store", cause);
      }
    }
  }

  /** Nothing more is appended to these. */
  retire(packs: ReadonlySet<number>): void {
    if (this.current !== null && packs.has(this.current.pack)) this.current = null;
  }

  /** Removes packs of which nothing is needed. */
  async drop(packs: readonly number[]): Promise<void> {
    this.retire(new Set(packs));
    for (const pack of packs) {
      this.unsynced.delete(pack);
      await this.handles.drop(pack);
      const path = join(this.directory, packName(pack));
      await this.disk.remove(path).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code !== "ENOENT") throw storeError("removing a pack", cause);
      });
      this.sizes.delete(pack);
    }
    await this.disk.syncFolder(this.directory);
  }

  /** Bytes that the packs take on the disk. Thousands of them are there, and few of them change. */
  async diskBytes(): Promise<number> {
    let total = 0;
    for (const [pack, known] of this.sizes) {
      const bytes = known ?? (await this.disk.diskBytes(join(this.directory, packName(pack))));
      if (known === null && this.sizes.has(pack)) this.sizes.set(pack, bytes);
      total += bytes;
    }
    return total;
  }

  /** Every whole record of a pack whose stored bytes match their CRC; what is torn or damaged is passed over. */
  async *scan(pack: number): AsyncGenerator<ChunkPlace> {
    using open = await this.handles.take(pack, "read");
    const { file } = open;
    const size = await file.size();
    let window = Buffer.alloc(0);
    let base = 0;
    for (let at = 0; at + recordHeaderBytes <= size; ) {
      if (
        at + recordHeaderBytes + (1 << 20) > base + window.length &&
        base + window.length < size
      ) {
        window = Buffer.alloc(Math.min(scanBytes, size - at));
        base = at;
        const length = await file.read(window, at);
        if (length === 0) return;
        window = window.subarray(0, length);
      }
      const local = at - base;
      const header = window.subarray(local, local + recordHeaderBytes);
      const encoded = header.subarray(8);
      const isHeader =
        header.length === recordHeaderBytes &&
        header.subarray(0, 4).equals(magic) &&
        header.readUInt32LE(4) === crc32c(encoded);
      const decoded = isHeader ? decodeEntry(encoded) : null;
      if (decoded?.ok !== true) {
        const found = window.indexOf(magic, local + 1);
        at = found >= 0 ? base + found : Math.max(at + 1, base + window.length - 3);
        continue;
      }
      const entry = decoded.value;
      const start = local + recordHeaderBytes;
      const stored = window.subarray(start, start + entry.storedLength);
      if (stored.length === entry.storedLength && crc32c(stored) === entry.crc32c) {
        yield { pack, offset: at, entry };
        at += recordHeaderBytes + entry.storedLength;
      } else at += 4;
    }
  }

  close(): Promise<void> {
    return this.handles.close();
  }
}

/** What stands before the stored bytes of an entry, which is looked at only where there is no catalogue. */
export function recordHeader(entry: IndexEntry): Uint8Array {
  const encoded = encodeEntry({ ...entry, chunkIndex: 0 });
  const header = Buffer.alloc(recordHeaderBytes);
  header.set(magic, 0);
  header.writeUInt32LE(crc32c(encoded), 4);
  header.set(encoded, 8);
  return header;
}

async function packsIn(directory: string, disk: StoreFiles): Promise<number[]> {
  const found = await disk.list(directory);
  return found
    .flatMap((name) => (/^\d{8}\.pack$/.test(name) ? [Number.parseInt(name, 10)] : []))
    .sort((one, other) => one - other);
}
