/** How an image comes into being: begun as a version of a name, written, and committed in its turn. */
import { RoomcastError } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import type { Manifest, ManifestDraft } from "../../core/image/types.ts";
import { imageNameRule, requireName } from "../../core/wire/names.ts";
import type { Chunks } from "./chunks.ts";
import { noImage } from "./faults.ts";
import { commitImage } from "./image-files.ts";
import type { ImageNumbers } from "./image-numbers.ts";
import { type ImageWriter, OpenWriter, type OwnIndex } from "./image-writer.ts";
import type { Images } from "./images.ts";
import type { ChunkPlace } from "./packs.ts";
import { expectedBytes, requireSpace, type Space } from "./space.ts";
import type { StorePorts } from "./store-ports.ts";
import type { Sweeper } from "./sweeper.ts";

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

export interface NewImagesPorts {
  readonly store: Pick<StorePorts, "disk" | "checker" | "newImage" | "campus">;
  /** Of manifests and indexes. */
  readonly folder: string;
  readonly images: Images;
  readonly numbers: ImageNumbers;
  readonly chunks: Chunks;
  space(): Promise<Space>;
  /** Commits, deletions and sweeps happen one after another. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  /** Chunks have another form than before. */
  formsChanged(): void;
  /** There is one image more, with this index. */
  added(image: Manifest, index: Uint8Array): void;
  readonly sweeper: Pick<Sweeper, "isRunning" | "oweUntilIdle" | "settle">;
}

export class NewImages {
  private readonly ports: NewImagesPorts;
  private readonly writers = new Set<OpenWriter>();
  /** Committed while a sweep goes on, which may have looked at the images before. */
  private readonly committed = new Set<OpenWriter>();
  /** How many have ended, and their leftovers are being erased. */
  private endings = 0;

  constructor(ports: NewImagesPorts) {
    this.ports = ports;
  }

  /** Some are being written, or were since the sweep that goes on has looked at the images. */
  get isBusy(): boolean {
    return this.writers.size + this.committed.size + this.endings > 0;
  }

  /** One of these needs the chunk, by `hashKey`. */
  holds(key: string): boolean {
    for (const writer of this.writers) if (writer.held.has(key)) return true;
    for (const writer of this.committed) if (writer.held.has(key)) return true;
    return false;
  }

  /** A sweep looks at the images now, or is over. */
  forgetCommitted(): void {
    this.committed.clear();
  }

  /** Higher than any that an image of this name has or had here. */
  nextVersion(name: string): number {
    const { images, numbers } = this.ports;
    const newest = Math.max(0, ...images.versionsOf(name).map(({ version }) => version));
    return Math.max(newest, numbers.versionOf(name)) + 1;
  }

  /** As in `ImageStore`. */
  beginImage(name: string, takeVersion?: TakeVersion): ImageWriter {
    const { images } = this.ports;
    requireName(imageNameRule, name);
    return this.begin({
      requireSpace: (usedBytes) => this.requireSpace(name, usedBytes, images.find(name)),
      takeVersion: takeVersion && ((signal) => takeVersion(name, signal)),
      stamp: () => ({
        formatVersion: 2,
        name: images.versionsOf(name)[0]?.name ?? name,
        version: this.nextVersion(name),
      }),
    });
  }

  /** An image that is elsewhere, to be put here as it is. Throws `conflict` when it is here. */
  beginFetched(manifest: Manifest): ImageWriter {
    const requireAbsent = (): Manifest => {
      if (!this.ports.images.has(manifest.id)) return manifest;
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

  /** As in `ImageStore`; `find`: where there is more than this folder. */
  beginFitted(
    origin: Manifest,
    fitSize: string,
    find: (reference: string) => Manifest | undefined,
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

  private begin(how: Beginning): ImageWriter {
    const { chunks, store, inTurn, sweeper } = this.ports;
    const writer = new OpenWriter({
      find: (hash) => chunks.find(hash),
      store: (entry, stored) => chunks.store(entry, stored),
      read: (place) => chunks.read(place),
      check: (job) => store.checker.check(job),
      pause: () => store.disk.pause(),
      requireSpace: how.requireSpace,
      isFetched: how.isFetched === true,
      commit: async (draft, own, signal) => {
        const taken = await how.takeVersion?.(signal);
        return inTurn(() => this.commitNow({ ...how.stamp(), ...taken }, draft, own));
      },
      ended: async (ended, { isCommitted, leftovers }) => {
        this.writers.delete(ended);
        if (isCommitted && sweeper.isRunning) this.committed.add(ended);
        if (leftovers) await this.discard(ended.held);
        else sweeper.settle();
      },
    });
    chunks.isSwept = false;
    this.writers.add(writer);
    return writer;
  }

  /** What an image that has ended held, and no other holds. */
  private async discard(keys: ReadonlySet<string>): Promise<void> {
    const { chunks, inTurn, sweeper } = this.ports;
    this.endings++;
    try {
      const isHeld = (key: string): boolean => this.holds(key);
      if (!(await chunks.discard(keys, { isHeld, inTurn }))) sweeper.oweUntilIdle();
    } catch (error) {
      sweeper.oweUntilIdle();
      throw error;
    } finally {
      this.endings--;
      sweeper.settle();
    }
  }

  private async commitNow(
    stamp: Stamp,
    draft: ManifestDraft,
    { index, storedBytes, keys }: OwnIndex,
  ): Promise<Manifest> {
    const { store, folder, images, chunks, formsChanged, added, sweeper } = this.ports;
    const manifest: Manifest = {
      ...draft,
      ...store.newImage(),
      storedBytes,
      ...stamp,
    };
    let replaced: ChunkPlace[];
    try {
      replaced = await chunks.flush((key) => keys.has(key));
      await commitImage(store.disk, folder, manifest, index);
    } catch (error) {
      // The catalogue may know chunks by now that are of no image.
      sweeper.oweUntilIdle();
      throw error;
    }
    images.add(manifest);
    if (replaced.length > 0) formsChanged();
    added(manifest, index);
    store.campus?.committed();
    await chunks.erase(replaced).catch(() => {});
    return manifest;
  }

  private async requireSpace(
    name: string,
    usedBytes: number,
    before: Manifest | undefined,
  ): Promise<void> {
    const { store, space } = this.ports;
    await store.campus?.makeRoom(expectedBytes(usedBytes, before));
    requireSpace(await space(), name, usedBytes, before);
  }
}
