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
import type { Space } from "./space.ts";
import { findDead } from "./sweep.ts";

/** Bytes stored between two looks at the free space. */
const spaceCheckBytes = 32 * 1024 * 1024;

export interface ChunksPorts {
  readonly packs: Packs;
  readonly catalogue: Catalogue;
  space(): Promise<Space>;
}

export class Chunks {
  private readonly ports: ChunksPorts;
  /** Stored, not in the catalogue yet, by `hashKey`. */
  private readonly pending = new Map<string, ChunkPlace>();
  /** Being swept, by `hashKey`: as good as gone. */
  private readonly dying = new Set<string>();
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
    return catalogue.find(hash);
  }

  /** Where an image has a chunk of its own. */
  placeOf(hash: Uint8Array): ChunkPlace | undefined {
    return this.ports.catalogue.find(hash);
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

  /** All that was stored is durable when it resolves. Answers the damaged places that were replaced. */
  async flush(): Promise<ChunkPlace[]> {
    await this.ports.packs.sync();
    const replaced = this.ports.catalogue.add(this.pending.values());
    this.pending.clear();
    return replaced;
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
   * which `isBusy` tells.
   */
  async sweep(isLive: (key: string) => boolean, isBusy: () => boolean): Promise<number> {
    const { packs, catalogue } = this.ports;
    const old = findDead(catalogue.all(), isLive);
    const fresh = findDead(this.pending.values(), isLive);
    for (const { entry } of fresh.places) this.pending.delete(hashKey(entry.sha256));
    for (const { entry } of old.places) this.dying.add(hashKey(entry.sha256));
    const dead = [...old.places, ...fresh.places];
    const numbers = isBusy() ? [] : await packs.numbers();
    const empty = numbers.filter((pack) => !old.livePacks.has(pack) && !fresh.livePacks.has(pack));
    const gone = new Set(empty);
    try {
      await packs.erase(dead.filter(({ pack }) => !gone.has(pack)));
      if (empty.length > 0 && !isBusy()) await packs.drop(empty);
      // Last: what a crash interrupts is swept again when the store is opened.
      if (old.places.length > 0) catalogue.forget(old.places);
    } finally {
      this.dying.clear();
    }
    return dead.reduce((sum, { entry }) => sum + recordHeaderBytes + entry.storedLength, 0);
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
