/** What a server does as a member of a campus: it hears what there is, hands on what it has, and brings what it lacks. */
import { errorText, RoomcastError } from "../../core/errors.ts";
import type { Manifest } from "../../core/image/types.ts";
import type { Checker } from "../store/checkers.ts";
import { noImage } from "../store/faults.ts";
import type { StoreFiles } from "../store/files.ts";
import type { FolderStore } from "../store/folder-store.ts";
import { fittedOf, inOrder } from "../store/image-names.ts";
import type { CampusImages, FetchProgress } from "../store/image-store.ts";
import { Cache } from "./cache.ts";
import { campusWarnings } from "./campus-warnings.ts";
import { Fetches } from "./fetches.ts";
import { Hearing } from "./hearing.ts";
import type { KnownImages } from "./known-images.ts";
import { type CampusTime, isAway } from "./patience.ts";
import type { ObjectStore, Registry } from "./ports.ts";
import { RemoteImages } from "./remote-images.ts";
import { Repairs } from "./repair.ts";
import type { Seal } from "./seal.ts";
import { SharedNotes } from "./shared-notes.ts";
import { Standing } from "./standing.ts";
import { isWhole } from "./storage-check.ts";
import type { SweepTables } from "./sweep.ts";
import { keepSweeping } from "./sweeping.ts";
import { Uploads } from "./uploads.ts";
import { Versions } from "./versions.ts";

/** Milliseconds between two looks at what nothing tells of: images whose time is over. */
const lookEvery = 10 * 60_000;

export interface CampusPorts {
  /** Opened so that it keeps fitted versions whose origin is elsewhere. */
  readonly folder: FolderStore;
  /** Of the folder. */
  readonly directory: string;
  readonly disk: StoreFiles;
  readonly checker: Checker;
  readonly registry: Registry;
  readonly tables: SweepTables;
  readonly objects: ObjectStore;
  readonly seal: Seal | null;
  /** The name of this server. */
  readonly server: string;
  /** Of what the folder's packs may take, in bytes; null: the disk alone is the bound. */
  readonly cacheBytes: number | null;
  readonly time: CampusTime;
  /** As many random bytes as a pack's salt has. */
  salt(): Uint8Array;
  /** For the log. */
  warn(text: string): void;
}

export class Campus implements CampusImages {
  readonly folder: FolderStore;
  readonly registry: Registry;
  readonly objects: ObjectStore;
  readonly remotes: RemoteImages;
  readonly fetches: Fetches;
  readonly uploads: Uploads;
  readonly versions: Versions;
  readonly cache: Cache;
  readonly notes: SharedNotes;
  readonly repairs: Repairs;
  /** Smallest disks, of images that are not here. */
  readonly least = new Map<string, number>();
  /** The forms that were told of images that somebody holds and that were not here, by their ids. */
  readonly promised = new Map<string, Promise<Uint8Array>>();
  /** Images that somebody holds, by their ids: another server may delete them meanwhile. */
  private readonly inUse = new Map<string, Manifest>();
  private readonly ports: CampusPorts;
  private readonly knownImages: KnownImages;
  private readonly standing: Standing;
  /** Being deleted here: nobody may begin to use them. */
  private readonly going = new Set<string>();
  private readonly listeners: ((imageId: string) => void)[] = [];
  private readonly closing = new AbortController();
  private readonly hearing: Hearing;
  /** Why what follows from a change could not be done, in words. */
  private trouble: string | null = null;
  private sweepTrouble: string | null = null;
  private readonly sweeping: Promise<void>;
  private readonly background = new Set<Promise<void>>();

  constructor(ports: CampusPorts, knownImages: KnownImages, used: Map<string, number>) {
    this.ports = ports;
    this.folder = ports.folder;
    this.registry = ports.registry;
    this.objects = ports.objects;
    this.knownImages = knownImages;
    const { folder, registry, objects, seal, checker, time, disk, tables } = ports;
    this.standing = new Standing({
      known: knownImages,
      images: () => folder.list(),
      isHere: (id) => folder.isHere(id),
      now: () => time.now(),
    });
    const pause = (): Promise<void> => disk.pause();
    const changed = (id: string): void => {
      for (const listener of this.listeners) listener(id);
    };
    this.remotes = new RemoteImages({
      ...{ registry, objects, seal, checker, pause },
      formsHere: (hashes) => folder.formsHere(hashes),
    });
    const { remotes } = this;
    this.fetches = new Fetches({
      ...{ registry, objects, remotes, seal, time, pause, changed },
      // One that was deleted meanwhile would be taken for this server's own.
      ifKnown: ({ id }, work) =>
        this.hearing.exclusively(async () => {
          if (!knownImages.has(id)) {
            if (!this.inUse.has(id)) throw noImage(id);
            await knownImages.keepGone(id, new Date(time.now()).toISOString());
          }
          await work();
        }),
      chunkHere: ({ manifest, index }, entry) => folder.chunkOf(manifest, index, entry),
      beginFetched: (manifest) => folder.beginFetched(manifest),
      makeRoom: ({ storedBytes }) => this.cache.makeRoom(storedBytes),
      fetched: (id) => this.cache.use(id),
      lost: (pack) => {
        this.repairs.found(pack);
        this.inBackground(this.repairs.run());
      },
    });
    const shared = (): string[] => knownImages.list().map(({ manifest: { id } }) => id);
    this.repairs = new Repairs({
      ...{ folder, registry, objects, seal, time, pause, signal: this.closing.signal },
      ...{ salt: ports.salt, warn: ports.warn, shared },
      image: (id) => this.any(id),
      hold: (id) => this.hold(id),
      wake: () => this.inBackground(this.repairs.run()),
    });
    this.uploads = new Uploads({
      ...{ registry, objects, seal, time, pause, shared, salt: ports.salt },
      index: (id) => folder.index(id),
      storedChunk: (id, entry) => folder.storedChunk(id, entry),
      exclusively: (work) => this.hearing.exclusively(work),
      isLacking: (manifest) => this.standing.isLacking(manifest),
      committed: (manifest) => knownImages.add({ manifest, server: ports.server, notes: "" }),
      due: () => this.due(),
      lost: (pack) => this.repairs.found(pack),
      ended: ({ id }) => {
        changed(id);
        this.tend();
      },
    });
    this.versions = new Versions({
      ...{ registry, time },
      nextHere: (name) => folder.nextVersion(name),
    });
    this.cache = this.newCache(used, changed);
    this.hearing = new Hearing({
      ...{ registry, time, changed, known: knownImages, signal: this.closing.signal },
      isHere: (id) => folder.isHere(id),
      seen: () => new Set(this.list().map(({ id }) => id)),
      heard: () => this.tend(),
    });
    this.notes = new SharedNotes({
      ...{ folder, registry, known: knownImages },
      exclusively: (work) => this.hearing.exclusively(work),
    });
    void this.look();
    this.sweeping = keepSweeping({
      ...{ tables, objects, seal, time, salt: ports.salt, signal: this.closing.signal },
      failed: (reason) => {
        this.sweepTrouble = reason;
      },
    });
  }

  get warnings(): string[] {
    const { registry, standing, sweepTrouble, versions, uploads, fetches, repairs } = this;
    const trouble = this.hearing.trouble ?? this.trouble;
    const images = this.folder.list();
    return [
      ...campusWarnings({ registry, standing, images, trouble, sweepTrouble }),
      ...[repairs, versions, uploads, fetches].flatMap(({ warnings }) => warnings),
    ];
  }

  /** All of the campus, and those of this server that it does not have yet. */
  list(): Manifest[] {
    const images = new Map(this.knownImages.list().map(({ manifest }) => [manifest.id, manifest]));
    for (const image of this.folder.list())
      if (!this.standing.isGone(image)) images.set(image.id, image);
    return inOrder(images.values()).filter(({ id }) => !this.going.has(id));
  }

  /** By its id; also one that is on its way out of this server. */
  any(imageId: string): Manifest | undefined {
    const known = this.knownImages.get(imageId)?.manifest;
    return this.folder.image(imageId) ?? known ?? this.inUse.get(imageId);
  }

  /** What is not here begins to come. */
  hold(imageId: string): Disposable {
    const manifest = this.any(imageId);
    if (manifest !== undefined) {
      this.inUse.set(imageId, manifest);
      if (!this.folder.isHere(imageId)) this.fetches.begin(manifest);
    }
    return this.cache.hold(imageId, () => {
      this.inUse.delete(imageId);
      this.promised.delete(imageId);
      this.tend();
    });
  }

  /** Of an image that nobody holds nothing is promised. */
  promise(imageId: string, forms: Promise<Uint8Array>): void {
    if (!this.cache.isHeld(imageId)) return;
    this.promised.set(imageId, forms);
    forms.catch(() => this.promised.delete(imageId));
  }

  serverOf(imageId: string): string | null {
    return this.knownImages.get(imageId)?.server ?? null;
  }

  fetchOf(imageId: string): FetchProgress | null {
    const manifest = this.folder.isHere(imageId) ? undefined : this.any(imageId);
    return manifest === undefined ? null : this.fetches.progress(manifest);
  }

  fetch(imageId: string): void {
    if (this.folder.isHere(imageId)) return;
    const manifest = this.any(imageId);
    if (manifest === undefined) throw noImage(imageId);
    this.fetches.order(manifest);
  }

  stopFetch(imageId: string): Promise<void> {
    return this.fetches.stop(imageId);
  }

  onChange(changed: (imageId: string) => void): void {
    this.listeners.push(changed);
  }

  /** Gone for all servers when it resolves, and from this one. Rejects with `away` while that cannot be told to the others. */
  async delete(image: Manifest, fitted: readonly Manifest[]): Promise<{ freedBytes: number }> {
    const { folder, knownImages } = this;
    if (this.going.has(image.id)) throw noImage(image.id);
    const all = [image, ...fitted];
    for (const { id } of all) this.going.add(id);
    try {
      for (const { id } of all) {
        await this.uploads.stop(id);
        await this.fetches.stop(id);
      }
      let freedBytes = 0;
      await this.hearing.exclusively(async () => {
        await this.removeFromRegistry(image);
        for (const { id } of all)
          if (folder.isHere(id)) freedBytes += (await folder.delete(id)).freedBytes;
        // Last: what a crash leaves here is known to have been in the campus, and is not put there again.
        await knownImages.forget(all.map(({ id }) => id));
      });
      return { freedBytes };
    } finally {
      for (const { id } of all) this.going.delete(id);
    }
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.repairs.close();
    await Promise.all([this.fetches.close(), this.uploads.close()]);
    await Promise.all(this.background);
    await this.hearing.close();
    await this.sweeping;
    await this.folder[Symbol.asyncDispose]();
  }

  private newCache(used: Map<string, number>, changed: (imageId: string) => void): Cache {
    const { folder, ports } = this;
    const { disk, directory, time, cacheBytes: limitBytes } = ports;
    return new Cache(
      {
        ...{ disk, directory, time, limitBytes },
        images: () => folder.list(),
        usage: () => folder.usage(),
        isFree: ({ id }) =>
          (this.knownImages.has(id) || this.knownImages.goneSince(id) !== null) &&
          !this.cache.isHeld(id) &&
          !this.going.has(id) &&
          !this.uploads.isUnderWay(id),
        isInStorage: (image) => this.isInStorage(image),
        evict: ({ id }) => folder.delete(id).then(() => changed(id)),
      },
      used,
    );
  }

  private async isInStorage(image: Manifest): Promise<boolean> {
    if (this.knownImages.goneSince(image.id) !== null) return true;
    const { registry, objects, folder } = this;
    if (registry.away() !== null) return false;
    return isWhole(image, { registry, objects, index: ({ id }) => folder.index(id) });
  }

  private async removeFromRegistry({ id }: Manifest): Promise<void> {
    try {
      await this.registry.removeImage(id);
    } catch (error) {
      const isUnknown = error instanceof RoomcastError && error.code === "not-found";
      const isOwn = isAway(error) && !this.knownImages.has(id);
      if (!isUnknown && !isOwn) throw error;
    }
  }

  /** What is put into the storage next. */
  private due(): Manifest[] {
    if (!this.hearing.isFresh) return [];
    return this.standing.lacking().filter(({ id }) => !this.going.has(id));
  }

  /** Does what follows from what is known now. */
  tend(): void {
    if (this.closing.signal.aborted) return;
    this.uploads.wake();
    this.inBackground(this.clear());
    this.inBackground(this.repairs.run());
  }

  /** Removes from here what the campus has no more, and what the cache has too much. */
  private async clear(): Promise<void> {
    const { folder, fetches, knownImages } = this;
    for (const id of fetches.underWay())
      if (!knownImages.has(id) && !this.inUse.has(id)) await fetches.stop(id);
    for (const image of folder.list()) {
      if (this.cache.isHeld(image.id) || !this.isOver(image)) continue;
      const fitted = fittedOf(folder.list(), image.id);
      if (fitted.some(({ id }) => this.cache.isHeld(id))) continue;
      await this.hearing.exclusively(async () => {
        if (!folder.isHere(image.id) || !this.isOver(image)) return;
        await folder.delete(image.id);
        await knownImages.forget([image, ...fitted].map(({ id }) => id));
      });
    }
    await this.cache.makeRoom(0);
    await this.notes.handOn();
    this.trouble = null;
  }

  private isOver(image: Manifest): boolean {
    if (!this.hearing.isFresh || this.uploads.isUnderWay(image.id)) return false;
    return this.standing.isOver(image);
  }

  private async look(): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      await this.ports.time.sleep(lookEvery, signal);
      this.tend();
    }
  }

  /** What fails there is done again after the next change. */
  private inBackground(work: Promise<void>): void {
    const mine = work
      .catch((error: unknown) => {
        this.trouble = errorText(error);
      })
      .finally(() => this.background.delete(mine));
    this.background.add(mine);
  }
}
