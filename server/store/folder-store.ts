import { setTimeout as sleep } from "node:timers/promises";
import type { CastChunkSource } from "../../core/cast/ends.ts";
import { RoomcastError } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import type { IndexEntry, Manifest, ManifestDraft } from "../../core/image/types.ts";
import { makeRoom } from "../../core/units/make-room.ts";
import {
  foldedName,
  imageNameRule,
  type NameFault,
  nameFault,
  requireName,
  suggestedName,
} from "../../core/wire/names.ts";
import type { CastSourceConfig } from "./cast-source.ts";
import { type ChunkReaderPorts, readChunkOf, readStored } from "./chunk-reader.ts";
import type { Chunks } from "./chunks.ts";
import { noImage } from "./faults.ts";
import { currentForms } from "./forms.ts";
import {
  commitImage,
  type NumbersFile,
  readIndex,
  removeImage,
  writeNumbers,
  writeOrders,
} from "./image-files.ts";
import { fittedOf, imageIn, inOrder } from "./image-names.ts";
import type { ImageNotes } from "./image-notes.ts";
import type { ImageStore, StorePorts } from "./image-store.ts";
import { type ImageWriter, OpenWriter } from "./image-writer.ts";
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
import { expectedBytes, requireSpace, type Space } from "./space.ts";
import { type VerifyOptions, type VerifyReport, verifyImages } from "./verify.ts";

/** How long the opening of a store waits for a look into its indexes, in milliseconds. */
const lookLimitMs = 1000;
/** Indexes kept in memory: 24 MB each for a disk of 500 GB. */
const indexLimit = 4;
/** What the store says of an image; of one that was fetched, all. */
type Stamp = Pick<Manifest, "formatVersion" | "name" | "version" | "fitOf" | "fitSize"> &
  Partial<Manifest>;

/**
 * Gives a new image its version and the spelling of its name, where somebody else than the folder decides that. It
 * may take its time; rejects once `signal` aborts.
 */
export type TakeVersion = (
  name: string,
  signal: AbortSignal,
) => Promise<Pick<Manifest, "name" | "version">>;

/** How a writer that was begun becomes an image. */
interface Beginning {
  requireSpace(usedBytes: number): Promise<void>;
  /** Asked first, and waited for; others are committed meanwhile. */
  readonly takeVersion?: ((signal: AbortSignal) => ReturnType<TakeVersion>) | undefined;
  /** What makes the draft an image; asked when it is this one's turn to be committed. */
  stamp(): Stamp;
  /** Its index stays as it is. */
  readonly isFetched?: true;
}

export interface OpenedStore {
  readonly ports: StorePorts;
  readonly directory: string;
  /** Of manifests and indexes. */
  readonly folder: string;
  readonly images: readonly Manifest[];
  /** Of manifests that could not be read, in words. */
  readonly problems: readonly string[];
  readonly versions: Map<string, number>;
  readonly least: Map<string, number>;
  readonly packed: Map<string, number>;
  readonly ordered: Map<string, RepackOrder>;
  readonly notes: ImageNotes;
  readonly chunks: Chunks;
}

/** What the sender of a cast loads to read chunks. */
export const castSourceModule = new URL("./cast-source.ts", import.meta.url).href;

/** The images of a folder, committed and deleted one after the other over one stock of chunks. */
export class FolderStore implements ImageStore {
  private readonly manifestProblems: readonly string[];
  private indexProblem: string | null = null;
  private readonly ports: StorePorts;
  private readonly directory: string;
  private readonly folder: string;
  private readonly images: Map<string, Manifest>;
  /** Being deleted: nobody may begin to use them. */
  private readonly going = new Set<string>();
  /** The highest version of names whose newest image was deleted, by `foldedName`. */
  private readonly versions: Map<string, number>;
  /** By the image's id; what it costs to lose it is another try. */
  private readonly least: Map<string, number>;
  /** Stored bytes of the images that were packed anew, by id; what it costs to lose them is another try. */
  private readonly packed: Map<string, number>;
  readonly ordered: Map<string, RepackOrder>;
  readonly campus = null;
  private readonly noted: ImageNotes;
  private readonly chunks: Chunks;
  private readonly indexes = new Map<string, Promise<Uint8Array>>();
  /** As `indexes`; of none after a chunk has another form. */
  private readonly knownForms = new Map<string, Promise<Uint8Array>>();
  /** How many hold the forms as they are. */
  private formHolders = 0;
  private readonly writers = new Set<OpenWriter>();
  /** Commits, deletions and sweeps happen one after another. */
  private turn: Promise<unknown> = Promise.resolve();
  private isClosing = false;

  constructor(opened: OpenedStore) {
    this.ports = opened.ports;
    this.directory = opened.directory;
    this.folder = opened.folder;
    this.images = new Map(opened.images.map((image) => [image.id, image]));
    this.manifestProblems = opened.problems;
    this.versions = opened.versions;
    this.least = opened.least;
    this.packed = opened.packed;
    this.ordered = opened.ordered;
    this.noted = opened.notes;
    this.chunks = opened.chunks;
  }

  get problems(): readonly string[] {
    const { manifestProblems, indexProblem } = this;
    return indexProblem === null ? manifestProblems : [...manifestProblems, indexProblem];
  }

  get warnings(): readonly string[] {
    return this.list().flatMap((image) => {
      const fault = nameFault(imageNameRule, image.name);
      return fault === null ? [] : [oddNameWarning(image, fault)];
    });
  }

  list(): Manifest[] {
    return inOrder(this.images.values()).filter(({ id }) => !this.going.has(id));
  }

  find(reference: string): Manifest | undefined {
    return imageIn(this.list(), reference) ?? this.images.get(reference);
  }

  isHere(imageId: string): boolean {
    return this.images.has(imageId);
  }

  /** Nothing but an order removes an image. */
  hold(): Disposable {
    return { [Symbol.dispose]() {} };
  }

  castSource(imageId: string): CastChunkSource {
    const config: CastSourceConfig = { directory: this.directory, imageId };
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
    const known = this.indexes.get(imageId);
    if (known !== undefined) return known;
    const image = this.images.get(imageId);
    if (image === undefined) return Promise.reject(noImage(imageId));
    const index = this.readIndex(image);
    index.catch(() => this.indexes.delete(imageId));
    makeRoom(this.indexes, indexLimit);
    this.indexes.set(imageId, index);
    return index;
  }

  forms(imageId: string): Promise<Uint8Array> {
    const known = this.knownForms.get(imageId);
    if (known !== undefined) return known;
    const forms = this.index(imageId).then((index) =>
      currentForms(
        index,
        (hash) => this.chunks.placeOf(hash),
        () => this.ports.disk.pause(),
      ),
    );
    forms.catch(() => this.knownForms.delete(imageId));
    makeRoom(this.knownForms, indexLimit);
    this.knownForms.set(imageId, forms);
    return forms;
  }

  async readChunk(imageId: string, entryIndex: number): Promise<Uint8Array> {
    return (await this.storedChunk(imageId, entryIndex)).stored;
  }

  async storedChunk(imageId: string, entryIndex: number): Promise<StoredChunk> {
    const index = await this.index(imageId);
    const image = this.images.get(imageId);
    if (image === undefined) throw noImage(imageId);
    return readChunkOf(image, index, entryIndex, this.reader);
  }

  beginImage(name: string, takeVersion?: TakeVersion): ImageWriter {
    requireName(imageNameRule, name);
    return this.begin({
      requireSpace: (usedBytes) => this.requireSpace(name, usedBytes, this.find(name)),
      takeVersion: takeVersion && ((signal) => takeVersion(name, signal)),
      stamp: () => ({
        formatVersion: 2,
        name: this.versionsOf(name)[0]?.name ?? name,
        version: this.nextVersion(name),
      }),
    });
  }

  /** An image that is elsewhere, to be put here as it is. Throws `conflict` when it is here. */
  beginFetched(manifest: Manifest): ImageWriter {
    const { id } = manifest;
    const requireAbsent = (): Manifest => {
      if (!this.images.has(id)) return manifest;
      const what = `the image ${imageName(manifest)} is here already`;
      throw new RoomcastError("conflict", what, "see `roomcast image list`");
    };
    requireAbsent();
    return this.begin({
      async requireSpace() {},
      stamp: requireAbsent,
      isFetched: true,
    });
  }

  beginFitted(
    origin: Manifest,
    fitSize: string,
    find = (reference: string): Manifest | undefined => this.find(reference),
  ): ImageWriter {
    const { id, name, version } = origin;
    if (origin.fitOf !== undefined) {
      const what = `${imageName(origin)} is a fitted version itself`;
      throw new RoomcastError("usage", what, `fit ${imageName({ name, version })}`);
    }
    const stamp = { formatVersion: 3, name, version, fitOf: id, fitSize } as const;
    const own = imageName(stamp);
    const requireFree = (): typeof stamp => {
      if (find(id) === undefined) throw noImage(id);
      if (find(own) === undefined) return stamp;
      const next = `restore it, or delete it first: \`roomcast image delete ${own}\``;
      throw new RoomcastError("conflict", `there is an image ${own} already`, next);
    };
    requireFree();
    return this.begin({
      requireSpace: (usedBytes) => this.requireSpace(own, usedBytes, origin),
      stamp: requireFree,
    });
  }

  leastDiskBytes(imageId: string): number | null {
    return this.least.get(imageId) ?? null;
  }

  noteLeastDisk(imageId: string, bytes: number): Promise<void> {
    return this.inTurn(async () => {
      if (!this.images.has(imageId)) throw noImage(imageId);
      this.least.set(imageId, bytes);
      await this.writeNumbers("least.json", this.least);
    });
  }

  notes(imageId: string): string {
    return this.noted.of(imageId);
  }

  writeNotes(imageId: string, text: string): Promise<void> {
    return this.noted.write(imageId, text, () => this.images.has(imageId));
  }

  private begin(how: Beginning): ImageWriter {
    const writer = new OpenWriter({
      find: (hash) => this.chunks.find(hash),
      store: (entry, stored) => this.chunks.store(entry, stored),
      read: (place) => this.chunks.read(place),
      check: (job) => this.ports.checker.check(job),
      pause: () => this.ports.disk.pause(),
      requireSpace: how.requireSpace,
      isFetched: how.isFetched === true,
      commit: async (draft, index, storedBytes, signal) => {
        const taken = await how.takeVersion?.(signal);
        return this.inTurn(() =>
          this.commitNow({ ...how.stamp(), ...taken }, { draft, index, storedBytes }),
        );
      },
      ended: async (ended, leftovers) => {
        this.writers.delete(ended);
        if (leftovers) await this.sweep();
        else if (this.writers.size === 0) this.chunks.isSwept = true;
      },
    });
    this.chunks.isSwept = false;
    this.writers.add(writer);
    return writer;
  }

  async verify(imageId: string | null, options: VerifyOptions): Promise<VerifyReport> {
    const image = imageId === null ? undefined : this.images.get(imageId);
    if (imageId !== null && image === undefined) throw noImage(imageId);
    const all = this.list();
    const { report, damagedHashes } = await verifyImages(
      image === undefined ? all : [image],
      {
        all,
        index: (each) => this.readIndex(each),
        readStored: (entry) => readStored(entry, this.reader),
        check: (job) => this.ports.checker.check(job),
        packOf: (hash) => this.chunks.packOf(hash),
      },
      options,
    );
    this.chunks.markDamaged(damagedHashes);
    return report;
  }

  storedBytes({ id, storedBytes }: Manifest): number {
    return this.packed.get(id) ?? storedBytes;
  }

  holdForms(): Disposable {
    this.formHolders++;
    return { [Symbol.dispose]: () => void this.formHolders-- };
  }

  isPacked(imageId: string): boolean {
    return this.packed.has(imageId);
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
        if (!this.images.has(imageId)) throw noImage(imageId);
        this.packed.set(imageId, report.storedBytes);
        await this.writeNumbers("packed.json", this.packed);
      });
      return report;
    } finally {
      // Packs of which nothing is left.
      if (!chunks.isSwept) await this.sweep();
    }
  }

  private async replaceNow(batch: RepackedBatch, isFree: () => boolean): Promise<boolean> {
    // What a crash leaves is swept when the store is opened.
    if (batch.smaller.length > 0) this.chunks.isSwept = false;
    return this.chunks.replace(batch, () => {
      if (!isFree()) return false;
      // At the moment at which they change: whoever asks from here on is told the new ones.
      this.knownForms.clear();
      return true;
    });
  }

  order(imageId: string, how: RepackOrder | null): Promise<void> {
    return this.inTurn(async () => {
      if (how !== null) this.ordered.set(imageId, how);
      else if (!this.ordered.delete(imageId)) return;
      await this.writeOrders();
    });
  }

  private writeOrders(): Promise<void> {
    return writeOrders(this.ports.disk, this.directory, this.ordered);
  }

  private writeNumbers(file: NumbersFile, numbers: ReadonlyMap<string, number>): Promise<void> {
    return writeNumbers(this.ports.disk, this.directory, file, numbers);
  }

  delete(imageId: string): Promise<{ freedBytes: number }> {
    if (this.going.has(imageId)) return Promise.reject(noImage(imageId));
    // Before it waits for its turn: a restore that begins meanwhile does not find the images.
    const ids = [imageId, ...fittedOf(this.images.values(), imageId).map(({ id }) => id)];
    for (const id of ids) this.going.add(id);
    return this.inTurn(() => this.deleteNow(imageId)).finally(() => {
      for (const id of ids) this.going.delete(id);
    });
  }

  /** What a crash left of an image that was deleted. */
  dropOrphans(): Promise<void> {
    return this.inTurn(async () => {
      // An origin that cannot be read may be there still, and one that is not here may be elsewhere.
      if (this.manifestProblems.length > 0 || this.ports.campus !== undefined) return;
      for (const image of this.images.values()) {
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
   * are looked into, and of a large store that goes on beside what comes next.
   */
  async tidy(): Promise<void> {
    if (!this.chunks.isSwept) return void (await this.sweep());
    const limit = new AbortController();
    const wait = sleep(lookLimitMs, null, { signal: limit.signal, ref: false }).catch(() => {});
    await Promise.race([this.lookIntoIndexes(), wait]);
    limit.abort();
  }

  private async lookIntoIndexes(): Promise<void> {
    try {
      for (const image of this.images.values()) await this.readIndex(image);
    } catch (error) {
      if (error instanceof RoomcastError && error.code === "bad-input")
        this.indexProblem = error.message;
    }
  }

  sweep(): Promise<number> {
    return this.inTurn(() => this.sweepNow());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isClosing = true;
    await this.turn.catch(() => {});
    await this.ports.checker.close();
    await this.chunks.close();
  }

  private async deleteNow(imageId: string): Promise<{ freedBytes: number }> {
    const image = this.images.get(imageId);
    if (image === undefined) throw noImage(imageId);
    this.chunks.isSwept = false;
    // First, so that no crash in between lets a version's number come again.
    if (image.fitOf === undefined && this.nextVersion(image.name) === image.version + 1) {
      this.versions.set(foldedName(image.name), image.version);
      await this.writeNumbers("versions.json", this.versions);
    }
    await this.remove(image);
    for (const fitted of fittedOf(this.images.values(), imageId)) await this.remove(fitted);
    if (this.least.delete(imageId)) await this.writeNumbers("least.json", this.least);
    return { freedBytes: await this.sweepNow() };
  }

  private async remove(image: Manifest): Promise<void> {
    await removeImage(this.ports.disk, this.folder, image);
    this.images.delete(image.id);
    this.indexes.delete(image.id);
    this.knownForms.delete(image.id);
    await this.noted.forget(image.id);
    if (this.packed.delete(image.id)) await this.writeNumbers("packed.json", this.packed);
    if (this.ordered.delete(image.id)) await this.writeOrders();
  }

  /** Higher than any that an image of this name has or had here. */
  nextVersion(name: string): number {
    const newest = Math.max(0, ...this.versionsOf(name).map(({ version }) => version));
    return Math.max(newest, this.versions.get(foldedName(name)) ?? 0) + 1;
  }

  private versionsOf(name: string): Manifest[] {
    return inOrder(this.images.values()).filter(
      (image) => foldedName(image.name) === foldedName(name),
    );
  }

  private async commitNow(
    stamp: Stamp,
    what: {
      readonly draft: ManifestDraft;
      readonly index: Uint8Array;
      readonly storedBytes: number;
    },
  ): Promise<Manifest> {
    const { draft, index, storedBytes } = what;
    const replaced = await this.chunks.flush();
    const manifest: Manifest = {
      ...draft,
      ...this.ports.newImage(),
      storedBytes,
      ...stamp,
    };
    await commitImage(this.ports.disk, this.folder, manifest, index);
    this.images.set(manifest.id, manifest);
    if (replaced.length > 0) this.knownForms.clear();
    this.ports.campus?.committed();
    await this.chunks.erase(replaced).catch(() => {});
    return manifest;
  }

  private get reader(): ChunkReaderPorts {
    const { chunks } = this;
    return { find: (hash) => chunks.placeOf(hash), read: (place) => chunks.read(place) };
  }

  private async requireSpace(
    name: string,
    usedBytes: number,
    before: Manifest | undefined,
  ): Promise<void> {
    await this.ports.campus?.makeRoom(expectedBytes(usedBytes, before));
    requireSpace(await this.space(), name, usedBytes, before);
  }

  private space(): Promise<Space> {
    return this.ports.disk.space(this.directory);
  }

  /** Mark and sweep. Answers the bytes that were freed. */
  private async sweepNow(): Promise<number> {
    // Chunks of an image that cannot be read may be all that is left of it.
    if (this.manifestProblems.length > 0) return 0;
    try {
      const freed = await this.chunks.sweep(
        this.ports.findDead(this.folder, [...this.images.values()]),
        {
          isHeld: (key) => [...this.writers].some((writer) => writer.held.has(key)),
          isBusy: () => this.writers.size > 0,
          isStopped: () => this.isClosing,
        },
      );
      this.indexProblem = null;
      if (this.writers.size === 0 && !this.isClosing) this.chunks.isSwept = true;
      return freed;
    } catch (error) {
      if (!(error instanceof RoomcastError) || error.code !== "bad-input") throw error;
      this.indexProblem = error.message;
      return 0;
    }
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

/** Earlier servers let such names in. The image is as good as any: only its name is not. */
function oddNameWarning(image: Manifest, { what }: NameFault): string {
  const better = suggestedName(imageNameRule, image.name) ?? "NAME";
  return (
    `image ${image.id}: ${what}. Rename it: \`roomcast image export ${image.id} ${better}.zst\`, ` +
    `\`roomcast image import ${better}.zst ${better}\`, then delete it: \`roomcast image delete ${image.id}\``
  );
}
