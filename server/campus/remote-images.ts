/** Images as the storage has them: their indexes, where their chunks are, and chunks one by one. */
import { RoomcastError } from "../../core/errors.ts";
import { type Form, isSameForm, writeForm } from "../../core/image/forms.ts";
import { imageName } from "../../core/image/manifest.ts";
import type { IndexEntry, Manifest } from "../../core/image/types.ts";
import { makeRoom } from "../../core/units/make-room.ts";
import type { Checker } from "../store/checkers.ts";
import type { StoredChunk } from "../store/pack-job.ts";
import { decodeImageObject, imageObjectName, packObjectName, readRecord } from "./pack-object.ts";
import { PlaceTable } from "./place-table.ts";
import type { CampusPlace, ObjectStore, Registry } from "./ports.ts";
import type { Seal } from "./seal.ts";

/** Images whose indexes and places are kept in memory: 40 MB each for a disk of 500 GB. */
const imageLimit = 4;
/** Hashes that the registry is asked for at once: 128 KiB. */
export const hashesAtOnce = 4096;

export interface RemoteImagesPorts {
  readonly registry: Pick<Registry, "placesOf">;
  readonly objects: Pick<ObjectStore, "get">;
  readonly seal: Seal | null;
  readonly checker: Pick<Checker, "check">;
  /** Of chunks that this server has, whatever image they are of, their forms here. */
  formsHere(hashes: readonly Uint8Array[]): readonly (Form | null)[];
  /** Lets other work have its turn. */
  pause(): Promise<void>;
}

/** An image that is not here, or not whole. */
export interface RemoteImage {
  readonly manifest: Manifest;
  /** As committed: it matches the root hash. */
  readonly index: Uint8Array;
  readonly table: PlaceTable;
}

export class RemoteImages {
  private readonly ports: RemoteImagesPorts;
  private readonly images = new Map<string, Promise<RemoteImage>>();

  constructor(ports: RemoteImagesPorts) {
    this.ports = ports;
  }

  /** Rejects with `away`, and with `bad-input` where the storage has lost its index or that is damaged. */
  load(manifest: Manifest): Promise<RemoteImage> {
    const { id } = manifest;
    const known = this.images.get(id);
    if (known !== undefined) return known;
    const image = this.read(manifest);
    image.catch(() => this.images.delete(id));
    makeRoom(this.images, imageLimit);
    this.images.set(id, image);
    return image;
  }

  /** In which forms its chunks are answered as things are now: those of here, and of what is not here those of the storage. */
  async forms({ table }: RemoteImage): Promise<Uint8Array> {
    const forms = table.storedForms;
    for (const entries of batches(table)) {
      const here = this.ports.formsHere(entries.map((entry) => table.hash(entry)));
      for (const [at, entry] of entries.entries()) {
        const form = here[at] ?? null;
        if (form !== null) writeForm(forms, entry, form);
      }
      await this.ports.pause();
    }
    return forms;
  }

  forget(imageId: string): void {
    this.images.delete(imageId);
  }

  /** The chunk of an entry in just this form, from the storage. Rejects as `get` of its record, and with `bad-input` where there is none. */
  async chunkInForm(entry: IndexEntry): Promise<StoredChunk> {
    const [place] = await this.ports.registry.placesOf(entry.sha256);
    if (place === null || place === undefined || !isSameForm(place.entry, entry)) {
      const what = `chunk ${entry.chunkIndex} is not in the storage in the form that was announced`;
      throw new RoomcastError("bad-input", what, "start the restore again");
    }
    return { entry, stored: await this.record(place) };
  }

  /** The stored bytes of a chunk. */
  async record(place: CampusPlace, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const { objects, seal } = this.ports;
    const record = await objects.get(packObjectName(place.pack), place, signal);
    return new Uint8Array(readRecord(record, place, seal));
  }

  private async read(manifest: Manifest): Promise<RemoteImage> {
    const index = await this.readIndex(manifest);
    const table = new PlaceTable(index);
    for (const entries of batches(table)) {
      const places = await this.ports.registry.placesOf(table.hashes(entries));
      for (const [at, entry] of entries.entries()) table.set(entry, places[at] ?? null);
      await this.ports.pause();
    }
    return { manifest, index, table };
  }

  private async readIndex(manifest: Manifest): Promise<Uint8Array> {
    const { id, diskBytes, rootHash } = manifest;
    const name = imageObjectName(id, "index");
    const { objects, seal, checker } = this.ports;
    const bytes = await objects.get(name).catch((cause: unknown) => {
      if (cause instanceof RoomcastError && cause.code === "not-found")
        throw lostIndex(manifest, `the storage has lost its object ${name}`, cause);
      throw cause;
    });
    const index = decodeImageObject(name, bytes, seal);
    const found = await checker.check({ type: "index", index, diskBytes });
    const why = found.fault ?? (found.rootHash === rootHash ? null : "it is of another image");
    if (why !== null) throw lostIndex(manifest, `its object ${name} is damaged: ${why}`);
    return new Uint8Array(index);
  }
}

/** The entries whose chunks are not zeros, some at once. */
export function* batches(table: PlaceTable): Generator<number[]> {
  for (let first = 0; first < table.entryCount; first += hashesAtOnce) {
    const entries: number[] = [];
    const end = Math.min(first + hashesAtOnce, table.entryCount);
    for (let entry = first; entry < end; entry++) if (!table.isZero(entry)) entries.push(entry);
    if (entries.length > 0) yield entries;
  }
}

const lostIndex = (manifest: Manifest, what: string, cause?: unknown): RoomcastError =>
  new RoomcastError(
    "bad-input",
    `the index of image ${imageName(manifest)} cannot be read: ${what}`,
    "run `roomcast image verify --repair` on a server that has the image, or put the object back from a backup of the storage",
    { cause },
  );
