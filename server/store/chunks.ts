/**
 * The stored chunks, whatever image they are of: those that the catalogue knows, those that were just written,
 * and those that are about to go.
 */
import type { IndexEntry } from "../../core/image/types.ts";
import { hashKey } from "../../core/node/hash.ts";
import type { Catalogue } from "./catalogue.ts";
import { storeFull } from "./faults.ts";
import { packName } from "./pack-handles.ts";
import { type ChunkPlace, type Packs, recordHeaderBytes } from "./packs.ts";
import type { RepackedBatch } from "./repack.ts";
import type { Space } from "./space.ts";
import type { SweepStep } from "./sweep.ts";

/** Bytes stored between two looks at the free space. */
const spaceCheckBytes = 32 * 1024 * 1024;

/** Chunks that are added to the catalogue before other work has its turn: a few milliseconds. */
const placesAtOnce = 256;

/** What a sweep has to leave alone, as it is at each of its steps. */
export interface SweepGuards {
  /** A writer needs the chunk, by `hashKey`. */
  isHeld(key: string): boolean;
  isBusy(): boolean;
  isStopped(): boolean;
}

const keyOf = ({ sha256 }: IndexEntry): string => hashKey(sha256);

const bytesIn = (places: readonly ChunkPlace[]): number =>
  places.reduce((sum, { entry }) => sum + recordHeaderBytes + entry.storedLength, 0);

export interface ChunksPorts {
  readonly packs: Packs;
  readonly catalogue: Catalogue;
  space(): Promise<Space>;
  /** Lets other work have its turn. */
  pause(): Promise<void>;
}

export class Chunks {
  private readonly ports: ChunksPorts;
  /** Stored, not in the catalogue yet, by `hashKey`. */
  private readonly pending = new Map<string, ChunkPlace>();
  /** Damaged places that a flush has replaced, which has not come to its end yet. */
  private readonly replaced: ChunkPlace[] = [];
  /** Being swept, by `hashKey`: as good as gone. */
  private readonly dying = new Set<string>();
  /** Packs that are about to go whole, and all that is in them. */
  private leaving: ReadonlySet<number> = new Set();
  private readonly storing = new Map<string, Promise<void>>();
  private untilSpaceCheck = spaceCheckBytes;

  constructor(ports: ChunksPorts) {
    this.ports = ports;
  }

  /** Where a new image finds a chunk; undefined: it has to come anew. */
  find(hash: Uint8Array): ChunkPlace | undefined {
    const { catalogue } = this.ports;
    const key = hashKey(hash);
    const pending = this.pending.get(key);
    if (pending !== undefined) return pending;
    if (this.dying.has(key) || catalogue.isDamaged(hash)) return undefined;
    const place = catalogue.find(hash);
    return place === undefined || this.leaving.has(place.pack) ? undefined : place;
  }

  /** Where an image has a chunk of its own. */
  placeOf(hash: Uint8Array): ChunkPlace | undefined {
    return this.ports.catalogue.find(hash);
  }

  /** The same; null also for a chunk that is known to be damaged. */
  soundPlaceOf(hash: Uint8Array): ChunkPlace | null {
    const { catalogue } = this.ports;
    return catalogue.isDamaged(hash) ? null : (catalogue.find(hash) ?? null);
  }

  /** The name of the pack that it is in; null: it is in none. */
  packOf(hash: Uint8Array): string | null {
    const place = this.placeOf(hash);
    return place === undefined ? null : packName(place.pack);
  }

  /** The stored bytes, unchecked. */
  read(place: ChunkPlace): Promise<Uint8Array> {
    return this.ports.packs.read(place);
  }

  /** The same with the record's header before them. */
  readRecord(place: ChunkPlace): Promise<Uint8Array> {
    return this.ports.packs.readRecord(place);
  }

  /** Durable only after `flush`. Rejects with `no-space`. */
  store(entry: IndexEntry, stored: Uint8Array): Promise<void> {
    const key = hashKey(entry.sha256);
    const underWay = this.storing.get(key);
    if (underWay !== undefined) return underWay;
    if (this.find(entry.sha256) !== undefined) return Promise.resolve();
    const work = this.requireReserve(stored.length)
      .then(() => this.ports.packs.append(entry, stored))
      .then((place) => void this.pending.set(key, place))
      .finally(() => this.storing.delete(key));
    this.storing.set(key, work);
    return work;
  }

  /** All that was stored by now is durable when it resolves. Answers the damaged places that were replaced. */
  async flush(): Promise<ChunkPlace[]> {
    const { packs, catalogue, pause } = this.ports;
    const stored = [...this.pending];
    await packs.sync();
    for (let at = 0; at < stored.length; at += placesAtOnce) {
      const some = stored.slice(at, at + placesAtOnce);
      this.replaced.push(
        ...catalogue.add(
          some.map(([, place]) => place),
          false,
        ),
      );
      await pause();
    }
    // An earlier try may have added them, and not have come to this.
    if (stored.length > 0) catalogue.settle();
    for (const [key] of stored) this.pending.delete(key);
    return this.replaced.splice(0);
  }

  /** At which level a chunk was packed anew last; 0: never, or nobody knows. */
  levelOf(hash: Uint8Array): number {
    return this.ports.catalogue.levelOf(hash);
  }

  /**
   * Puts chunks that were packed anew in the places of the same from before; not while images are committed or
   * swept. Durable when it resolves, before anything is erased; false where it must not be (`mayBe`) by then.
   */
  async replace(batch: RepackedBatch, mayBe: () => boolean): Promise<boolean> {
    const { packs, catalogue } = this.ports;
    const moved: { old: ChunkPlace; place: ChunkPlace }[] = [];
    const places = (): ChunkPlace[] => moved.map(({ place }) => place);
    try {
      for (const { entry, stored, old } of batch.smaller) {
        await this.requireReserve(stored.length);
        moved.push({ old, place: await packs.append(entry, stored) });
      }
      await packs.sync();
    } catch (error) {
      await packs.erase(places()).catch(() => {});
      throw error;
    }
    const isDone = mayBe();
    const unneeded = isDone ? catalogue.replace(batch.level, moved, batch.same) : places();
    await packs.erase(unneeded).catch(() => {});
    return isDone;
  }

  /** Gives back the space of places that nothing needs any more. */
  erase(places: readonly ChunkPlace[]): Promise<void> {
    return this.ports.packs.erase(places);
  }

  /** They are taken anew when they next come. */
  markDamaged(hashes: readonly Uint8Array[]): void {
    this.ports.catalogue.markDamaged(hashes);
  }

  /**
   * Removes what nobody needs, and answers the bytes that were freed. Packs go whole only while nobody writes,
   * which `isBusy` tells. It may be stopped after each step; the next sweep does the rest.
   */
  async sweep(
    steps: AsyncIterable<SweepStep>,
    { isHeld, isBusy, isStopped }: SweepGuards,
  ): Promise<number> {
    const { packs } = this.ports;
    let freed = await this.dropFresh(isHeld);
    try {
      for await (const step of steps) {
        if (step.type === "live-packs") {
          const numbers = await packs.numbers();
          if (!isBusy()) this.leave(numbers, step.packs);
        } else freed += await this.bury(step.places.filter(({ entry }) => !isHeld(keyOf(entry))));
        if (isStopped()) return freed;
      }
      if (this.leaving.size > 0) await packs.drop([...this.leaving]);
    } finally {
      this.leaving = new Set();
    }
    return freed;
  }

  /** What was stored for images that never were. */
  private async dropFresh(isHeld: SweepGuards["isHeld"]): Promise<number> {
    const fresh = [...this.pending.values()].filter(({ entry }) => !isHeld(keyOf(entry)));
    for (const { entry } of fresh) this.pending.delete(keyOf(entry));
    await this.ports.packs.erase(fresh);
    return bytesIn(fresh);
  }

  /** Nothing that is in these packs is found from here on, and nothing is put there. */
  private leave(numbers: readonly number[], live: readonly number[]): void {
    const kept = new Set([...live, ...[...this.pending.values()].map(({ pack }) => pack)]);
    this.leaving = new Set(numbers.filter((pack) => !kept.has(pack)));
    this.ports.packs.retire(this.leaving);
  }

  private async bury(places: readonly ChunkPlace[]): Promise<number> {
    const { packs, catalogue } = this.ports;
    for (const { entry } of places) this.dying.add(keyOf(entry));
    try {
      await packs.erase(places.filter(({ pack }) => !this.leaving.has(pack)));
      // Last: what a crash interrupts is swept again when the store is opened.
      if (places.length > 0) catalogue.forget(places);
    } finally {
      this.dying.clear();
    }
    return bytesIn(places);
  }

  /** As the catalogue has it. */
  get isSwept(): boolean {
    return this.ports.catalogue.isSwept;
  }

  set isSwept(isSwept: boolean) {
    if (isSwept !== this.isSwept) this.ports.catalogue.isSwept = isSwept;
  }

  /** Bytes that the packs take on the disk. */
  diskBytes(): Promise<number> {
    return this.ports.packs.diskBytes();
  }

  async close(): Promise<void> {
    await this.ports.packs.close();
    this.ports.catalogue.close();
  }

  private async requireReserve(length: number): Promise<void> {
    this.untilSpaceCheck -= length;
    if (this.untilSpaceCheck > 0) return;
    this.untilSpaceCheck = spaceCheckBytes;
    if ((await this.ports.space()).freeBytes === 0) throw storeFull("writing a chunk");
  }
}
