/**
 * The stored chunks, whatever image they are of: those that the catalogue knows, those that were just written,
 * and those that are about to go.
 */
import type { Form } from "../../core/image/forms.ts";
import type { IndexEntry } from "../../core/image/types.ts";
import { hashKey } from "../../core/node/hash.ts";
import type { Catalogue } from "./catalogue.ts";
import { lostChunks, storeFull } from "./faults.ts";
import { packName } from "./pack-handles.ts";
import { type ChunkPlace, isSamePlace, type Packs, recordHeaderBytes } from "./packs.ts";
import type { RepackedBatch } from "./repack.ts";
import type { Space } from "./space.ts";
import type { SweepStep } from "./sweep.ts";

/** Bytes stored between two looks at the free space. */
const spaceCheckBytes = 32 * 1024 * 1024;

/** Chunks that are added to the catalogue before other work has its turn: a few milliseconds. */
const placesAtOnce = 256;

/** Places whose records are erased at once: some milliseconds, on a slow disk half a second. */
const placesBuried = 64;

/** What a sweep has to leave alone, as it is at each of its steps. */
export interface SweepGuards {
  /** A writer needs the chunk, by `hashKey`, or has committed an image with it since the sweep began. */
  isHeld(key: string): boolean;
  /** There are such writers. */
  isBusy(): boolean;
  /** It ends after the step that it is at. */
  readonly signal: AbortSignal;
  /** Not while images are committed, or chunks change their places. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  freed(bytes: number): void;
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
  /** Packs that are about to go whole, and all that is in them. */
  private leaving: ReadonlySet<number> = new Set();
  /** Packs of this process that the catalogue knows chunks of, or has known. */
  private readonly catalogued = new Set<number>();
  /** No chunk has changed its place since the sweep began. */
  private isStill = true;
  private readonly storing = new Map<string, Promise<void>>();
  private untilSpaceCheck = spaceCheckBytes;

  constructor(ports: ChunksPorts) {
    this.ports = ports;
  }

  /** Where a new image finds a chunk; undefined: it has to come anew. */
  find(hash: Uint8Array): ChunkPlace | undefined {
    const { packs, catalogue } = this.ports;
    const pending = this.pending.get(hashKey(hash));
    if (pending !== undefined && !packs.isDoubtful(pending.pack)) return pending;
    if (catalogue.isDamaged(hash)) return undefined;
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

  /** In which forms images have these chunks; null: it is in no pack. */
  formsOf(hashes: readonly Uint8Array[]): (Form | null)[] {
    return this.ports.catalogue.formsOf(hashes);
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

  /**
   * What was stored by now of some chunks (`isOf`, by `hashKey`) is durable when it resolves. Answers the damaged places
   * that were replaced. Rejects as `Packs.sync`, and with `failed` when an earlier flush has lost some of them.
   */
  async flush(isOf: (key: string) => boolean): Promise<ChunkPlace[]> {
    const { packs, catalogue, pause } = this.ports;
    const own = [...this.pending].filter(([key]) => isOf(key));
    const isSure = ({ pack }: ChunkPlace): boolean => !packs.isDoubtful(pack);
    for (const [, place] of own)
      if (!isSure(place) && this.find(place.entry.sha256) === undefined) throw lostChunks();
    const stored = own.filter(([, place]) => isSure(place));
    for (const [, { pack }] of stored) this.catalogued.add(pack);
    await packs.sync();
    for (let at = 0; at < stored.length; at += placesAtOnce) {
      const some = stored.slice(at, at + placesAtOnce);
      const places = some.map(([, place]) => place);
      this.replaced.push(...catalogue.addAnew(places, (pack) => this.leaving.has(pack)));
      await pause();
    }
    // An earlier try may have added them, and not have come to this.
    if (own.length > 0) catalogue.settle();
    for (const [key] of own) this.pending.delete(key);
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
    this.isStill = false;
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
    for (const { pack } of places()) this.catalogued.add(pack);
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
   * Erases what was stored of these chunks, by `hashKey`, and never came into an image. A pack with nothing else in it
   * goes whole. False: something is left, which a sweep finds.
   */
  async discard(
    keys: ReadonlySet<string>,
    { isHeld, inTurn }: Pick<SweepGuards, "isHeld" | "inTurn">,
  ): Promise<boolean> {
    const { packs, catalogue, pause } = this.ports;
    const places: ChunkPlace[] = [];
    let isAll = true;
    let count = 0;
    for (const key of keys) {
      const place = this.pending.get(key);
      if (place !== undefined && !isHeld(key)) {
        this.pending.delete(key);
        // A flush that did not come to its end may have told the catalogue.
        const isKnown =
          this.catalogued.has(place.pack) && isSamePlace(catalogue.find(place.entry.sha256), place);
        if (isKnown) isAll = false;
        else places.push(place);
      }
      if (++count % placesAtOnce === 0) await pause();
    }
    if (places.length === 0) return isAll;
    const whole = await inTurn(async () => {
      // Into which pack goes what is just being written, nobody can tell.
      if (this.storing.size > 0) return new Set<number>();
      const kept = this.pendingPacks();
      const empty = new Set(places.map(({ pack }) => pack));
      for (const pack of empty) if (kept.has(pack) || this.catalogued.has(pack)) empty.delete(pack);
      await packs.drop([...empty]);
      return empty;
    });
    await packs.erase(places.filter(({ pack }) => !whole.has(pack)));
    return isAll;
  }

  /** Before a sweep looks at the images; not while images are committed, or chunks change their places. */
  beginSweep(): void {
    this.isStill = true;
  }

  /**
   * Removes what nobody needs. False: something is left for the next sweep, since this one was stopped, or somebody held
   * what no image has.
   */
  async sweep(steps: AsyncIterable<SweepStep>, guards: SweepGuards): Promise<boolean> {
    const { packs, catalogue } = this.ports;
    const { signal, inTurn } = guards;
    /** Packs that go once nothing is left in them. */
    let going = new Set<number>();
    let isWhole = true;
    try {
      await this.finishErasing();
      for await (const step of steps) {
        if (step.type === "live-packs")
          going = this.leave(await packs.numbers(), step.packs, guards);
        else
          for (let at = 0; at < step.places.length && !signal.aborted; at += placesBuried) {
            const places = step.places.slice(at, at + placesBuried);
            const buried = await this.bury(places, going, guards);
            if (buried.length < places.length) isWhole = false;
            guards.freed(bytesIn(buried));
          }
        if (signal.aborted) break;
      }
      catalogue.forgetErased();
      for (const pack of going) if (!signal.aborted) await inTurn(() => packs.drop([pack]));
    } finally {
      this.leaving = new Set();
    }
    return isWhole && !signal.aborted;
  }

  /** Erases what a sweep, of an earlier process perhaps, had begun to erase. */
  async finishErasing(): Promise<void> {
    const { packs, catalogue } = this.ports;
    const places = catalogue.erasing;
    if (places.length === 0) return;
    await packs.erase(places);
    catalogue.forgetErased();
  }

  /**
   * Which packs go. Where nobody has written since the sweep began, nothing that is in them is found from here on, and
   * nothing is put there; else those alone can go to which nothing is ever put, once all that is in them is gone.
   */
  private leave(
    numbers: readonly number[],
    live: readonly number[],
    { isBusy }: SweepGuards,
  ): Set<number> {
    const { packs } = this.ports;
    const kept = new Set([...live, ...this.pendingPacks()]);
    const unneeded = numbers.filter((pack) => !kept.has(pack));
    if (isBusy() || !this.isStill) return new Set(unneeded.filter((pack) => packs.isOld(pack)));
    this.leaving = new Set(unneeded);
    packs.retire(this.leaving);
    return new Set(unneeded);
  }

  /** Answers those that are gone. A pack with one that is held does not go. */
  private async bury(
    places: readonly ChunkPlace[],
    going: Set<number>,
    { isHeld }: SweepGuards,
  ): Promise<ChunkPlace[]> {
    const { packs, catalogue } = this.ports;
    const isLeaving = (pack: number): boolean => this.leaving.has(pack);
    // Who holds what is in a pack that is leaving has it from elsewhere.
    const isKept = ({ pack, entry }: ChunkPlace): boolean =>
      !isLeaving(pack) && isHeld(keyOf(entry));
    for (const place of places) if (isKept(place)) going.delete(place.pack);
    const dead = places.filter((place) => !isKept(place));
    // First: what the catalogue knows is there, also for the process that comes after a crash.
    const buried = catalogue.bury(dead, (pack) => !isLeaving(pack));
    await packs.erase(buried.filter(({ pack }) => !isLeaving(pack)));
    return buried;
  }

  private pendingPacks(): Set<number> {
    const found = new Set<number>();
    for (const { pack } of this.pending.values()) found.add(pack);
    return found;
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
    const { packs, catalogue } = this.ports;
    await packs.close();
    try {
      catalogue.markClosed();
    } catch {
      // A full disk, say: it is checked when it is opened.
    }
    catalogue.close();
  }

  private async requireReserve(length: number): Promise<void> {
    this.untilSpaceCheck -= length;
    if (this.untilSpaceCheck > 0) return;
    this.untilSpaceCheck = spaceCheckBytes;
    if ((await this.ports.space()).freeBytes === 0) throw storeFull("writing a chunk");
  }
}
