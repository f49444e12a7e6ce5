/** The registry of a campus in memory: several servers on one, whose clock and absence a test sets. */
import { RoomcastError } from "../../../core/errors.ts";
import type { Manifest } from "../../../core/image/types.ts";
import { foldedName } from "../../../core/wire/names.ts";
import type {
  CampusImage,
  CampusPack,
  CampusPlace,
  CampusWriter,
  PackUse,
  Registry,
} from "../../../server/campus/ports.ts";
import {
  alreadyThere,
  chunksLacking,
  noSuchImage,
  packGoing,
  writerEnded,
} from "../../../server/campus/registry-faults.ts";
import {
  type SweepLease,
  type SweepTables,
  type SweepTimes,
  usualTimes,
} from "../../../server/campus/sweep.ts";
import { inOrder } from "../../../server/store/image-names.ts";
import { MemoryLease } from "./memory-lease.ts";

interface Chunk {
  place: CampusPlace;
  state: "live" | "candidate" | "deleting";
  since: number;
}

interface Pack {
  readonly bytes: number;
  state: "live" | "going" | "gone";
  since: number;
}

interface Writer {
  readonly began: number;
  heard: number;
}

/** What PostgreSQL is to real servers. */
export class MemoryCampus {
  /** Milliseconds; by default the time of this host. */
  now: () => number;
  readonly times: SweepTimes;
  readonly images = new Map<string, CampusImage & { readonly hashes: ReadonlySet<string> }>();
  readonly names = new Map<string, { readonly name: string; newest: number }>();
  readonly chunks = new Map<string, Chunk>();
  readonly packs = new Map<string, Pack>();
  readonly writers = new Map<number, Writer>();
  readonly listeners = new Set<() => void>();
  readonly lossListeners = new Set<(pack: string) => void>();
  lease: { epoch: number; until: number; isHeld: boolean } = { epoch: 0, until: 0, isHeld: false };
  private writerCount = 0;
  private absence: { readonly since: string; readonly reason: string } | null = null;

  constructor(options: { now?: () => number; times?: Partial<SweepTimes> } = {}) {
    this.now = options.now ?? Date.now;
    this.times = { ...usualTimes, ...options.times };
  }

  /** As one server has it. */
  registry(server: string): Registry {
    return new MemoryRegistry(this, server);
  }

  sweepTables(): SweepTables {
    return { takeLease: () => this.step(() => this.takeLease()) };
  }

  /** Null: it is there again, and all servers are told. */
  setAway(reason: string | null): void {
    this.absence = reason === null ? null : { since: new Date(this.now()).toISOString(), reason };
    if (reason === null) this.changed();
  }

  away(): { readonly since: string; readonly reason: string } | null {
    return this.absence;
  }

  /** What is done at once, after others had their turn. */
  async step<T>(work: () => T): Promise<T> {
    await Promise.resolve();
    if (this.absence !== null) {
      const what = `the registry of the campus is away: ${this.absence.reason}`;
      throw new RoomcastError("away", what, "start the database");
    }
    return work();
  }

  changed(): void {
    for (const listener of this.listeners) queueMicrotask(listener);
  }

  beginWriter(): number {
    const id = ++this.writerCount;
    this.writers.set(id, { began: this.now(), heard: this.now() });
    return id;
  }

  /** Of the writer that began first; no chunk that was taken since may be swept. */
  oldestWriter(): number {
    return Math.min(this.now(), ...[...this.writers.values()].map(({ began }) => began));
  }

  /** False: its name is not free. */
  addPack({ name, bytes }: CampusPack): boolean {
    const known = this.packs.get(name);
    if (known !== undefined && known.state !== "live") return false;
    this.packs.set(name, { bytes, state: "live", since: this.now() });
    return true;
  }

  /** What is not being deleted of the packs `from` is in this one from now on. */
  movePlaces({ places }: CampusPack, from: readonly string[]): void {
    for (const place of places) {
      const chunk = this.chunks.get(Buffer.from(place.entry.sha256).toString("hex"));
      if (chunk === undefined || chunk.state === "deleting") continue;
      if (from.includes(chunk.place.pack)) chunk.place = place;
    }
    for (const name of from) {
      const pack = this.packs.get(name);
      if (pack !== undefined) pack.since = this.now();
    }
  }

  private takeLease(): SweepLease | null {
    const { lease } = this;
    if (lease.isHeld && lease.until > this.now()) return null;
    this.lease = {
      epoch: lease.epoch + 1,
      until: this.now() + this.times.leaseMs,
      isHeld: true,
    };
    return new MemoryLease(this, this.lease.epoch);
  }
}

class MemoryRegistry implements Registry {
  private readonly campus: MemoryCampus;
  private readonly server: string;
  private readonly own = new AsyncDisposableStack();

  constructor(campus: MemoryCampus, server: string) {
    this.campus = campus;
    this.server = server;
  }

  images(): Promise<CampusImage[]> {
    return this.campus.step(() => {
      const { images } = this.campus;
      return inOrder([...images.values()].map(({ manifest }) => manifest)).map((manifest) => {
        const { server, notes } = images.get(manifest.id) as CampusImage;
        return { manifest, server, notes };
      });
    });
  }

  takeVersion(name: string): Promise<{ name: string; version: number }> {
    return this.campus.step(() => {
      const { names } = this.campus;
      const known = names.get(foldedName(name)) ?? { name, newest: 0 };
      known.newest++;
      names.set(foldedName(name), known);
      return { name: known.name, version: known.newest };
    });
  }

  beginWriter(): Promise<CampusWriter> {
    return this.campus.step(
      () => new MemoryWriter(this.campus, this.server, this.campus.beginWriter()),
    );
  }

  placesOf(hashes: Uint8Array): Promise<(CampusPlace | null)[]> {
    return this.campus.step(() => keysOf(hashes).map((hash) => placeIn(this.campus, hash)));
  }

  removeImage(id: string): Promise<void> {
    return this.campus.step(() => {
      const { images } = this.campus;
      if (!images.delete(id)) throw noSuchImage(id);
      for (const { manifest } of images.values()) {
        if (manifest.fitOf === id) images.delete(manifest.id);
      }
      this.campus.changed();
    });
  }

  writeNotes(id: string, notes: string): Promise<void> {
    return this.campus.step(() => {
      const { images } = this.campus;
      const image = images.get(id);
      if (image === undefined) throw noSuchImage(id);
      images.set(id, { ...image, notes });
      this.campus.changed();
    });
  }

  onChange(changed: () => void): Disposable {
    const listener = (): void => changed();
    const { listeners } = this.campus;
    listeners.add(listener);
    this.own.defer(() => void listeners.delete(listener));
    return { [Symbol.dispose]: () => void listeners.delete(listener) };
  }

  packUse(pack: string): Promise<PackUse | null> {
    return this.campus.step(() => {
      const { packs, chunks, images } = this.campus;
      const known = packs.get(pack);
      if (known?.state !== "live") return null;
      const within = [...chunks].filter(
        ([, { place, state }]) => place.pack === pack && state !== "deleting",
      );
      const users = [...images].filter(([, { hashes }]) =>
        within.some(([hash]) => hashes.has(hash)),
      );
      return { bytes: known.bytes, images: users.map(([id]) => id) };
    });
  }

  tellLost(pack: string): Promise<void> {
    return this.campus.step(() => {
      for (const listener of this.campus.lossListeners) queueMicrotask(() => listener(pack));
    });
  }

  onLost(heard: (pack: string) => void): Disposable {
    const listener = (pack: string): void => heard(pack);
    const { lossListeners } = this.campus;
    lossListeners.add(listener);
    this.own.defer(() => void lossListeners.delete(listener));
    return { [Symbol.dispose]: () => void lossListeners.delete(listener) };
  }

  away(): { readonly since: string; readonly reason: string } | null {
    return this.campus.away();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.own.disposeAsync();
  }
}

class MemoryWriter implements CampusWriter {
  private readonly campus: MemoryCampus;
  private readonly server: string;
  private readonly id: number;

  constructor(campus: MemoryCampus, server: string, id: number) {
    this.campus = campus;
    this.server = server;
    this.id = id;
  }

  hold(hashes: Uint8Array): Promise<(CampusPlace | null)[]> {
    return this.step(() =>
      keysOf(hashes).map((hash) => {
        const chunk = this.campus.chunks.get(hash);
        if (chunk === undefined || chunk.state === "deleting") return null;
        this.takeBack(chunk);
        return chunk.place;
      }),
    );
  }

  addPack(pack: CampusPack, insteadOf: readonly string[] = []): Promise<void> {
    return this.step(() => {
      const { chunks } = this.campus;
      const now = this.campus.now();
      if (!this.campus.addPack(pack)) throw packGoing(pack.name);
      for (const place of pack.places) {
        const hash = Buffer.from(place.entry.sha256).toString("hex");
        const chunk = chunks.get(hash);
        if (chunk === undefined || chunk.state === "deleting") {
          chunks.set(hash, { place, state: "live", since: now });
        } else {
          this.takeBack(chunk);
        }
      }
      this.campus.movePlaces(pack, insteadOf);
    });
  }

  commit(manifest: Manifest, hashes: Uint8Array): Promise<void> {
    return this.step(() => {
      const { images, names, chunks } = this.campus;
      const { id, name, version, fitOf, fitSize } = manifest;
      const isThere = [...images.values()].some(
        ({ manifest: other }) =>
          other.id === id ||
          (foldedName(other.name) === foldedName(name) &&
            other.version === version &&
            other.fitSize === fitSize),
      );
      if (isThere) throw alreadyThere(manifest);
      if (fitOf !== undefined && !images.has(fitOf)) throw noSuchImage(fitOf);
      const keys = new Set(keysOf(hashes));
      const lacking = [...keys].filter((hash) => placeIn(this.campus, hash) === null);
      if (lacking.length > 0) throw chunksLacking(manifest, lacking.length);
      for (const hash of keys) this.takeBack(chunks.get(hash) as Chunk);
      const known = names.get(foldedName(name)) ?? { name, newest: 0 };
      known.newest = Math.max(known.newest, version);
      names.set(foldedName(name), known);
      images.set(id, { manifest, server: this.server, notes: "", hashes: keys });
      this.campus.changed();
    });
  }

  end(): Promise<void> {
    return this.campus.step(() => void this.campus.writers.delete(this.id));
  }

  private takeBack(chunk: Chunk): void {
    if (chunk.state !== "candidate") return;
    chunk.state = "live";
    chunk.since = this.campus.now();
  }

  private step<T>(work: () => T): Promise<T> {
    return this.campus.step(() => {
      const writer = this.campus.writers.get(this.id);
      if (writer === undefined) throw writerEnded();
      writer.heard = this.campus.now();
      return work();
    });
  }
}

function placeIn(campus: MemoryCampus, hash: string): CampusPlace | null {
  const chunk = campus.chunks.get(hash);
  return chunk === undefined || chunk.state === "deleting" ? null : chunk.place;
}

/** Of SHA-256 hashes, 32 bytes each: in hexadecimal. */
function keysOf(hashes: Uint8Array): string[] {
  const text = Buffer.from(hashes.buffer, hashes.byteOffset, hashes.length).toString("hex");
  return text.match(/.{64}/g) ?? [];
}
