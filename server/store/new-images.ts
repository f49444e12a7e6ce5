/** How an image comes into being: begun as a version of a name, written, and committed in its turn. */
import { RoomcastError } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import type { Manifest, ManifestDraft } from "../../core/image/types.ts";
import { imageNameRule, requireName } from "../../core/wire/names.ts";
import type { Chunks } from "./chunks.ts";
import { noImage } from "./faults.ts";
import { commitImage } from "./image-files.ts";
import type { ImageNumbers } from "./image-numbers.ts";
import { type ImageWriter, OpenWriter } from "./image-writer.ts";
import type { Images } from "./images.ts";
import { expectedBytes, requireSpace, type Space } from "./space.ts";
import type { StorePorts } from "./store-ports.ts";

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
  /** What a writer left may be needed by nobody. */
  sweep(): Promise<unknown>;
}

export class NewImages {
  private readonly ports: NewImagesPorts;
  private readonly writers = new Set<OpenWriter>();

  constructor(ports: NewImagesPorts) {
    this.ports = ports;
  }

  /** Some are being written. */
  get isBusy(): boolean {
    return this.writers.size > 0;
  }

  /** One that is being written needs the chunk, by `hashKey`. */
  holds(key: string): boolean {
    return [...this.writers].some((writer) => writer.held.has(key));
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
    const { chunks, store, inTurn, sweep } = this.ports;
    const writer = new OpenWriter({
      find: (hash) => chunks.find(hash),
      store: (entry, stored) => chunks.store(entry, stored),
      read: (place) => chunks.read(place),
      check: (job) => store.checker.check(job),
      pause: () => store.disk.pause(),
      requireSpace: how.requireSpace,
      isFetched: how.isFetched === true,
      commit: async (draft, index, storedBytes, signal) => {
        const taken = await how.takeVersion?.(signal);
        return inTurn(() =>
          this.commitNow({ ...how.stamp(), ...taken }, { draft, index, storedBytes }),
        );
      },
      ended: async (ended, leftovers) => {
        this.writers.delete(ended);
        if (leftovers) await sweep();
        else if (!this.isBusy) chunks.isSwept = true;
      },
    });
    chunks.isSwept = false;
    this.writers.add(writer);
    return writer;
  }

  private async commitNow(
    stamp: Stamp,
    what: {
      readonly draft: ManifestDraft;
      readonly index: Uint8Array;
      readonly storedBytes: number;
    },
  ): Promise<Manifest> {
    const { store, folder, images, chunks, formsChanged } = this.ports;
    const { draft, index, storedBytes } = what;
    const replaced = await chunks.flush();
    const manifest: Manifest = {
      ...draft,
      ...store.newImage(),
      storedBytes,
      ...stamp,
    };
    await commitImage(store.disk, folder, manifest, index);
    images.add(manifest);
    if (replaced.length > 0) formsChanged();
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
