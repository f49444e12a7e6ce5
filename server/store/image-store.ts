import { randomBytes } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { RoomcastError } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import type { IndexEntry, Manifest, ManifestDraft } from "../../core/image/types.ts";
import { systemClock } from "../../core/node/clock.ts";
import { hashKey } from "../../core/node/hash.ts";
import {
  foldedName,
  imageNameRule,
  type NameFault,
  nameFault,
  requireName,
  suggestedName,
} from "../../core/wire/names.ts";
import { type Catalogue, openCatalogue } from "./catalogue.ts";
import { readChunkOf, readStored } from "./chunk-reader.ts";
import { storeFull } from "./faults.ts";
import {
  commitImage,
  readIndex,
  readManifests,
  readNumbers,
  removeImage,
  writeNumbers,
} from "./image-files.ts";
import { fittedOf, imageIn, inOrder } from "./image-names.ts";
import { type ImageWriter, OpenWriter } from "./image-writer.ts";
import { type ChunkPlace, Packs, packName, recordHeaderBytes } from "./packs.ts";
import { requireSpace, spaceAt } from "./space.ts";
import { findDead, markLive } from "./sweep.ts";
import { type VerifyOptions, type VerifyReport, verifyImages } from "./verify.ts";

export type { ImageWriter } from "./image-writer.ts";

/** All images of a server: chunks once in packs, an index and a manifest for each image. One process at a time writes. */
export interface ImageStore {
  /** What of the store could not be read, in words. While there is anything, nothing is swept. */
  readonly problems: readonly string[];
  /** What should be looked after, and how, in words. */
  readonly warnings: readonly string[];
  /** By name, then by version. One that is being deleted is not among them, nor found, from the call on. */
  list(): Manifest[];
  /**
   * NAME (its newest version, which a fitted one never is), NAME@VERSION, NAME@VERSION-fit-SIZE, or an id.
   * Names that differ by capital letters only are one.
   */
  find(reference: string): Manifest | undefined;
  /** The index as stored. Rejects with `not-found`, or `bad-input` when it is damaged. */
  index(imageId: string): Promise<Uint8Array>;
  /**
   * The stored bytes of an index entry; empty for `codec.zero`. Rejects with `not-found`, or with
   * `bad-input` that names image and chunk when they do not match their CRC.
   */
  readChunk(imageId: string, entryIndex: number): Promise<Uint8Array>;
  /** A version of `name`, in the spelling that it has already. Throws `usage` for what cannot be a name. */
  beginImage(name: string): ImageWriter;
  /**
   * The fitted version of `origin` for a disk of this size, as somebody wrote it. It has the origin's name
   * and version, and goes when that goes. Throws `usage` for one of a fitted version, `conflict` when
   * there is such a version.
   */
  beginFitted(origin: Manifest, fitSize: string): ImageWriter;
  /** The smallest disk that the image can be made to fit; null: nobody has tried. */
  leastDiskBytes(imageId: string): number | null;
  /** Rejects with `not-found`. */
  noteLeastDisk(imageId: string, bytes: number): Promise<void>;
  /**
   * Re-hashes every chunk of an image, or with null of all; rejects with `cancelled` when the signal
   * aborts. A chunk that is found damaged is taken anew when a capture or an import next has it.
   */
  verify(imageId: string | null, options: VerifyOptions): Promise<VerifyReport>;
  /** The image is gone when it resolves, and with it its fitted versions, and every chunk that no other needs. */
  delete(imageId: string): Promise<{ freedBytes: number }>;
  /** `freeBytes`: what images may still take; a little is kept back for the server itself. */
  usage(): Promise<{ storedBytes: number; freeBytes: number }>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Opens the store, and makes it on first use. What an interrupted process left is removed. */
export async function openImageStore(directory: string): Promise<ImageStore> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const folder = join(directory, "images");
  const { images, problems } = await readManifests(folder);
  const versions = await readNumbers(directory, "versions.json", foldedName);
  if (versions === null) {
    problems.push("versions.json is damaged: remove it; a deleted version's number may come again");
  }
  const least = (await readNumbers(directory, "least.json", (id) => id)) ?? new Map();
  const packs = await Packs.open(join(directory, "packs"));
  const catalogue = await openCatalogue(directory, packs);
  const store = new FolderStore({
    directory,
    folder,
    images,
    problems,
    versions: versions ?? new Map(),
    least,
    packs,
    catalogue,
  });
  await store.dropOrphans();
  await store.sweep();
  return store;
}

/** Indexes kept in memory: 24 MB each for a disk of 500 GB. */
const indexLimit = 4;
/** Bytes stored between two looks at the free space. */
const spaceCheckBytes = 32 * 1024 * 1024;

/** What the store says of an image. */
type Stamp = Pick<Manifest, "formatVersion" | "name" | "version" | "fitOf" | "fitSize">;

class FolderStore implements ImageStore {
  private readonly manifestProblems: readonly string[];
  private indexProblem: string | null = null;
  private readonly directory: string;
  private readonly folder: string;
  private readonly images: Map<string, Manifest>;
  /** Being deleted: nobody may begin to use them. */
  private readonly going = new Set<string>();
  /** The highest version of names whose newest image was deleted, by `foldedName`. */
  private readonly versions: Map<string, number>;
  /** By the image's id; what it costs to lose it is another try. */
  private readonly least: Map<string, number>;
  private readonly packs: Packs;
  private readonly catalogue: Catalogue;
  private readonly indexes = new Map<string, Promise<Uint8Array>>();
  private readonly writers = new Set<OpenWriter>();
  /** Stored, not in the catalogue yet, by `hashKey`. */
  private readonly pending = new Map<string, ChunkPlace>();
  /** Being swept, by `hashKey`: as good as gone. */
  private readonly dying = new Set<string>();
  private readonly storing = new Map<string, Promise<void>>();
  private untilSpaceCheck = spaceCheckBytes;
  /** Commits, deletions and sweeps happen one after another. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(opened: {
    directory: string;
    folder: string;
    images: readonly Manifest[];
    problems: readonly string[];
    versions: Map<string, number>;
    least: Map<string, number>;
    packs: Packs;
    catalogue: Catalogue;
  }) {
    this.directory = opened.directory;
    this.folder = opened.folder;
    this.images = new Map(opened.images.map((image) => [image.id, image]));
    this.manifestProblems = opened.problems;
    this.versions = opened.versions;
    this.least = opened.least;
    this.packs = opened.packs;
    this.catalogue = opened.catalogue;
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
    requireName(imageNameRule, name);
    return this.begin({
      requireSpace: (usedBytes) => requireSpace(this.directory, name, usedBytes, this.find(name)),
      stamp: () => ({
        formatVersion: 2,
        name: this.versionsOf(name)[0]?.name ?? name,
        version: this.nextVersion(name),
      }),
    });
  }

  beginFitted(origin: Manifest, fitSize: string): ImageWriter {
    const { id, name, version } = origin;
    if (origin.fitOf !== undefined) {
      const what = `${imageName(origin)} is a fitted version itself`;
      throw new RoomcastError("usage", what, `fit ${imageName({ name, version })}`);
    }
    const stamp = { formatVersion: 3, name, version, fitOf: id, fitSize } as const;
    const own = imageName(stamp);
    const requireFree = (): typeof stamp => {
      if (this.find(id) === undefined) throw noImage(id);
      if (this.find(own) === undefined) return stamp;
      const next = `restore it, or delete it first: \`roomcast image delete ${own}\``;
      throw new RoomcastError("conflict", `there is an image ${own} already`, next);
    };
    requireFree();
    return this.begin({
      requireSpace: (usedBytes) => requireSpace(this.directory, own, usedBytes, origin),
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
      await writeNumbers(this.directory, "least.json", this.least);
    });
  }

  /** `stamp`: what makes the draft an image; asked when it is this one's turn to be committed. */
  private begin(how: {
    requireSpace(usedBytes: number): Promise<void>;
    stamp(): Stamp;
  }): ImageWriter {
    const writer = new OpenWriter({
      find: (hash) => this.place(hash),
      store: (entry, stored) => this.storeChunk(entry, stored),
      read: (place) => this.packs.read(place),
      requireSpace: how.requireSpace,
      commit: (draft, index, storedBytes) =>
        this.inTurn(() => this.commitNow(how.stamp(), { draft, index, storedBytes })),
      ended: async (ended, leftovers) => {
        this.writers.delete(ended);
        if (leftovers) await this.sweep();
      },
    });
    this.writers.add(writer);
    return writer;
  }

  async verify(imageId: string | null, options: VerifyOptions): Promise<VerifyReport> {
    const image = imageId === null ? undefined : this.images.get(imageId);
    if (imageId !== null && image === undefined) throw noImage(imageId);
    const all = this.list();
    const ports = {
      find: (hash: Uint8Array) => this.catalogue.find(hash),
      read: (place: ChunkPlace) => this.packs.read(place),
    };
    const { report, damagedHashes } = await verifyImages(
      image === undefined ? all : [image],
      {
        all,
        index: (each) => readIndex(this.folder, each),
        readStored: (entry) => readStored(entry, ports),
        packOf: (hash) => {
          const place = this.catalogue.find(hash);
          return place === undefined ? null : packName(place.pack);
        },
      },
      options,
    );
    this.catalogue.markDamaged(damagedHashes);
    return report;
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
      // An origin that cannot be read may be there still.
      if (this.manifestProblems.length > 0) return;
      for (const image of this.images.values()) {
        if (image.fitOf !== undefined && !this.images.has(image.fitOf)) await this.remove(image);
      }
    });
  }

  async usage(): Promise<{ storedBytes: number; freeBytes: number }> {
    const { freeBytes } = await spaceAt(this.directory);
    return { storedBytes: await this.packs.diskBytes(), freeBytes };
  }

  sweep(): Promise<number> {
    return this.inTurn(() => this.sweepNow());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.turn.catch(() => {});
    await this.packs.close();
    this.catalogue.close();
  }

  private async deleteNow(imageId: string): Promise<{ freedBytes: number }> {
    const image = this.images.get(imageId);
    if (image === undefined) throw noImage(imageId);
    // First, so that no crash in between lets a version's number come again.
    if (image.fitOf === undefined && this.nextVersion(image.name) === image.version + 1) {
      this.versions.set(foldedName(image.name), image.version);
      await writeNumbers(this.directory, "versions.json", this.versions);
    }
    await this.remove(image);
    for (const fitted of fittedOf(this.images.values(), imageId)) await this.remove(fitted);
    if (this.least.delete(imageId)) await writeNumbers(this.directory, "least.json", this.least);
    return { freedBytes: await this.sweepNow() };
  }

  private async remove(image: Manifest): Promise<void> {
    await removeImage(this.folder, image);
    this.images.delete(image.id);
    this.indexes.delete(image.id);
  }

  private nextVersion(name: string): number {
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
    await this.packs.sync();
    const replaced = this.catalogue.add(this.pending.values());
    this.pending.clear();
    const manifest: Manifest = {
      ...draft,
      ...stamp,
      id: randomBytes(8).toString("hex"),
      capturedAt: systemClock.isoTime(),
      storedBytes,
    };
    await commitImage(this.folder, manifest, index);
    this.images.set(manifest.id, manifest);
    await this.packs.erase(replaced).catch(() => {});
    return manifest;
  }

  private place(hash: Uint8Array): ChunkPlace | undefined {
    const key = hashKey(hash);
    const pending = this.pending.get(key);
    if (pending !== undefined) return pending;
    if (this.dying.has(key) || this.catalogue.isDamaged(hash)) return undefined;
    return this.catalogue.find(hash);
  }

  private storeChunk(entry: IndexEntry, stored: Uint8Array): Promise<void> {
    const key = hashKey(entry.sha256);
    const underWay = this.storing.get(key);
    if (underWay !== undefined) return underWay;
    if (this.place(entry.sha256) !== undefined) return Promise.resolve();
    const work = this.requireReserve(stored.length)
      .then(() => this.packs.append(entry, stored))
      .then((place) => void this.pending.set(key, place))
      .finally(() => this.storing.delete(key));
    this.storing.set(key, work);
    return work;
  }

  private async requireReserve(length: number): Promise<void> {
    this.untilSpaceCheck -= length;
    if (this.untilSpaceCheck > 0) return;
    this.untilSpaceCheck = spaceCheckBytes;
    if ((await spaceAt(this.directory)).freeBytes === 0) throw storeFull("writing a chunk");
  }

  /** Mark and sweep. Answers the bytes that were freed. */
  private async sweepNow(): Promise<number> {
    // Chunks of an image that cannot be read may be all that is left of it.
    if (this.manifestProblems.length > 0) return 0;
    let live: ReadonlySet<string>;
    try {
      live = await markLive(this.allIndexes());
      this.indexProblem = null;
    } catch (error) {
      if (!(error instanceof RoomcastError)) throw error;
      this.indexProblem = error.message;
      return 0;
    }
    const isLive = (key: string): boolean =>
      live.has(key) || [...this.writers].some((writer) => writer.held.has(key));
    const old = findDead(this.catalogue.all(), isLive);
    const fresh = findDead(this.pending.values(), isLive);
    for (const { entry } of fresh.places) this.pending.delete(hashKey(entry.sha256));
    for (const { entry } of old.places) this.dying.add(hashKey(entry.sha256));
    const dead = [...old.places, ...fresh.places];
    const isBusy = this.writers.size > 0;
    const packs = isBusy ? [] : await this.packs.numbers();
    const empty = packs.filter((pack) => !old.livePacks.has(pack) && !fresh.livePacks.has(pack));
    const gone = new Set(empty);
    try {
      await this.packs.erase(dead.filter(({ pack }) => !gone.has(pack)));
      if (empty.length > 0 && this.writers.size === 0) await this.packs.drop(empty);
      // Last: what a crash interrupts is swept again when the store is opened.
      if (old.places.length > 0) this.catalogue.forget(old.places);
    } finally {
      this.dying.clear();
    }
    return dead.reduce((sum, { entry }) => sum + recordHeaderBytes + entry.storedLength, 0);
  }

  private async *allIndexes(): AsyncGenerator<Uint8Array> {
    for (const image of this.images.values()) {
      yield await ((await this.indexes.get(image.id)) ?? readIndex(this.folder, image));
    }
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

const noImage = (imageId: string): RoomcastError =>
  new RoomcastError("not-found", `there is no image ${imageId}`, "see `roomcast image list`");
