/**
 * The images of a server's data folder, read by its files while the server may be running, as a backup does it. Nothing
 * is written there.
 */
import { join } from "node:path";
import { RoomcastError } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import type { Manifest } from "../../core/image/types.ts";
import { type Catalogue, readCatalogue } from "../store/catalogue.ts";
import { checkHere } from "../store/checkers.ts";
import { readChunkOf } from "../store/chunk-reader.ts";
import { readOnlyFiles } from "../store/files.ts";
import { readIndex, readManifest, readManifests } from "../store/image-files.ts";
import type { StoredChunk } from "../store/pack-job.ts";
import { Packs } from "../store/packs.ts";

export class Island implements AsyncDisposable {
  /** The oldest first; a fitted version follows what it was made of. */
  readonly images: readonly Manifest[];
  private readonly folder: string;
  private readonly catalogue: Catalogue;
  private readonly packs: Packs;
  /** The index that was read last. */
  private last: { readonly id: string; readonly index: Promise<Uint8Array> } | null = null;

  private constructor(
    images: readonly Manifest[],
    parts: { readonly folder: string; readonly catalogue: Catalogue; readonly packs: Packs },
  ) {
    this.images = images;
    this.folder = parts.folder;
    this.catalogue = parts.catalogue;
    this.packs = parts.packs;
  }

  /** Rejects with `bad-input` for a folder without images, and for one with manifests that cannot be read. */
  static async open(dataFolder: string): Promise<Island> {
    const store = join(dataFolder, "store");
    const folder = join(store, "images");
    const next = "name the server's data folder with --data, and run it as root";
    const { images, problems } = await readManifests(readOnlyFiles, folder).catch((cause) => {
      const what = `${dataFolder} has no images of a server that can be read`;
      throw new RoomcastError("bad-input", what, next, { cause });
    });
    const [problem] = problems;
    if (problem !== undefined)
      throw new RoomcastError("bad-input", problem, "see `roomcast status` on this server");
    let catalogue: Catalogue;
    try {
      catalogue = readCatalogue(store);
    } catch (cause) {
      const what = `${dataFolder} has no catalogue of its chunks`;
      throw new RoomcastError("bad-input", what, "start the server once: it makes one", { cause });
    }
    const packs = await Packs.open(join(store, "packs"), readOnlyFiles);
    const order = (image: Manifest): string =>
      `${image.fitOf === undefined ? 0 : 1} ${image.capturedAt}`;
    const sorted = images.toSorted((one, other) => (order(one) < order(other) ? -1 : 1));
    return new Island(sorted, { folder, catalogue, packs });
  }

  /** Rejects with `bad-input` where it is damaged. */
  index(imageId: string): Promise<Uint8Array> {
    if (this.last?.id === imageId) return this.last.index;
    const image = this.image(imageId);
    const index = readIndex(readOnlyFiles, this.folder, image, checkHere);
    this.last = { id: imageId, index };
    return index;
  }

  /** A chunk in its stored form, whose CRC is right. Rejects with `bad-input`. */
  async storedChunk(imageId: string, entry: number): Promise<StoredChunk> {
    const { catalogue, packs } = this;
    return readChunkOf(this.image(imageId), await this.index(imageId), entry, {
      find: (hash) => catalogue.find(hash),
      read: (place) => packs.read(place),
    });
  }

  /** Whether the server has not deleted it meanwhile. */
  async stillHas(imageId: string): Promise<boolean> {
    try {
      await readManifest(readOnlyFiles, this.folder, imageId);
      return true;
    } catch (error) {
      if (error instanceof RoomcastError && error.code === "not-found") return false;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.packs.close();
    this.catalogue.close();
  }

  private image(imageId: string): Manifest {
    const image = this.images.find(({ id }) => id === imageId);
    if (image === undefined) throw new Error(`no image ${imageId} was read`);
    return image;
  }
}

/** For lists of images in sentences. */
export const namesOf = (images: readonly Manifest[]): string => images.map(imageName).join(", ");
