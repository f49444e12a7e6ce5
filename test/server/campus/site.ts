/** Servers of a campus on disks of their own, on one registry and one storage in memory, and on a clock that a test moves. */
import { DatabaseSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import { RoomcastError } from "../../../core/errors.ts";
import { crc32c } from "../../../core/image/crc32c.ts";
import { encodeIndex } from "../../../core/image/index-codec.ts";
import { codec, type IndexEntry, type Manifest } from "../../../core/image/types.ts";
import { sha256 } from "../../../core/node/hash.ts";
import type { CampusStore } from "../../../server/campus/campus-store.ts";
import { openCampusStore } from "../../../server/campus/open-campus-store.ts";
import type { CampusTime } from "../../../server/campus/patience.ts";
import type { CampusWriter, ObjectStore, Registry } from "../../../server/campus/ports.ts";
import { Seal } from "../../../server/campus/seal.ts";
import { doCheck } from "../../../server/store/check-jobs.ts";
import type { Checker } from "../../../server/store/checkers.ts";
import type { StoreFiles } from "../../../server/store/files.ts";
import { readIndex } from "../../../server/store/image-files.ts";
import type { ImageStore } from "../../../server/store/image-store.ts";
import type { ImageWriter } from "../../../server/store/image-writer.ts";
import { SeenTable } from "../../../server/store/seen-chunks.ts";
import { nodePorts, type StorePorts } from "../../../server/store/store-ports.ts";
import { findDead } from "../../../server/store/sweep.ts";
import { type Bus, LabFiles } from "../../lab/files.ts";
import { seeded } from "../../sim/random.ts";
import { draftOf } from "../store/write-image.ts";
import { MemoryObjects } from "./memory-objects.ts";
import { MemoryCampus } from "./memory-registry.ts";

/** A pause that is no longer than this passes by itself. */
const shortMs = 60_000;

/** The clock of all servers. Short pauses take no real time; long ones end when a test lets the time pass. */
export class Time implements CampusTime {
  private ms = Date.parse("2026-01-01T00:00:00Z");
  private readonly sleepers = new Set<{ readonly at: number; wake(): void }>();

  now(): number {
    return this.ms;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    if (ms <= shortMs) {
      await setImmediate();
      this.pass(ms);
      return;
    }
    await new Promise<void>((resolve) => {
      const sleeper = { at: this.ms + ms, wake: resolve };
      this.sleepers.add(sleeper);
      signal.addEventListener("abort", () => {
        this.sleepers.delete(sleeper);
        resolve();
      });
    });
  }

  pass(ms: number): void {
    this.ms += ms;
    for (const sleeper of this.sleepers) {
      if (sleeper.at > this.ms) continue;
      this.sleepers.delete(sleeper);
      sleeper.wake();
    }
  }
}

export class World {
  readonly time = new Time();
  readonly registry = new MemoryCampus({ now: () => this.time.now() });
  readonly objects = new MemoryObjects();
  /** Decides of each call to the registry whether it is away, or its answer is lost; by default neither. */
  registryPlan: () => "away" | "lost-answer" | null = () => null;
  /**
   * Images that the registry has or had, and the server whose answer was lost, or that was killed before it wrote
   * that down: it cannot tell whether they were deleted since or never committed, and so puts them there again.
   */
  readonly unsure = new Map<string, string>();
  /** Those that came there a second time by that. */
  readonly again = new Set<string>();
  /** One key for all; null: nothing is sealed. */
  readonly seal: Seal | null;
  private imageCount = 0;
  private saltCount = 0;

  constructor(options: { sealed?: boolean } = {}) {
    this.seal = options.sealed === true ? new Seal(new Uint8Array(32).fill(7)) : null;
  }

  newId(): string {
    return (++this.imageCount).toString(16).padStart(16, "0");
  }

  salt(): Uint8Array {
    return sha256(Buffer.from(`salt ${++this.saltCount}`)).subarray(0, 16);
  }
}

const always: Bus = { done: async (work) => work() };

/** A cell is its own hash's text: there is nothing to inflate. */
const checker: Checker = {
  check: async (job) =>
    job.type === "index"
      ? doCheck(job)
      : { fault: crc32c(job.stored) === job.entry.crc32c ? null : "CRC", rootHash: "" },
  async close() {},
};

let siteCount = 0;

/** One server: its disk outlives its processes. */
export class Site {
  readonly name: string;
  cacheBytes: number | null = null;
  /** What its processes told their log. */
  readonly log: string[] = [];
  private readonly world: World;
  private readonly files: LabFiles;
  /** In memory, for as long as one connection is open. */
  private readonly catalogue: URL;
  private db: DatabaseSync | null = null;

  constructor(world: World, name: string, seed = 1) {
    this.world = world;
    this.name = name;
    this.catalogue = new URL(`file:${name}-${++siteCount}?mode=memory&cache=shared`);
    this.files = new LabFiles(seeded(seed));
  }

  /** Starts a process; what it does goes through `bus`. */
  open(bus: Bus = always): Promise<CampusStore> {
    const { world, name: server, cacheBytes } = this;
    return openCampusStore("store", {
      ...{ store: this.ports(bus), server, cacheBytes, seal: world.seal },
      tables: world.registry.sweepTables(),
      registry: registryBy(bus, server, world),
      objects: objectsBy(bus, world.objects),
      time: {
        now: () => world.time.now(),
        sleep: (ms, signal) => world.time.sleep(ms, signal).then(() => bus.done(() => {})),
      },
      salt: () => world.salt(),
      warn: (text) => void this.log.push(text),
    });
  }

  losePower(): void {
    this.files.losePower();
  }

  ports(bus: Bus = always): StorePorts {
    const { world, name: site } = this;
    const files = this.files.through(bus, true);
    const disk: StoreFiles = {
      ...files,
      async writeDurably(path, data) {
        await files.writeDurably(path, data);
        if (!path.endsWith("campus.json")) return;
        for (const [id, server] of world.unsure)
          if (server === site && String(data).includes(id)) world.unsure.delete(id);
      },
    };
    const dead = async function* (site: Site, folder: string, images: readonly Manifest[]) {
      const indexes = async function* () {
        for (const image of images) yield await readIndex(disk, folder, image, checker);
      };
      if (site.db !== null) yield* findDead(site.db, indexes(), () => disk.pause());
    };
    return {
      ...{ disk, checker },
      catalogue: {
        exists: () => this.db !== null,
        isSound: async () => true,
        open: () => {
          this.db ??= new DatabaseSync(this.catalogue);
          return new DatabaseSync(this.catalogue);
        },
        remove: () => {
          this.db?.close();
          this.db = null;
        },
      },
      findDead: (folder, images) => dead(this, folder, images),
      openSeen: () => new SeenTable(),
      newImage: () => ({
        id: world.newId(),
        capturedAt: new Date(world.time.now()).toISOString(),
      }),
    };
  }
}

/** A server of the campus whose folder is a real one. */
export function openInCampus(world: World, folder: string): Promise<CampusStore> {
  return openCampusStore(folder, {
    ...{ store: nodePorts(folder), server: "alpha", cacheBytes: null, seal: world.seal },
    ...{ objects: world.objects, registry: world.registry.registry("alpha") },
    ...{ tables: world.registry.sweepTables(), time: world.time, salt: () => world.salt() },
    warn() {},
  });
}

/** Each call is two steps of the process: it may die before anything happens, or before it hears of it. */
function twice<T>(bus: Bus, call: () => Promise<T>): Promise<T> {
  const settled = async (): Promise<() => T> => {
    try {
      const value = await call();
      return () => value;
    } catch (error) {
      return () => {
        throw error;
      };
    }
  };
  return bus
    .done(() => {})
    .then(settled)
    .then(async (answer) => {
      await bus.done(() => {});
      return answer();
    });
}

function registryBy(bus: Bus, server: string, world: World): Registry {
  const registry = world.registry.registry(server);
  const by = <T>(call: () => Promise<T>): Promise<T> =>
    twice(bus, async () => {
      const fault = world.registryPlan();
      if (fault === "away") throw databaseAway();
      const answer = await call();
      if (fault === "lost-answer") throw databaseAway();
      return answer;
    });
  return {
    images: () => by(() => registry.images()),
    takeVersion: (name) => by(() => registry.takeVersion(name)),
    beginWriter: async () =>
      writerBy(by, { world, server }, await by(() => registry.beginWriter())),
    placesOf: (hashes) => by(() => registry.placesOf(hashes)),
    packUse: (pack) => by(() => registry.packUse(pack)),
    tellLost: (pack) => by(() => registry.tellLost(pack)),
    onLost: (heard) => registry.onLost(heard),
    removeImage: (id) => by(() => registry.removeImage(id)),
    writeNotes: (id, notes) => by(() => registry.writeNotes(id, notes)),
    onChange: (changed) => registry.onChange(changed),
    away: () => world.registry.away(),
    [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose](),
  };
}

const databaseAway = (): RoomcastError =>
  new RoomcastError("away", "the database does not answer", "none: this is a test");

function writerBy(
  by: <T>(call: () => Promise<T>) => Promise<T>,
  { world, server }: { readonly world: World; readonly server: string },
  writer: CampusWriter,
): CampusWriter {
  return {
    hold: (hashes) => by(() => writer.hold(hashes)),
    addPack: (pack, insteadOf) => by(() => writer.addPack(pack, insteadOf)),
    commit: (manifest, hashes) =>
      by(async () => {
        await writer.commit(manifest, hashes);
        if (world.unsure.get(manifest.id) === server) world.again.add(manifest.id);
        world.unsure.set(manifest.id, server);
      }),
    end: () => by(() => writer.end()),
  };
}

function objectsBy(bus: Bus, objects: ObjectStore): ObjectStore {
  const by = <T>(call: () => Promise<T>): Promise<T> => twice(bus, call);
  return {
    put: (name, bytes, signal) => by(() => objects.put(name, bytes, signal)),
    get: (name, range, signal) => by(() => objects.get(name, range, signal)),
    size: (name) => by(() => objects.size(name)),
    remove: (name) => by(() => objects.remove(name)),
    list: (prefix) => objects.list(prefix),
  };
}

/** In the form of a compressed chunk, which may be as short as it likes. `form`: another form of the same. */
export function cellEntry(
  cell: string,
  chunkIndex: number,
  form = "",
): { entry: IndexEntry; stored: Uint8Array } {
  const stored = Buffer.from(cell + form);
  const entry = {
    ...{ chunkIndex, codec: codec.zstd, storedLength: stored.length, crc32c: crc32c(stored) },
    sha256: sha256(Buffer.from(cell)),
  };
  return { entry, stored };
}

/** Captures a disk of these cells, as far as the store lacks them. */
export async function capture(
  store: ImageStore,
  cells: readonly string[],
  name = "lab",
  form = "",
): Promise<Manifest> {
  return captureWith(store.beginImage(name), cells, form);
}

export async function captureWith(
  writer: ImageWriter,
  cells: readonly string[],
  form = "",
): Promise<Manifest> {
  const chunks = cells.map((cell, at) => cellEntry(cell, at, form));
  for (const { entry, stored } of chunks) await writer.put(entry, stored);
  const index = encodeIndex(chunks.map(({ entry }) => entry));
  return writer.commit(draftOf(index, cells.length), index);
}

/** The cells of an image as this store reads them. */
export async function cellsOf(store: ImageStore, { id, chunkCount }: Manifest): Promise<string[]> {
  const cells: string[] = [];
  for (let entry = 0; entry < chunkCount; entry++)
    cells.push(Buffer.from(await store.readChunk(id, entry)).toString());
  return cells;
}

/** Waits until it is so, while everything else has its turn. */
export async function until(isSo: () => boolean, what: string): Promise<void> {
  for (let turn = 0; turn < 20_000; turn++) {
    if (isSo()) return;
    await setImmediate();
  }
  throw new Error(`it was not so after a long time: ${what}`);
}
