import { RoomcastError } from "../../core/errors.ts";
import { isSameForm } from "../../core/image/forms.ts";
import { decodeEntry, encodeEntry } from "../../core/image/index-codec.ts";
import {
  codec,
  type IndexEntry,
  indexEntryBytes,
  type Manifest,
  type ManifestDraft,
} from "../../core/image/types.ts";
import { hashKey, sha256 } from "../../core/node/hash.ts";
import { bitmapBytes, setBit } from "../../core/units/bits.ts";
import { chunkLengthAt } from "../../core/units/units.ts";
import type { CheckJob, CheckResult } from "./check-jobs.ts";
import { badImage, wrongChunk } from "./faults.ts";
import type { ChunkPlace } from "./packs.ts";

/** Entries of an index that are looked up before other work has its turn: a few milliseconds. */
const entriesAtOnce = 256;

/** An image that is being written. Nothing of it is visible before the commit, and nothing is left after `abort`. */
export interface ImageWriter {
  /**
   * For SHA-256 hashes, 32 bytes each: a bitmap, bit `i & 7` of byte `i >> 3`, 1 = stored already.
   * What it says is stored stays so until this writer ends, unless the disk fails to write it: the commit then rejects.
   */
  known(hashes: Uint8Array): Uint8Array;
  /** Rejects with `no-space` when an image of which so many bytes will be read is not expected to fit. */
  requireSpace(usedBytes: number): Promise<void>;
  /**
   * Stores one chunk; `bad-input` when the bytes are not what the entry says, `no-space`. Again: nothing happens. The
   * bytes stay as they are until it resolves or rejects.
   */
  put(entry: IndexEntry, stored: Uint8Array): Promise<void>;
  /**
   * Makes the image be. `index` is what the draft's root hash is over; the image's own may name other
   * stored forms of the same chunks. Again: the same manifest. Rejects with `bad-input` when a chunk
   * is lacking or the two do not belong together, `no-space`, `conflict` after `abort`.
   */
  commit(draft: ManifestDraft, index: Uint8Array): Promise<Manifest>;
  abort(): Promise<void>;
  /** Whether the chunk is stored in just this form; it stays so until this writer ends. */
  holds(entry: IndexEntry): boolean;
  /** The stored bytes of a chunk that it holds; `bad-input` when it does not. */
  read(entry: IndexEntry): Promise<Uint8Array>;
}

export interface WriterPorts {
  /** Stored, durably or not yet. */
  find(sha256: Uint8Array): ChunkPlace | undefined;
  store(entry: IndexEntry, stored: Uint8Array): Promise<void>;
  read(place: ChunkPlace): Promise<Uint8Array>;
  check(job: CheckJob): Promise<CheckResult>;
  /** Lets other work have its turn. */
  pause(): Promise<void>;
  requireSpace(usedBytes: number): Promise<void>;
  /** The image comes from another store, and its index stays as it is, in whatever forms the chunks are here. */
  readonly isFetched: boolean;
  /** Makes its chunks durable, and then the image. Before that, it may give up once `signal` aborts. */
  commit(draft: ManifestDraft, own: OwnIndex, signal: AbortSignal): Promise<Manifest>;
  /** The writer holds nothing any more; of what it held, `leftovers` may be needed by nobody. */
  ended(
    writer: OpenWriter,
    how: { readonly isCommitted: boolean; readonly leftovers: boolean },
  ): Promise<void>;
}

/** The index of an image as the store has its chunks. */
export interface OwnIndex {
  readonly index: Uint8Array;
  readonly storedBytes: number;
  /** Of its stored chunks, by `hashKey`. */
  readonly keys: ReadonlySet<string>;
}

export class OpenWriter implements ImageWriter {
  /** Chunks that must not be swept, by `hashKey`. */
  readonly held = new Set<string>();
  private readonly ports: WriterPorts;
  private state: "open" | "aborted" = "open";
  private committing: Promise<Manifest> | null = null;
  private readonly puts = new Set<Promise<void>>();
  private readonly aborted = new AbortController();

  constructor(ports: WriterPorts) {
    this.ports = ports;
  }

  known(hashes: Uint8Array): Uint8Array {
    this.requireOpen();
    const count = Math.floor(hashes.length / 32);
    const bitmap = new Uint8Array(bitmapBytes(count));
    for (let index = 0; index < count; index++) {
      const hash = hashes.subarray(index * 32, index * 32 + 32);
      if (this.ports.find(hash) === undefined) continue;
      this.held.add(hashKey(hash));
      setBit(bitmap, index);
    }
    return bitmap;
  }

  requireSpace(usedBytes: number): Promise<void> {
    return this.ports.requireSpace(usedBytes);
  }

  put(entry: IndexEntry, stored: Uint8Array): Promise<void> {
    const put = this.putOnce(entry, stored).finally(() => this.puts.delete(put));
    this.puts.add(put);
    return put;
  }

  commit(draft: ManifestDraft, index: Uint8Array): Promise<Manifest> {
    this.committing ??= this.commitOnce(draft, index).catch((error: unknown) => {
      // It may be tried again, with what was lacking.
      this.committing = null;
      throw error;
    });
    return this.committing;
  }

  async abort(): Promise<void> {
    if (this.state === "aborted") return;
    this.state = "aborted";
    this.aborted.abort(ended());
    const committed = await this.committing?.catch(() => null);
    await Promise.allSettled(this.puts);
    if (committed !== undefined && committed !== null) return;
    await this.ports.ended(this, { isCommitted: false, leftovers: this.held.size > 0 });
  }

  holds(entry: IndexEntry): boolean {
    const place = this.ports.find(entry.sha256);
    if (place === undefined || !isSameForm(place.entry, entry)) return false;
    this.held.add(hashKey(entry.sha256));
    return true;
  }

  async read(entry: IndexEntry): Promise<Uint8Array> {
    if (entry.codec === codec.zero) return new Uint8Array();
    const place = this.ports.find(entry.sha256);
    if (place === undefined || !isSameForm(place.entry, entry))
      throw wrongChunk(entry.chunkIndex, "it is not stored in the form that was announced");
    return this.ports.read(place);
  }

  private async putOnce(entry: IndexEntry, stored: Uint8Array): Promise<void> {
    this.requireOpen();
    if (entry.codec === codec.zero) return;
    // Before anything is waited for: a sweep meanwhile leaves it alone.
    this.held.add(hashKey(entry.sha256));
    if (this.ports.find(entry.sha256) !== undefined) return;
    const { fault } = await this.ports.check({ type: "chunk", entry, stored, length: null });
    if (fault !== null) throw wrongChunk(entry.chunkIndex, fault);
    this.requireOpen();
    await this.ports.store(entry, stored);
  }

  private async commitOnce(draft: ManifestDraft, index: Uint8Array): Promise<Manifest> {
    this.requireOpen();
    await Promise.allSettled(this.puts);
    const count = index.length / indexEntryBytes;
    const { diskBytes } = draft;
    const { fault, rootHash: given } = await this.ports.check({ type: "index", index, diskBytes });
    if (fault !== null) throw badImage(`its index is damaged: ${fault}`);
    if (count !== draft.chunkCount)
      throw badImage(`its index has ${count} chunks instead of ${draft.chunkCount}`);
    if (given !== draft.rootHash) throw badImage("its index does not match the root hash");
    const own = { index: new Uint8Array(index.length), storedBytes: 0, counted: new Set<string>() };
    const zeros = new Map<number, string>();
    for (let at = 0; at < index.length; at += indexEntryBytes) {
      const decoded = decodeEntry(index, at);
      if (!decoded.ok) throw badImage(`its index is damaged: ${decoded.reason}`);
      own.index.set(encodeEntry(this.ownEntry(decoded.value, diskBytes, zeros, own)), at);
      if (at % (entriesAtOnce * indexEntryBytes) === 0) await this.ports.pause();
    }
    const { counted: keys, storedBytes } = own;
    const kept = this.ports.isFetched ? index : own.index;
    const { rootHash } = await this.ports.check({ type: "index", index: kept, diskBytes });
    const { signal } = this.aborted;
    const what = { index: kept, storedBytes, keys };
    const manifest = await this.ports.commit({ ...draft, rootHash }, what, signal);
    const how = { isCommitted: true, leftovers: this.held.size > keys.size };
    // The image is there, whatever becomes of the tidying up: the next sweep does it again.
    await this.ports.ended(this, how).catch(() => {});
    return manifest;
  }

  /** The entry as the store has its chunk; what it adds to what is stored is counted. */
  private ownEntry(
    entry: IndexEntry,
    diskBytes: number,
    zeroHashes: Map<number, string>,
    own: { storedBytes: number; readonly counted: Set<string> },
  ): IndexEntry {
    const key = hashKey(entry.sha256);
    if (entry.codec === codec.zero) {
      const length = chunkLengthAt(entry.chunkIndex, diskBytes);
      const zeros = zeroHashes.get(length) ?? hashKey(sha256(new Uint8Array(length)));
      zeroHashes.set(length, zeros);
      if (key !== zeros) throw wrongChunk(entry.chunkIndex, "it is said to be empty, and is not");
      return { ...entry, crc32c: 0 };
    }
    const place = this.held.has(key) ? this.ports.find(entry.sha256) : undefined;
    if (place === undefined)
      throw wrongChunk(entry.chunkIndex, "it never arrived, or the disk could not write it");
    if (!own.counted.has(key)) own.storedBytes += place.entry.storedLength;
    own.counted.add(key);
    // Stored once, in the form that came first.
    return { ...place.entry, chunkIndex: entry.chunkIndex };
  }

  private requireOpen(): void {
    if (this.state !== "open") throw ended();
  }
}

const ended = (): RoomcastError =>
  new RoomcastError("conflict", "the capture has ended", "start it again");
