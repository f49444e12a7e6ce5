import type { CastChunkSource } from "../../core/cast/ends.ts";
import { RoomcastError } from "../../core/errors.ts";
import type { IndexEntry, Manifest } from "../../core/image/types.ts";
import type { CastSourceConfig } from "./cast-source.ts";
import { type ChunkReaderPorts, readChunkOf, readStored } from "./chunk-reader.ts";
import type { Chunks } from "./chunks.ts";
import { noImage } from "./faults.ts";
import { readIndex, removeImage } from "./image-files.ts";
import { oddNameWarnings } from "./image-names.ts";
import type { ImageNotes } from "./image-notes.ts";
import type { ImageNumbers } from "./image-numbers.ts";
import type { ImageStore } from "./image-store.ts";
import type { ImageWriter } from "./image-writer.ts";
import { Images } from "./images.ts";
import { Indexes } from "./indexes.ts";
import { NewImages, type TakeVersion } from "./new-images.ts";
import type { StoredChunk } from "./pack-job.ts";
import type { ChunkPlace } from "./packs.ts";
import {
  type RepackedBatch,
  type RepackOptions,
  type RepackOrder,
  type RepackPorts,
  type RepackReport,
  repackImage,
} from "./repack.ts";
import type { Space } from "./space.ts";
import type { StorePorts } from "./store-ports.ts";
import { Sweeper } from "./sweeper.ts";
import { type VerifyOptions, type VerifyReport, verifyImages } from "./verify.ts";

/** How long the opening of a store waits for a sweep, or for a look into its indexes, in milliseconds. */
const tidyLimitMs = 1000;

export interface OpenedStore {
  readonly ports: StorePorts;
  readonly directory: string;
  /** Of manifests and indexes. */
  readonly folder: string;
  readonly images: readonly Manifest[];
  /** Of manifests that could not be read, in words. */
  readonly problems: readonly string[];
  readonly numbers: ImageNumbers;
  readonly notes: ImageNotes;
  readonly chunks: Chunks;
}

/** What the sender of a cast loads to read chunks. */
export const castSourceModule = new URL("./cast-source.ts", import.meta.url).href;

/** The images of a folder, committed and deleted one after the other over one stock of chunks. */
export class FolderStore implements ImageStore {
  private readonly manifestProblems: readonly string[];
  private readonly ports: StorePorts;
  private readonly directory: string;
  private readonly folder: string;
  private readonly images: Images;
  private readonly numbers: ImageNumbers;
  readonly campus = null;
  private readonly noted: ImageNotes;
  private readonly chunks: Chunks;
  private readonly indexes: Indexes;
  private readonly newImages: NewImages;
  private readonly sweeper: Sweeper;
  /** How many hold the forms as they are. */
  private formHolders = 0;
  /** Commits and deletions happen one after another; a sweep takes its turn for a moment each time. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(opened: OpenedStore) {
    this.ports = opened.ports;
    this.directory = opened.directory;
    this.folder = opened.folder;
    this.images = new Images(opened.images);
    this.numbers = opened.numbers;
    this.manifestProblems = opened.problems;
    this.noted = opened.notes;
    this.chunks = opened.chunks;
    const { ports, folder, images, numbers, chunks } = this;
    this.indexes = new Indexes({
      read: (image) => this.readIndex(image),
      formsHere: (hashes) => chunks.formsOf(hashes),
      pause: () => ports.disk.pause(),
    });
    this.sweeper = new Sweeper({
      chunks,
      newImages: () => this.newImages,
      images: () => images.all(),
      findDead: (all, signal) => ports.findDead(folder, all, signal),
      isForbidden: () => this.manifestProblems.length > 0,
      inTurn: (work) => this.inTurn(work),
    });
    this.newImages = new NewImages({
      ...{ store: ports, folder, images, numbers, chunks, sweeper: this.sweeper },
      space: () => this.space(),
      inTurn: (work) => this.inTurn(work),
      formsChanged: () => this.indexes.forgetForms(),
      added: (image, index) => this.indexes.add(image, index),
    });
  }

  get problems(): readonly string[] {
    const { manifestProblems, numbers, sweeper } = this;
    const found = [...manifestProblems, ...numbers.problems];
    return sweeper.problem === null ? found : [...found, sweeper.problem];
  }

  get warnings(): readonly string[] {
    return [...this.list().flatMap(oddNameWarnings), ...this.sweeper.warnings];
  }

  /** What the first orders need, as in `Indexes`. */
  readAhead(): Promise<void> {
    return this.indexes.readAhead(this.images.list());
  }

  list(): Manifest[] {
    return this.images.list();
  }

  find(reference: string): Manifest | undefined {
    return this.images.find(reference);
  }

  isHere(imageId: string): boolean {
    return this.images.has(imageId);
  }

  /** Nothing but an order removes an image. */
  hold(): Disposable {
    return { [Symbol.dispose]() {} };
  }

  castSource(imageId: string, index: Uint8Array): CastChunkSource {
    const image = this.require(imageId);
    const config: CastSourceConfig = { directory: this.directory, image, index };
    return { module: castSourceModule, config };
  }

  /** Also one that is being deleted. */
  image(imageId: string): Manifest | undefined {
    return this.images.get(imageId);
  }

  /** Of chunks, whatever image they are of, the forms in which they are here now; null: they are not. */
  formsHere(hashes: readonly Uint8Array[]): (IndexEntry | null)[] {
    return hashes.map((hash) => this.chunks.find(hash)?.entry ?? null);
  }

  /** As `storedChunk`, of an image that is not here, when the chunk is: of another one, or of a writer's. */
  chunkOf(image: Manifest, index: Uint8Array, entryIndex: number): Promise<StoredChunk> {
    const { chunks } = this;
    const find = (hash: Uint8Array): ChunkPlace | undefined => chunks.find(hash);
    return readChunkOf(image, index, entryIndex, { find, read: (place) => chunks.read(place) });
  }

  index(imageId: string): Promise<Uint8Array> {
    const image = this.images.get(imageId);
    return image === undefined ? Promise.reject(noImage(imageId)) : this.indexes.of(image);
  }

  forms(imageId: string): Promise<Uint8Array> {
    const image = this.images.get(imageId);
    return image === undefined ? Promise.reject(noImage(imageId)) : this.indexes.formsOf(image);
  }

  async readChunk(imageId: string, entryIndex: number): Promise<Uint8Array> {
    return (await this.storedChunk(imageId, entryIndex)).stored;
  }

  async storedChunk(imageId: string, entryIndex: number): Promise<StoredChunk> {
    const index = await this.index(imageId);
    const image = this.require(imageId);
    return readChunkOf(image, index, entryIndex, this.reader);
  }

  beginImage(name: string, takeVersion?: TakeVersion): ImageWriter {
    return this.newImages.beginImage(name, takeVersion);
  }

  /** An image that is elsewhere, to be put here as it is. Throws `conflict` when it is here. */
  beginFetched(manifest: Manifest): ImageWriter {
    return this.newImages.beginFetched(manifest);
  }

  beginFitted(
    origin: Manifest,
    fitSize: string,
    find = (reference: string): Manifest | undefined => this.find(reference),
  ): ImageWriter {
    return this.newImages.beginFitted(origin, fitSize, find);
  }

  leastDiskBytes(imageId: string): number | null {
    return this.numbers.leastOf(imageId);
  }

  noteLeastDisk(imageId: string, bytes: number): Promise<void> {
    return this.inTurn(async () => {
      this.require(imageId);
      await this.numbers.noteLeast(imageId, bytes);
    });
  }

  notes(imageId: string): string {
    return this.noted.of(imageId);
  }

  writeNotes(imageId: string, text: string): Promise<void> {
    return this.noted.write(imageId, text, () => this.images.has(imageId));
  }

  async verify(imageId: string | null, options: VerifyOptions): Promise<VerifyReport> {
    const one = imageId === null ? null : this.require(imageId);
    const all = this.list();
    const isHere = ({ id }: Manifest): boolean => this.images.has(id) && !this.images.isGoing(id);
    await using seen = this.ports.openSeen();
    const { report, damagedHashes } = await verifyImages(
      one === null ? all : [one],
      {
        all,
        isHere,
        index: (each) => this.readIndex(each),
        readRecord: (entry) =>
          readStored(entry, { ...this.reader, read: (place) => this.chunks.readRecord(place) }),
        check: (job) => this.ports.checker.check(job),
        seen,
        packOf: (hash) => this.chunks.packOf(hash),
      },
      options,
    );
    this.chunks.markDamaged(damagedHashes);
    if (one !== null && !isHere(one)) throw noImage(one.id);
    return report;
  }

  storedBytes({ id, storedBytes }: Manifest): number {
    return this.numbers.packedOf(id) ?? storedBytes;
  }

  holdForms(): Disposable {
    this.formHolders++;
    return { [Symbol.dispose]: () => void this.formHolders-- };
  }

  isPacked(imageId: string): boolean {
    return this.numbers.packedOf(imageId) !== null;
  }

  async repack(imageId: string, options: RepackOptions): Promise<RepackReport> {
    const { chunks } = this;
    const index = await this.index(imageId);
    const ports: RepackPorts = {
      index,
      placeOf: (hash) => chunks.soundPlaceOf(hash),
      levelOf: (hash) => chunks.levelOf(hash),
      read: (place) => chunks.read(place),
      replace: (batch, isFree) => this.inTurn(() => this.replaceNow(batch, isFree)),
      markDamaged: (hash) => chunks.markDamaged([hash]),
      pause: () => this.ports.disk.pause(),
    };
    try {
      const isFree = (): boolean => this.formHolders === 0 && options.isFree();
      const report = await repackImage(ports, { ...options, isFree });
      await this.inTurn(async () => {
        this.require(imageId);
        await this.numbers.notePacked(imageId, report.storedBytes);
      });
      return report;
    } finally {
      // Packs of which nothing is left. Who has stopped it waits for nothing more.
      if (this.sweeper.isOwed) await unlessAborted(options.signal, this.sweeper.begin());
    }
  }

  private async replaceNow(batch: RepackedBatch, isFree: () => boolean): Promise<boolean> {
    // What a crash leaves is swept when the store is opened.
    if (batch.smaller.length > 0) this.sweeper.owe();
    return this.chunks.replace(batch, () => {
      if (!isFree()) return false;
      // At the moment at which they change.
      this.indexes.forgetForms();
      return true;
    });
  }

  get ordered(): ReadonlyMap<string, RepackOrder> {
    return this.numbers.ordered;
  }

  order(imageId: string, how: RepackOrder | null): Promise<void> {
    return this.inTurn(() => this.numbers.order(imageId, how));
  }

  delete(imageId: string): Promise<{ freedBytes: number }> {
    if (this.images.isGoing(imageId)) return Promise.reject(noImage(imageId));
    // Before it waits for its turn: a restore that begins meanwhile does not find the images.
    const mark = this.images.mark([imageId, ...this.images.fittedOf(imageId).map(({ id }) => id)]);
    return this.inTurn(() => this.deleteNow(imageId))
      .then(async () => ({ freedBytes: await this.sweeper.sweep() }))
      .finally(() => mark[Symbol.dispose]());
  }

  /** What a crash left of an image that was deleted. */
  dropOrphans(): Promise<void> {
    return this.inTurn(async () => {
      // An origin that cannot be read may be there still, and one that is not here may be elsewhere.
      if (this.manifestProblems.length > 0 || this.ports.campus !== undefined) return;
      for (const image of this.images.all()) {
        if (image.fitOf !== undefined && !this.images.has(image.fitOf)) await this.remove(image);
      }
    });
  }

  async usage(): Promise<{ storedBytes: number; freeBytes: number }> {
    const { freeBytes } = await this.space();
    return { storedBytes: await this.chunks.diskBytes(), freeBytes };
  }

  /**
   * Removes what nobody needs, unless nothing has been stored since that was last done: then only the indexes
   * are looked into. Of a large store that goes on beside what comes next.
   */
  async tidy(): Promise<void> {
    const work = this.chunks.isSwept ? this.lookIntoIndexes() : this.sweeper.begin();
    await this.ports.disk.atMost(tidyLimitMs, work);
  }

  private async lookIntoIndexes(): Promise<void> {
    for (const image of this.images.all()) {
      try {
        await this.readIndex(image);
      } catch (error) {
        if (!(error instanceof RoomcastError) || error.code !== "bad-input") return;
        // It may have been deleted meanwhile.
        if (this.images.has(image.id)) this.sweeper.problem = error.message;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sweeper.close();
    await this.turn.catch(() => {});
    await this.ports.checker.close();
    await this.chunks.close();
  }

  private async deleteNow(imageId: string): Promise<void> {
    const image = this.require(imageId);
    this.sweeper.interrupt();
    this.sweeper.owe();
    // First, so that no crash in between lets a version's number come again.
    if (image.fitOf === undefined && this.nextVersion(image.name) === image.version + 1)
      await this.numbers.noteVersion(image.name, image.version);
    await this.remove(image);
    for (const fitted of this.images.fittedOf(imageId)) await this.remove(fitted);
    await this.numbers.forgetLeast(imageId);
  }

  private async remove(image: Manifest): Promise<void> {
    await removeImage(this.ports.disk, this.folder, image);
    this.images.remove(image.id);
    this.indexes.forget(image.id);
    await this.noted.forget(image.id);
    await this.numbers.forgetPacking(image.id);
  }

  /** Higher than any that an image of this name has or had here. */
  nextVersion(name: string): number {
    return this.newImages.nextVersion(name);
  }

  private get reader(): ChunkReaderPorts {
    const { chunks } = this;
    return { find: (hash) => chunks.placeOf(hash), read: (place) => chunks.read(place) };
  }

  private space(): Promise<Space> {
    return this.ports.disk.space(this.directory);
  }

  /** Throws `not-found`. */
  private require(imageId: string): Manifest {
    const image = this.images.get(imageId);
    if (image === undefined) throw noImage(imageId);
    return image;
  }

  private readIndex(image: Manifest): Promise<Uint8Array> {
    return readIndex(this.ports.disk, this.folder, image, this.ports.checker);
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.turn.then(work, work);
    this.turn = mine.catch(() => {});
    return mine;
  }
}

/** Resolves with the work, or once `signal` aborts; the work goes on. */
async function unlessAborted(signal: AbortSignal, work: Promise<void>): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = (): void => resolve();
  signal.addEventListener("abort", stop);
  await Promise.race([work, promise]);
  signal.removeEventListener("abort", stop);
}
