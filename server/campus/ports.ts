/**
 * What the servers of a campus share, as their store sees it: a storage that keeps immutable objects, and a
 * registry that says what there is. The registry decides; the storage is never asked what it has, but to
 * look for what nobody names.
 */
import type { IndexEntry, Manifest } from "../../core/image/types.ts";

/** Objects by name in S3-compatible storage. Rejects with `away` when the storage does not answer in time. */
export interface ObjectStore {
  /** Resolves when the storage has it, whole. The same name always has the same bytes: done again, nothing changes. */
  put(name: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void>;
  /** `range` in bytes. Rejects with `not-found`, and with `bad-input` when fewer bytes come than are there. */
  get(name: string, range?: ByteRange, signal?: AbortSignal): Promise<Uint8Array>;
  /** In bytes; null: there is no such object. */
  size(name: string): Promise<number | null>;
  /** Also when there is none. */
  remove(name: string): Promise<void>;
  /** A listing may lag behind: it finds what nobody names, and proves nothing. */
  list(prefix: string): AsyncIterable<{ readonly name: string; readonly bytes: number }>;
}

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/** Where the storage has a chunk. */
export interface CampusPlace {
  /** SHA-256 of the pack's bytes, hex: its name. */
  readonly pack: string;
  /** Of the chunk's record in the pack, in bytes. */
  readonly offset: number;
  /** Of the record: header, sealing and stored bytes. */
  readonly length: number;
  /** The chunk in its stored form; its `chunkIndex` is 0. */
  readonly entry: IndexEntry;
}

/** A pack that is in the storage. */
export interface CampusPack {
  readonly name: string;
  readonly bytes: number;
  readonly places: readonly CampusPlace[];
}

/** What is known of a pack that the storage must have. */
export interface PackUse {
  readonly bytes: number;
  /** The ids of the images that need a chunk in it. */
  readonly images: readonly string[];
}

/** What is known of an image in all servers. */
export interface CampusImage {
  readonly manifest: Manifest;
  /** Name of the server that committed it. */
  readonly server: string;
  /** What staff wrote on it; empty: nothing. */
  readonly notes: string;
}

/** One server's writing of one image. What it holds is not swept until it ends, or until nothing was heard of it for a day. */
export interface CampusWriter {
  /**
   * For SHA-256 hashes, 32 bytes each: where each is, or null where it is to be put. A chunk that was about
   * to be swept is taken back, in the same step.
   */
  hold(hashes: Uint8Array): Promise<(CampusPlace | null)[]>;
  /**
   * The pack is in the storage. A chunk that another writer put meanwhile keeps its place, but where that is in a pack of
   * `insteadOf`: packs that the storage has lost.
   */
  addPack(pack: CampusPack, insteadOf?: readonly string[]): Promise<void>;
  /**
   * Makes the image be for all servers, last of all: its index is in the storage, and `hashes` are those of its
   * chunks. Rejects with `conflict` when one of them is not there, or the image is already.
   */
  commit(manifest: Manifest, hashes: Uint8Array): Promise<void>;
  end(): Promise<void>;
}

/** What is shared of images, in PostgreSQL. Each call rejects with `away` while the database is away. */
export interface Registry {
  /** All images, by name and version. */
  images(): Promise<CampusImage[]>;
  /** The next version of a name, in the spelling that it has: no two servers are given the same, nor one that was deleted. */
  takeVersion(name: string): Promise<{ readonly name: string; readonly version: number }>;
  beginWriter(): Promise<CampusWriter>;
  /** For SHA-256 hashes, 32 bytes each; null: the storage does not have it. */
  placesOf(hashes: Uint8Array): Promise<(CampusPlace | null)[]>;
  /** Null: the storage need not have it. */
  packUse(pack: string): Promise<PackUse | null>;
  /** Lets the other servers look whether the storage has lost a pack. A hint: nothing is known by it. */
  tellLost(pack: string): Promise<void>;
  onLost(heard: (pack: string) => void): Disposable;
  /** Gone for all servers when it resolves, with its fitted versions; `not-found`. Its chunks go with a later sweep. */
  removeImage(id: string): Promise<void>;
  /** What staff write on an image, for all servers; `not-found`. */
  writeNotes(id: string, notes: string): Promise<void>;
  /** Called after something may have changed, here or elsewhere, and each time that the database was reached again. */
  onChange(changed: () => void): Disposable;
  /** Null: it is there. Else since when it has not answered (ISO 8601), and why, in words. */
  away(): { readonly since: string; readonly reason: string } | null;
  [Symbol.asyncDispose](): Promise<void>;
}
