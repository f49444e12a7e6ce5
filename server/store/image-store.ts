import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { CastChunkSource } from "../../core/cast/ends.ts";
import type { Manifest } from "../../core/image/types.ts";
import { systemClock } from "../../core/node/clock.ts";
import { type CatalogueFile, catalogueIn, openCatalogue } from "./catalogue.ts";
import { type Checker, Checkers } from "./checkers.ts";
import { Chunks } from "./chunks.ts";
import { nodeFiles, type StoreFiles } from "./files.ts";
import { FolderStore } from "./folder-store.ts";
import { readManifests } from "./image-files.ts";
import { ImageNotes } from "./image-notes.ts";
import { ImageNumbers } from "./image-numbers.ts";
import type { ImageWriter } from "./image-writer.ts";
import type { StoredChunk } from "./pack-job.ts";
import { Packs } from "./packs.ts";
import type { RepackOptions, RepackOrder, RepackReport } from "./repack.ts";
import type { SweepStep } from "./sweep.ts";
import { findDeadBeside } from "./sweep-beside.ts";
import type { VerifyOptions, VerifyReport } from "./verify.ts";

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
  /** Whether all of it is in this server's folder. Of one that is not, chunks come over the campus's storage. */
  isHere(imageId: string): boolean;
  /** An image that is here stays until this is disposed of, unless somebody orders its deletion. */
  hold(imageId: string): Disposable;
  /** Where a cast reads the chunks of an image; `index`: with the forms that its receivers were told. */
  castSource(imageId: string, index: Uint8Array): CastChunkSource;
  /** What there is beside the folder; null: the server belongs to no campus. */
  readonly campus: CampusImages | null;
  /** The index as stored. Rejects with `not-found`, or `bad-input` when it is damaged. */
  index(imageId: string): Promise<Uint8Array>;
  /**
   * The stored bytes of an index entry; empty for `codec.zero`. Rejects with `not-found`, or with
   * `bad-input` that names image and chunk when they do not match their CRC.
   */
  readChunk(imageId: string, entryIndex: number): Promise<Uint8Array>;
  /** The same with the index entry, in its form of now. */
  storedChunk(imageId: string, entryIndex: number): Promise<StoredChunk>;
  /**
   * In which forms its chunks are stored now (`core/image/forms.ts`); the same for as long as whoever has images
   * packed anew says that they are not free. Rejects as `index`.
   */
  forms(imageId: string): Promise<Uint8Array>;
  /** Nothing is packed anew until it is disposed of. */
  holdForms(): Disposable;
  /** Bytes of its chunks as they are stored now, as far as its own packing is known; of an image that is there. */
  storedBytes(image: Manifest): number;
  /** It was packed anew, and to its end. */
  isPacked(imageId: string): boolean;
  /**
   * Packs the chunks of an image anew where that is smaller; what it is made of does not change, and images that share
   * chunks share that. Done again, it goes on where it ended. Rejects with `cancelled`, `not-found`, `no-space`.
   */
  repack(imageId: string, options: RepackOptions): Promise<RepackReport>;
  /** Images that somebody ordered to be packed anew, and how. */
  readonly ordered: ReadonlyMap<string, RepackOrder>;
  /** Null: no more. Durable when it resolves. */
  order(imageId: string, how: RepackOrder | null): Promise<void>;
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
  /** What staff wrote on the image; empty: nothing. */
  notes(imageId: string): string;
  /** As `keptImageNotes` keeps them; empty: none any more. Durable when it resolves. Rejects with `not-found`. */
  writeNotes(imageId: string, text: string): Promise<void>;
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

/** How an image comes here, or why it does not. */
export interface FetchProgress {
  readonly state: "waiting" | "fetching" | "failed";
  readonly chunksDone: number;
  readonly chunksTotal: number;
  /** In words, of one that waits or has failed. */
  readonly reason: string | null;
}

/** The images of all servers of a campus, as one of them has them. */
export interface CampusImages {
  /** Which server made it; null: the campus does not have it yet. */
  serverOf(imageId: string): string | null;
  /** Null: it is here, or nobody wants it here. */
  fetchOf(imageId: string): FetchProgress | null;
  /** Has an image brought here, in the background. Throws `not-found`; of one that is here, nothing happens. */
  fetch(imageId: string): void;
  /** What came by then goes, unless another image needs it. */
  stopFetch(imageId: string): Promise<void>;
  /** Called when an image came into being, went, or is seen otherwise than before. */
  onChange(changed: (imageId: string) => void): void;
}

/** What the store has of the machine that it is on. */
export interface StorePorts {
  readonly disk: StoreFiles;
  readonly catalogue: CatalogueFile;
  /** What none of these images needs, whose indexes are in `folder`. Rejects with `bad-input` where one cannot be read. */
  findDead(folder: string, images: readonly Manifest[]): AsyncIterable<SweepStep>;
  /** Closed with the store. */
  readonly checker: Checker;
  /** An id that no image has had, and the time. */
  newImage(): Pick<Manifest, "id" | "capturedAt">;
  /** Of a server that belongs to a campus: an image that is not in the folder may be elsewhere. */
  readonly campus?: FolderInCampus;
}

/** What a campus does for one of its folders. */
export interface FolderInCampus {
  /** Makes room for so many bytes, as far as what is here is elsewhere too. */
  makeRoom(bytes: number): Promise<void>;
  /** There is one image more in the folder. */
  committed(): void;
}

export const nodePorts = (directory: string): StorePorts => ({
  disk: nodeFiles,
  catalogue: catalogueIn(directory),
  findDead: (folder, images) =>
    findDeadBeside({ catalogue: join(directory, "catalogue.db"), folder, images }),
  checker: new Checkers(),
  newImage: () => ({ id: randomBytes(8).toString("hex"), capturedAt: systemClock.isoTime() }),
});

/** Opens the store, and makes it on first use. What an interrupted process left is removed. */
export async function openImageStore(
  directory: string,
  ports: StorePorts = nodePorts(directory),
): Promise<FolderStore> {
  const { disk } = ports;
  await disk.makeFolder(directory);
  const folder = join(directory, "images");
  const { images, problems } = await readManifests(disk, folder);
  const numbers = await ImageNumbers.open(disk, directory);
  const notes = await ImageNotes.open(disk, folder);
  const packs = await Packs.open(join(directory, "packs"), disk);
  const catalogue = await openCatalogue(ports.catalogue, packs);
  const chunks = new Chunks({
    ...{ packs, catalogue },
    space: () => disk.space(directory),
    pause: () => disk.pause(),
  });
  const store = new FolderStore({
    ...{ ports, directory, folder, images, problems, numbers, notes, chunks },
  });
  await store.dropOrphans();
  await store.tidy();
  return store;
}
