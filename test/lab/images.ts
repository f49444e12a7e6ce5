/**
 * The real image store over a disk of the lab: what is in it survives the server's process, and what the
 * store has said to be there must be there, whole, whatever died in between.
 */
import { DatabaseSync } from "node:sqlite";
import { RoomcastError } from "../../core/errors.ts";
import { crc32c } from "../../core/image/crc32c.ts";
import { decodeIndex, encodeIndex } from "../../core/image/index-codec.ts";
import { imageName } from "../../core/image/manifest.ts";
import { codec, type IndexEntry, type Manifest } from "../../core/image/types.ts";
import { sha256 } from "../../core/node/hash.ts";
import { doCheck } from "../../server/store/check-jobs.ts";
import type { Checker } from "../../server/store/checkers.ts";
import type { StoreFiles } from "../../server/store/files.ts";
import { readIndex } from "../../server/store/image-files.ts";
import type { ImageStore } from "../../server/store/image-store.ts";
import type { ImageWriter } from "../../server/store/image-writer.ts";
import { openImageStore } from "../../server/store/open-image-store.ts";
import { SeenTable } from "../../server/store/seen-chunks.ts";
import type { StorePorts } from "../../server/store/store-ports.ts";
import { findDead, type SweepStep } from "../../server/store/sweep.ts";
import { draftOf } from "../server/store/write-image.ts";
import { must } from "./failures.ts";
import { type Bus, LabFiles } from "./files.ts";
import type { Lab } from "./lab.ts";

const folder = "/store";

/** An image on its way into the store. */
/** A cell is its own hash's text: there is nothing to inflate. */
const checker: Checker = {
  check: async (job) => (job.type === "chunk" ? { fault: null, rootHash: "" } : doCheck(job)),
  async close() {},
};

export class Upload {
  readonly cells: readonly string[];
  readonly writer: ImageWriter;
  /** NAME@VERSION, once it is there. */
  image: string | null = null;

  constructor(writer: ImageWriter, cells: readonly string[]) {
    this.writer = writer;
    this.cells = cells;
  }
}

export class LabImages {
  private readonly lab: Lab;
  private readonly files: LabFiles;
  private db: DatabaseSync | null = null;
  private store: ImageStore | null = null;
  /** What every image that ever was is, by NAME@VERSION. */
  private readonly contents = new Map<string, readonly string[]>();
  private readonly ids = new Map<string, string>();
  /** Said to be there, and nobody has asked to delete them. */
  private readonly alive = new Set<string>();
  private readonly gone = new Set<string>();
  /** What was on its way when a process died may be there all the same. */
  private readonly uploads = new Set<Upload>();
  private made = 0;

  constructor(lab: Lab, random: () => number) {
    this.lab = lab;
    this.files = new LabFiles(random);
  }

  /** The cells of an image, whether it is there still or not. */
  cellsOf(image: string): readonly string[] | null {
    return this.contents.get(image) ?? null;
  }

  /** What operators may restore. */
  get names(): string[] {
    return (this.store?.list() ?? []).map(imageName);
  }

  // --- the process

  /** Stores what is there before the lab begins. */
  async prepare(images: readonly (readonly [name: string, cells: readonly string[]])[]) {
    this.store = await openImageStore(folder, this.ports({ done: async (work) => work() }, true));
    for (const [name, cells] of images) await this.take(this.begin(name, cells));
    this.died(false);
  }

  /** Opens the store as a process does that starts. */
  async open(bus: Bus): Promise<void> {
    const { lab } = this;
    const store = await openImageStore(folder, this.ports(bus, lab.plant !== "no-sync"));
    must(store.problems.length === 0, () => `the store has: ${store.problems.join("; ")}`);
    const found = store.list();
    const names = found.map(imageName);
    for (const name of this.alive) must(names.includes(name), () => `${name} is lost`);
    for (const manifest of found) await this.found(store, manifest);
    this.store = store;
    this.uploads.clear();
  }

  /** The process has died, and perhaps the power is gone. */
  died(isPowerGone: boolean): void {
    this.store = null;
    if (isPowerGone) this.files.losePower();
  }

  /** Every image that has to be there is there whole. */
  async checkAll(): Promise<void> {
    const { store } = this;
    if (store === null) return;
    for (const name of this.alive) {
      const manifest = store.find(name);
      must(manifest !== undefined, () => `${name} is not in the store any more`);
      if (manifest !== undefined) this.isRight(name, await readCells(store, manifest));
    }
  }

  private ports(bus: Bus, syncs: boolean): StorePorts {
    const { lab } = this;
    const stored = this;
    const disk = this.files.through(bus, syncs);
    return {
      disk,
      catalogue: {
        exists: () => stored.db !== null,
        isSound: async () => true,
        open() {
          stored.db ??= new DatabaseSync(":memory:");
          return stored.db;
        },
        remove() {
          stored.db = null;
        },
      },
      findDead: (folder, images) => stored.dead(folder, images, disk),
      openSeen: () => new SeenTable(),
      checker,
      newImage: () => ({
        id: (++this.made).toString(16).padStart(16, "0"),
        capturedAt: new Date(lab.now).toISOString(),
      }),
    };
  }

  private async *dead(
    folder: string,
    images: readonly Manifest[],
    disk: StoreFiles,
  ): AsyncGenerator<SweepStep> {
    const indexes = async function* (): AsyncGenerator<Uint8Array> {
      for (const image of images) yield await readIndex(disk, folder, image, checker);
    };
    if (this.db !== null) yield* findDead(this.db, indexes(), () => disk.pause());
  }

  /** An image that a process finds when it starts. */
  private async found(store: ImageStore, manifest: Manifest): Promise<void> {
    const name = imageName(manifest);
    const before = this.ids.get(name);
    // A fitted version that was deleted may be made again.
    const isOnce = manifest.fitOf === undefined;
    must(
      !isOnce || before === undefined || before === manifest.id,
      () => `${name} is given to a second image`,
    );
    must(!isOnce || !this.gone.has(name), () => `${name} was deleted, and is there again`);
    const cells = await readCells(store, manifest);
    const known = this.contents.get(name);
    if (known !== undefined) this.isRight(name, cells);
    else {
      // Committed by a process that died before it could say so.
      const isOne = [...this.uploads].some((upload) => isSame(upload.cells, cells));
      must(isOne, () => `${name} holds ${cells.join()}, which nobody has captured`);
    }
    this.committed(manifest, cells);
  }

  private isRight(name: string, cells: readonly (string | null)[]): void {
    must(
      isSame(this.contents.get(name) ?? [], cells),
      () => `${name} is not whole: it holds ${cells.join()}`,
    );
  }

  private committed(manifest: Manifest, cells: readonly string[]): void {
    const name = imageName(manifest);
    this.contents.set(name, [...cells]);
    this.ids.set(name, manifest.id);
    this.alive.add(name);
  }

  // --- what the server does with it

  /** An image that is about to come. */
  begin(name: string, cells: readonly string[]): Upload {
    must(this.store !== null, () => "an image comes while the server is down");
    const upload = new Upload((this.store as ImageStore).beginImage(name), cells);
    this.uploads.add(upload);
    return upload;
  }

  /** Stores it chunk by chunk; rejects when it was aborted meanwhile. */
  async take(upload: Upload): Promise<string> {
    const { writer, cells } = upload;
    const chunks = cells.map(entryOf);
    const known = writer.known(Buffer.concat(chunks.map(({ entry }) => entry.sha256)));
    for (const [index, { entry, stored }] of chunks.entries()) {
      const isKnown = ((known[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
      if (!isKnown) await writer.put(entry, stored);
    }
    const index = encodeIndex(chunks.map(({ entry }) => entry));
    const manifest = await writer.commit(draftOf(index, cells.length), index);
    this.committed(manifest, cells);
    upload.image = imageName(manifest);
    return upload.image;
  }

  /** The version of an image for disks of this size, made where there is none. */
  async fit(name: string, size: string): Promise<string> {
    const { store } = this;
    const origin = store?.find(name);
    must(store !== null && origin !== undefined, () => `${name} is to be fitted, and is gone`);
    if (store === null || origin === undefined) return "";
    const own = imageName({ ...origin, fitSize: size });
    const cells = (this.cellsOf(name) ?? []).map((cell) => `${cell}/${size}`);
    try {
      const upload = new Upload(store.beginFitted(origin, size), cells);
      this.uploads.add(upload);
      return await this.take(upload);
    } catch (error) {
      // Another session had it made.
      if (error instanceof RoomcastError && error.code === "conflict") return own;
      throw error;
    }
  }

  /** What is deleted with an image: itself, and its fitted versions. */
  goingWith(name: string): string[] {
    const images = this.store?.list() ?? [];
    const id = images.find((each) => imageName(each) === name)?.id;
    return images.filter((each) => each.id === id || each.fitOf === id).map(imageName);
  }

  async delete(name: string): Promise<void> {
    const { store } = this;
    const manifest = store?.find(name);
    if (store === null || manifest === undefined) return;
    const going = this.goingWith(name);
    for (const each of going) this.alive.delete(each);
    await store.delete(manifest.id);
    for (const each of going) this.gone.add(each);
  }

  /** A cell as the store has it; null: it has it no more, or another. */
  async read(name: string, index: number): Promise<string | null> {
    const { store } = this;
    const manifest = store?.find(name);
    if (store === null || manifest === undefined) return null;
    try {
      return cellIn(await store.readChunk(manifest.id, index));
    } catch {
      return null;
    }
  }
}

/** In the form of a compressed chunk, which may be as short as it likes. */
function entryOf(cell: string, chunkIndex: number): { entry: IndexEntry; stored: Uint8Array } {
  const stored = new TextEncoder().encode(cell);
  const { length: storedLength } = stored;
  const entry = { chunkIndex, codec: codec.zstd, storedLength, crc32c: crc32c(stored) };
  return { entry: { ...entry, sha256: sha256(stored) }, stored };
}

const cellIn = (stored: Uint8Array): string => new TextDecoder().decode(stored);

async function readCells(store: ImageStore, { id, diskBytes }: Manifest): Promise<string[]> {
  const decoded = decodeIndex(await store.index(id), diskBytes);
  must(decoded.ok, () => `the index of ${id} is damaged`);
  const cells: string[] = [];
  for (let index = 0; decoded.ok && index < decoded.value.length; index++) {
    try {
      cells.push(cellIn(await store.readChunk(id, index)));
    } catch (error) {
      cells.push(`lost (${error})`);
    }
  }
  return cells;
}

const isSame = (one: readonly (string | null)[], other: readonly (string | null)[]): boolean =>
  one.length === other.length && one.every((cell, index) => cell === other[index]);
