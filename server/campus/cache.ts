/**
 * What of the campus's images this server keeps: whole images, those used last the longest. Only what the storage
 * has whole goes, and nothing that somebody uses.
 */
import { imageName } from "../../core/image/manifest.ts";
import type { Manifest } from "../../core/image/types.ts";
import { Turns } from "../../core/node/turns.ts";
import type { StoreFiles } from "../store/files.ts";
import { writeNumbers } from "../store/image-files.ts";
import type { CampusTime } from "./patience.ts";

/** Milliseconds between two times that a use is written down: a cast asks for many things of its image. */
const noteEvery = 60_000;
/** Milliseconds since its last use that an image stays at least: who reads one chunk of it reads others. */
const restMs = 10 * 60_000;

export interface CachePorts {
  readonly disk: StoreFiles;
  readonly directory: string;
  readonly time: CampusTime;
  /** Of what the packs may take, in bytes; null: the disk alone is the bound. */
  readonly limitBytes: number | null;
  /** The images of the folder. */
  images(): readonly Manifest[];
  /** In bytes: what the packs take, and what images may still take of the disk. */
  usage(): Promise<{ readonly storedBytes: number; readonly freeBytes: number }>;
  /** Whether it may go as far as anybody knows; asked again at each step. */
  isFree(image: Manifest): boolean;
  /** Whether the storage has all of it, as far as that can be found out. */
  isInStorage(image: Manifest): Promise<boolean>;
  /** With its fitted versions. */
  evict(image: Manifest): Promise<void>;
}

export class Cache {
  private readonly ports: CachePorts;
  /** When each image was used last, in milliseconds since 1970. */
  private readonly used: Map<string, number>;
  private readonly holds = new Map<string, number>();
  /** Evictions happen one after the other. */
  private readonly turns = new Turns(1);

  /** `used`: what `used.json` says. */
  constructor(ports: CachePorts, used: Map<string, number>) {
    this.ports = ports;
    this.used = used;
  }

  isHeld(imageId: string): boolean {
    return this.holds.has(imageId);
  }

  /** `released`: nobody holds it any more. */
  hold(imageId: string, released: () => void): Disposable {
    this.use(imageId);
    this.holds.set(imageId, (this.holds.get(imageId) ?? 0) + 1);
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        const left = (this.holds.get(imageId) ?? 1) - 1;
        if (left > 0) return void this.holds.set(imageId, left);
        this.holds.delete(imageId);
        this.use(imageId);
        released();
      },
    };
  }

  use(imageId: string): void {
    const now = this.ports.time.now();
    if (now - (this.used.get(imageId) ?? 0) < noteEvery) return;
    this.used.set(imageId, now);
    const ids = new Set(this.ports.images().map(({ id }) => id));
    for (const id of this.used.keys()) if (id !== imageId && !ids.has(id)) this.used.delete(id);
    const { disk, directory } = this.ports;
    // What it costs to lose it: another image goes first.
    writeNumbers(disk, directory, "used.json", this.used).catch(() => {});
  }

  /** Evicts what was used least recently until so many bytes more are within the bound and on the disk, or nothing more may go. */
  makeRoom(bytes: number): Promise<void> {
    return this.turns.take(() => this.evictFor(bytes));
  }

  private async evictFor(bytes: number): Promise<void> {
    const { limitBytes, usage, isFree, isInStorage, evict } = this.ports;
    for (const family of this.families()) {
      if (this.usedAt(family) > this.ports.time.now() - restMs) return;
      const { storedBytes, freeBytes } = await usage();
      if (storedBytes + bytes <= (limitBytes ?? Infinity) && freeBytes >= bytes) return;
      if (!family.every(isFree)) continue;
      let isSafe = true;
      for (const image of family) isSafe &&= await isInStorage(image);
      const [origin] = family;
      if (isSafe && origin !== undefined && family.every(isFree)) await evict(origin);
    }
  }

  private usedAt(family: readonly Manifest[]): number {
    return Math.max(...family.map(({ id }) => this.used.get(id) ?? 0));
  }

  /** Images with their fitted versions, which go with them; those used least recently first. */
  private families(): Manifest[][] {
    const all = this.ports.images();
    const ids = new Set(all.map(({ id }) => id));
    const families = new Map<string, Manifest[]>();
    for (const image of all) {
      const { fitOf } = image;
      const key = fitOf !== undefined && ids.has(fitOf) ? fitOf : image.id;
      families.set(key, [...(families.get(key) ?? []), image]);
    }
    const nameOf = ([first]: readonly Manifest[]): string =>
      first === undefined ? "" : imageName(first);
    // The origin first, so that it is what is evicted.
    const sorted = [...families.values()].map((family) =>
      family.sort(
        (one, other) => Number(one.fitOf !== undefined) - Number(other.fitOf !== undefined),
      ),
    );
    return sorted.sort(
      (one, other) =>
        this.usedAt(one) - this.usedAt(other) || (nameOf(one) < nameOf(other) ? -1 : 1),
    );
  }
}
