import type { CastChunkSource } from "../../core/cast/ends.ts";
import type { Manifest } from "../../core/image/types.ts";
import type { ImageWriter } from "./image-writer.ts";
import type { StoredChunk } from "./pack-job.ts";
import type { RepackOptions, RepackOrder, RepackReport } from "./repack.ts";
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
