/**
 * The image store of a server that belongs to a campus: its folder, which has a part of the images, and all of them
 * in the storage and the registry. What is not here comes when it is read.
 */

import type { CastChunkSource } from "../../core/cast/ends.ts";
import { assert, RoomcastError } from "../../core/errors.ts";
import { formBytes, formOffset, isSameForm } from "../../core/image/forms.ts";
import { decodeEntry } from "../../core/image/index-codec.ts";
import { imageName } from "../../core/image/manifest.ts";
import { indexEntryBytes, type Manifest } from "../../core/image/types.ts";
import { noImage } from "../store/faults.ts";
import type { FolderStore } from "../store/folder-store.ts";
import { fittedOf, imageIn } from "../store/image-names.ts";
import type { CampusImages, ImageStore } from "../store/image-store.ts";
import type { ImageWriter } from "../store/image-writer.ts";
import type { StoredChunk } from "../store/pack-job.ts";
import type { RepackOptions, RepackOrder, RepackReport } from "../store/repack.ts";
import type { Damage, VerifyOptions, VerifyReport } from "../store/verify.ts";
import type { Campus } from "./campus.ts";
import { lostObjects } from "./storage-check.ts";

export class CampusStore implements ImageStore {
  private readonly folder: FolderStore;
  private readonly parts: Campus;
  private readonly others = new AsyncDisposableStack();

  constructor(parts: Campus) {
    this.folder = parts.folder;
    this.parts = parts;
  }

  get problems(): readonly string[] {
    return this.folder.problems;
  }

  get warnings(): readonly string[] {
    return [...this.folder.warnings, ...this.parts.warnings];
  }

  get campus(): CampusImages {
    return this.parts;
  }

  list(): Manifest[] {
    return this.parts.list();
  }

  find(reference: string): Manifest | undefined {
    // By its id also one that is on its way out: a session may be using it.
    return imageIn(this.list(), reference) ?? this.parts.any(reference);
  }

  isHere(imageId: string): boolean {
    return this.folder.isHere(imageId);
  }

  hold(imageId: string): Disposable {
    return this.parts.hold(imageId);
  }

  castSource(imageId: string, index: Uint8Array): CastChunkSource {
    const { promised } = this.parts;
    if (this.folder.isHere(imageId) && !promised.has(imageId))
      return this.folder.castSource(imageId, index);
    return {
      read: async (entryIndex) => {
        const found = await this.storedChunk(imageId, entryIndex);
        // The buffer becomes the cast's own.
        const stored = await this.inPromisedForm(found, entryAt(index, entryIndex));
        return new Uint8Array(stored);
      },
    };
  }

  async index(imageId: string): Promise<Uint8Array> {
    this.parts.cache.use(imageId);
    if (this.folder.isHere(imageId)) return this.folder.index(imageId);
    return (await this.parts.remotes.load(this.known(imageId))).index;
  }

  /** For as long as somebody holds the image they are the same, also when it comes here meanwhile. */
  forms(imageId: string): Promise<Uint8Array> {
    const promised = this.parts.promised.get(imageId);
    if (promised !== undefined) return promised;
    if (this.folder.isHere(imageId)) return this.folder.forms(imageId);
    const { remotes } = this.parts;
    const forms = remotes.load(this.known(imageId)).then((remote) => remotes.forms(remote));
    this.parts.promise(imageId, forms);
    return forms;
  }

  async readChunk(imageId: string, entryIndex: number): Promise<Uint8Array> {
    const promised = await this.parts.promised.get(imageId);
    const found = await this.storedChunk(imageId, entryIndex);
    if (promised === undefined) return found.stored;
    const entry = entryAt(await this.index(imageId), entryIndex);
    entry.set(promised.subarray(entryIndex * formBytes, (entryIndex + 1) * formBytes), formOffset);
    return this.inPromisedForm(found, entry);
  }

  async storedChunk(imageId: string, entryIndex: number): Promise<StoredChunk> {
    this.parts.cache.use(imageId);
    if (this.folder.isHere(imageId)) return this.folder.storedChunk(imageId, entryIndex);
    const manifest = this.known(imageId);
    if (!Number.isInteger(entryIndex) || entryIndex < 0 || entryIndex >= manifest.chunkCount) {
      const what = `image ${imageName(manifest)} has no index entry ${entryIndex}`;
      throw new RoomcastError("not-found", what, "fetch the image's index again");
    }
    return this.parts.fetches.read(manifest, entryIndex);
  }

  holdForms(): Disposable {
    return this.folder.holdForms();
  }

  storedBytes(image: Manifest): number {
    return this.folder.storedBytes(image);
  }

  isPacked(imageId: string): boolean {
    return this.folder.isPacked(imageId);
  }

  async repack(imageId: string, options: RepackOptions): Promise<RepackReport> {
    using _ = this.hold(imageId);
    return await this.folder.repack(imageId, options);
  }

  get ordered(): ReadonlyMap<string, RepackOrder> {
    return this.folder.ordered;
  }

  async order(imageId: string, how: RepackOrder | null): Promise<void> {
    if (how !== null && !this.folder.isHere(imageId)) {
      const name = imageName(this.known(imageId));
      const next = `bring it here first: \`roomcast image fetch ${name} --wait\``;
      throw new RoomcastError("conflict", `the image ${name} is not on this server`, next);
    }
    await this.folder.order(imageId, how);
  }

  beginImage(name: string): ImageWriter {
    const { versions } = this.parts;
    return this.folder.beginImage(name, (each, signal) => versions.take(each, signal));
  }

  beginFitted(origin: Manifest, fitSize: string): ImageWriter {
    return this.folder.beginFitted(origin, fitSize, (reference) => this.find(reference));
  }

  notes(imageId: string): string {
    return this.parts.notes.of(imageId);
  }

  writeNotes(imageId: string, text: string): Promise<void> {
    return this.parts.notes.write(imageId, text);
  }

  leastDiskBytes(imageId: string): number | null {
    return this.folder.leastDiskBytes(imageId) ?? this.parts.least.get(imageId) ?? null;
  }

  async noteLeastDisk(imageId: string, bytes: number): Promise<void> {
    if (this.folder.isHere(imageId)) return this.folder.noteLeastDisk(imageId, bytes);
    this.parts.least.set(this.known(imageId).id, bytes);
  }

  /** Chunks that are here are hashed again; of what is in the storage, that its objects are there. */
  async verify(imageId: string | null, options: VerifyOptions): Promise<VerifyReport> {
    const { folder, registry, objects } = this.parts;
    const images = imageId === null ? this.list() : [this.known(imageId)];
    using holds = new DisposableStack();
    for (const { id } of images) if (folder.isHere(id)) holds.use(this.hold(id));
    const isHere = imageId === null || folder.isHere(imageId);
    const here = isHere ? await folder.verify(imageId, options) : { damaged: [] };
    const shared = images.filter(({ id }) => this.parts.serverOf(id) !== null);
    const look = (): Promise<Damage[]> =>
      lostObjects(shared, {
        ...{ registry, objects, signal: options.signal },
        index: ({ id }) => this.index(id),
      });
    const found = await look();
    const isRepaired = options.repair === true && found.length > 0;
    if (isRepaired) await this.parts.repairs.repair(shared, found, options.signal);
    const lost = isRepaired ? await look() : found;
    const damaged = [...here.damaged, ...lost];
    // What could not be put there, maybe because of what this has found, is tried again.
    this.parts.uploads.retry();
    const report = { ok: damaged.length === 0, damaged };
    if (options.repair !== true) return report;
    const stillLost = new Set(lost.map(({ pack }) => pack));
    const repaired = found.flatMap(({ pack }) =>
      pack === null || stillLost.has(pack) ? [] : [pack],
    );
    return { ...report, repaired };
  }

  delete(imageId: string): Promise<{ freedBytes: number }> {
    const image = this.list().find(({ id }) => id === imageId) ?? this.parts.any(imageId);
    if (image === undefined) return Promise.reject(noImage(imageId));
    const fitted = fittedOf(this.list(), imageId);
    return this.parts.delete(image, fitted);
  }

  usage(): Promise<{ storedBytes: number; freeBytes: number }> {
    return this.folder.usage();
  }

  /** What is closed after the store, once nothing of it is in use. */
  closeWith(others: AsyncDisposable): void {
    this.others.use(others);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.parts.close();
    await this.others.disposeAsync();
  }

  /** A capture may have brought a chunk here in another form than the one that was told, which the storage has. */
  private async inPromisedForm(found: StoredChunk, entry: Uint8Array): Promise<Uint8Array> {
    const decoded = decodeEntry(entry);
    assert(decoded.ok, "an index that was checked has the entry that was read");
    const promised = decoded.value;
    if (isSameForm(found.entry, promised)) return found.stored;
    return (await this.parts.remotes.chunkInForm(promised)).stored;
  }

  private known(imageId: string): Manifest {
    const image = this.parts.any(imageId);
    if (image === undefined) throw noImage(imageId);
    return image;
  }
}

/** A copy of an entry of an index. */
const entryAt = (index: Uint8Array, entryIndex: number): Uint8Array =>
  new Uint8Array(index.subarray(entryIndex * indexEntryBytes, (entryIndex + 1) * indexEntryBytes));
