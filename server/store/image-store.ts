import { randomBytes } from "node:crypto";
import { mkdir, statfs } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { zstdDecompress } from "node:zlib";
import { RoomcastError } from "../../core/errors.ts";
import { decodeIndex } from "../../core/image/index-codec.ts";
import { toHex } from "../../core/image/merkle.ts";
import { codec, type IndexEntry, indexEntryBytes, type Manifest } from "../../core/image/types.ts";
import { systemClock } from "../../core/node/clock.ts";
import { chunkBytes, chunkLengthAt } from "../../core/units/units.ts";
import { type Catalogue, openCatalogue } from "./catalogue.ts";
import { readChunkOf } from "./chunk-reader.ts";
import {
  commitImage,
  imageName,
  readIndex,
  readManifests,
  removeImage,
  sha256,
} from "./image-files.ts";
import { type ImageWriter, OpenWriter } from "./image-writer.ts";
import { type ChunkPlace, Packs, recordHeaderBytes } from "./packs.ts";

export type { ImageWriter } from "./image-writer.ts";

export interface VerifyReport {
  readonly ok: boolean;
  readonly damaged: readonly { readonly chunkIndex: number; readonly reason: string }[];
}

/** All images of a server: chunks once in packs, an index and a manifest for each image. One process at a time writes. */
export interface ImageStore {
  /** What could not be read when it was opened, in words. */
  readonly problems: readonly string[];
  /** By name, then by version. */
  list(): Manifest[];
  /** NAME (its newest version), NAME@VERSION, or an id. */
  find(reference: string): Manifest | undefined;
  /** The index as stored. Rejects with `not-found`, or `bad-input` when it is damaged. */
  index(imageId: string): Promise<Uint8Array>;
  /**
   * The stored bytes of an index entry; empty for `codec.zero`. Rejects with `not-found`, or with
   * `bad-input` that names image and chunk when they do not match their CRC.
   */
  readChunk(imageId: string, entryIndex: number): Promise<Uint8Array>;
  beginImage(name: string): ImageWriter;
  /** Re-hashes every chunk; rejects with `cancelled` when the signal aborts. `onProgress`: chunks done, of all. */
  verify(
    imageId: string,
    options: { signal: AbortSignal; onProgress(done: number, total: number): void },
  ): Promise<VerifyReport>;
  /** The image is gone when it resolves, and with it every chunk that no other needs. */
  delete(imageId: string): Promise<{ freedBytes: number }>;
  usage(): Promise<{ storedBytes: number; freeBytes: number }>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Opens the store, and makes it on first use. What an interrupted process left is removed. */
export async function openImageStore(directory: string): Promise<ImageStore> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const folder = join(directory, "images");
  const { images, problems } = await readManifests(folder);
  const packs = await Packs.open(join(directory, "packs"));
  const catalogue = await openCatalogue(directory, packs);
  const store = new FolderStore({ directory, folder, images, problems, packs, catalogue });
  // Chunks of an image whose manifest cannot be read may be all that is left of it.
  if (problems.length === 0) await store.sweep();
  return store;
}

/** Indexes kept in memory: 24 MB each for a disk of 500 GB. */
const indexLimit = 4;
const inflate = promisify(zstdDecompress);

class FolderStore implements ImageStore {
  readonly problems: readonly string[];
  private readonly directory: string;
  private readonly folder: string;
  private readonly images: Map<string, Manifest>;
  private readonly packs: Packs;
  private readonly catalogue: Catalogue;
  private readonly indexes = new Map<string, Promise<Uint8Array>>();
  private readonly writers = new Set<OpenWriter>();
  /** Stored, not in the catalogue yet, by hash in hex. */
  private readonly pending = new Map<string, ChunkPlace>();
  /** Being swept, by hash in hex: as good as gone. */
  private readonly dying = new Set<string>();
  private readonly storing = new Map<string, Promise<void>>();
  /** Commits, deletions and sweeps happen one after another. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(opened: {
    directory: string;
    folder: string;
    images: readonly Manifest[];
    problems: readonly string[];
    packs: Packs;
    catalogue: Catalogue;
  }) {
    this.directory = opened.directory;
    this.folder = opened.folder;
    this.images = new Map(opened.images.map((image) => [image.id, image]));
    this.problems = opened.problems;
    this.packs = opened.packs;
    this.catalogue = opened.catalogue;
  }

  list(): Manifest[] {
    return [...this.images.values()].sort((one, other) =>
      one.name === other.name ? one.version - other.version : one.name < other.name ? -1 : 1,
    );
  }

  find(reference: string): Manifest | undefined {
    const images = this.list();
    return (
      images.findLast(({ name }) => name === reference) ??
      images.find((image) => imageName(image) === reference || image.id === reference)
    );
  }

  index(imageId: string): Promise<Uint8Array> {
    const known = this.indexes.get(imageId);
    if (known !== undefined) return known;
    const image = this.images.get(imageId);
    if (image === undefined) return Promise.reject(noImage(imageId));
    const index = readIndex(this.folder, image);
    index.catch(() => this.indexes.delete(imageId));
    this.indexes.set(imageId, index);
    for (const oldest of this.indexes.keys()) {
      if (this.indexes.size <= indexLimit) break;
      this.indexes.delete(oldest);
    }
    return index;
  }

  async readChunk(imageId: string, entryIndex: number): Promise<Uint8Array> {
    const index = await this.index(imageId);
    const image = this.images.get(imageId);
    if (image === undefined) throw noImage(imageId);
    return readChunkOf(image, index, entryIndex, {
      find: (hash) => this.catalogue.find(hash),
      read: (place) => this.packs.read(place),
    });
  }

  beginImage(name: string): ImageWriter {
    const writer = new OpenWriter({
      find: (hash) => this.place(hash),
      store: (entry, stored) => this.storeChunk(entry, stored),
      commit: (draft, index, storedBytes) =>
        this.inTurn(async () => {
          await this.packs.sync();
          this.catalogue.add(this.pending.values());
          this.pending.clear();
          const versions = this.list().filter((image) => image.name === name);
          const manifest: Manifest = {
            ...draft,
            id: randomBytes(8).toString("hex"),
            name,
            version: (versions.at(-1)?.version ?? 0) + 1,
            capturedAt: systemClock.isoTime(),
            storedBytes,
          };
          await commitImage(this.folder, manifest, index);
          this.images.set(manifest.id, manifest);
          return manifest;
        }),
      ended: async (ended) => {
        this.writers.delete(ended);
        await this.inTurn(() => this.sweepNow());
      },
    });
    this.writers.add(writer);
    return writer;
  }

  async verify(
    imageId: string,
    options: { signal: AbortSignal; onProgress(done: number, total: number): void },
  ): Promise<VerifyReport> {
    const image = this.images.get(imageId);
    if (image === undefined) throw noImage(imageId);
    const decoded = decodeIndex(await readIndex(this.folder, image), image.diskBytes);
    const entries = decoded.ok ? decoded.value : [];
    const damaged: { chunkIndex: number; reason: string }[] = [];
    for (const [entryIndex, entry] of entries.entries()) {
      if (options.signal.aborted) {
        throw new RoomcastError("cancelled", "the verification was stopped", "");
      }
      const reason = await this.faultOf(image, entryIndex, entry);
      if (reason !== null) damaged.push({ chunkIndex: entry.chunkIndex, reason });
      options.onProgress(entryIndex + 1, entries.length);
    }
    return { ok: damaged.length === 0, damaged };
  }

  delete(imageId: string): Promise<{ freedBytes: number }> {
    return this.inTurn(async () => {
      const image = this.images.get(imageId);
      if (image === undefined) throw noImage(imageId);
      await removeImage(this.folder, image);
      this.images.delete(imageId);
      this.indexes.delete(imageId);
      return { freedBytes: await this.sweepNow() };
    });
  }

  async usage(): Promise<{ storedBytes: number; freeBytes: number }> {
    const { bavail, bsize } = await statfs(this.directory);
    return { storedBytes: await this.packs.diskBytes(), freeBytes: bavail * bsize };
  }

  sweep(): Promise<number> {
    return this.inTurn(() => this.sweepNow());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.turn.catch(() => {});
    await this.packs.close();
    this.catalogue.close();
  }

  private place(hash: Uint8Array): ChunkPlace | undefined {
    const hex = toHex(hash);
    return this.pending.get(hex) ?? (this.dying.has(hex) ? undefined : this.catalogue.find(hash));
  }

  private storeChunk(entry: IndexEntry, stored: Uint8Array): Promise<void> {
    const hex = toHex(entry.sha256);
    const underWay = this.storing.get(hex);
    if (underWay !== undefined) return underWay;
    if (this.place(entry.sha256) !== undefined) return Promise.resolve();
    const work = this.packs
      .append(entry, stored)
      .then((place) => void this.pending.set(hex, place))
      .finally(() => this.storing.delete(hex));
    this.storing.set(hex, work);
    return work;
  }

  /** Mark and sweep. Answers the bytes that were freed. */
  private async sweepNow(): Promise<number> {
    const live = new Set<string>();
    for (const image of this.images.values()) {
      // An image whose index is damaged keeps everything: what it needs is not known.
      const index = await this.index(image.id).catch(() => null);
      if (index === null) return 0;
      for (let at = 0; at < index.length; at += indexEntryBytes) {
        live.add(toHex(index.subarray(at + 16, at + 48)));
      }
    }
    // What is dead is decided without waiting for anything; then no writer is told that it is there.
    const isLive = ({ entry }: ChunkPlace): boolean => {
      const hex = toHex(entry.sha256);
      return live.has(hex) || [...this.writers].some((writer) => writer.held.has(hex));
    };
    const dead: ChunkPlace[] = [];
    const deadRows: ChunkPlace[] = [];
    const livePacks = new Set<number>();
    for (const place of this.catalogue.all()) {
      if (isLive(place)) livePacks.add(place.pack);
      else deadRows.push(place);
    }
    for (const [hex, place] of this.pending) {
      if (isLive(place)) livePacks.add(place.pack);
      else {
        this.pending.delete(hex);
        dead.push(place);
      }
    }
    dead.push(...deadRows);
    for (const { entry } of deadRows) this.dying.add(toHex(entry.sha256));
    const isBusy = this.writers.size > 0;
    const packs = isBusy ? [] : await this.packs.numbers();
    const empty = packs.filter((pack) => !livePacks.has(pack));
    const gone = new Set(empty);
    try {
      await this.packs.erase(dead.filter(({ pack }) => !gone.has(pack)));
      if (empty.length > 0 && this.writers.size === 0) await this.packs.drop(empty);
      // Last: what a crash interrupts is swept again when the store is opened.
      if (deadRows.length > 0) this.catalogue.forget(deadRows);
    } finally {
      this.dying.clear();
    }
    return dead.reduce((sum, { entry }) => sum + recordHeaderBytes + entry.storedLength, 0);
  }

  private async faultOf(
    image: Manifest,
    entryIndex: number,
    entry: IndexEntry,
  ): Promise<string | null> {
    if (entry.codec === codec.zero) return null;
    try {
      const stored = await this.readChunk(image.id, entryIndex);
      const raw =
        entry.codec === codec.raw
          ? stored
          : await inflate(stored, { chunkSize: chunkBytes, maxOutputLength: chunkBytes });
      const length = chunkLengthAt(entry.chunkIndex, image.diskBytes);
      if (raw.length !== length) return `${raw.length} bytes instead of ${length}`;
      return toHex(sha256(raw)) === toHex(entry.sha256) ? null : "it does not match its hash";
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.turn.then(work, work);
    this.turn = mine.catch(() => {});
    return mine;
  }
}

const noImage = (imageId: string): RoomcastError =>
  new RoomcastError("not-found", `there is no image ${imageId}`, "see `roomcast image list`");
