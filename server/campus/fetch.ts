/**
 * Brings one image from the storage into the folder. Records that lie one behind the other in a pack come with one
 * request, some requests at once; a chunk that somebody waits for is asked for next, and what follows it after it.
 */
import { assert, errorText, RoomcastError } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import type { Manifest } from "../../core/image/types.ts";
import { inLanes } from "../../core/lanes.ts";
import { bitAt } from "../../core/units/bits.ts";
import type { FetchProgress } from "../store/image-store.ts";
import type { ImageWriter } from "../store/image-writer.ts";
import type { StoredChunk } from "../store/pack-job.ts";
import { packObjectName, readRecord } from "./pack-object.ts";
import { type CampusTime, isDamage, patiently } from "./patience.ts";
import type { CampusPlace, ObjectStore, Registry } from "./ports.ts";
import { hashesAtOnce, type RemoteImage, type RemoteImages } from "./remote-images.ts";
import type { Seal } from "./seal.ts";

/** Of one request, in bytes: 34 ms of 1 Gbit/s, beside which its way to the storage hardly counts. */
const requestBytes = 4 * 1024 * 1024;
/** Requests at once: 24 MiB are on their way, which is 1 Gbit/s for 200 ms. */
const laneCount = 6;
/** Bytes between two records that are fetched in vain, so as not to begin another request. */
const gapBytes = 64 * 1024;
/** How often a record is asked for that comes damaged: a bit may flip on the way. */
const damageTries = 3;

export interface FetchPorts {
  readonly registry: Pick<Registry, "placesOf">;
  readonly objects: Pick<ObjectStore, "get">;
  readonly remotes: Pick<RemoteImages, "record">;
  readonly seal: Seal | null;
  readonly time: CampusTime;
  /** A chunk that is in the folder, in its form of now. */
  chunkHere(image: RemoteImage, entry: number): Promise<StoredChunk>;
  /** Does it if the campus has the image, and while nothing changes that; rejects with `not-found` where it has not. */
  ifKnown(manifest: Manifest, work: () => Promise<void>): Promise<void>;
  /** A chunk cannot be had from a pack: the storage may have lost it. */
  lost(pack: string): void;
  progressed(): void;
  /** Lets other work have its turn. */
  pause(): Promise<void>;
}

/** Entries whose records lie together in one pack. */
interface Run {
  readonly entries: readonly number[];
  readonly places: readonly CampusPlace[];
}

export class Fetch {
  readonly image: RemoteImage;
  private readonly writer: ImageWriter;
  private readonly ports: FetchPorts;
  private readonly stopping = new AbortController();
  /** By entry: 0 where the chunk has to come, 1 while it is on its way, 2 where it is here. */
  private readonly states: Uint8Array;
  /** How many have to come and are not on their way. */
  private left: number;
  private done = 0;
  /** From where on it looks for what has to come. */
  private cursor = 0;
  /** Entries that somebody waits for and that are not on their way, the oldest first. */
  private readonly urgent: number[] = [];
  private readonly awaited = new Map<number, PromiseWithResolvers<void>>();
  private waiting: string | null = null;
  private failure: { readonly error: unknown } | null = null;

  /** `writer`: of this image, and the fetch's own from here on. */
  constructor(image: RemoteImage, writer: ImageWriter, ports: FetchPorts) {
    this.image = image;
    this.writer = writer;
    this.ports = ports;
    this.states = new Uint8Array(image.table.entryCount);
    this.left = image.table.entryCount;
  }

  get progress(): FetchProgress {
    const { waiting: reason, done: chunksDone } = this;
    const chunksTotal = this.image.table.entryCount;
    const state = reason === null ? "fetching" : "waiting";
    return { state, chunksDone, chunksTotal, reason };
  }

  /** The image is in the folder when it resolves. When it has rejected, nothing of it is held any more. */
  async run(): Promise<void> {
    const { manifest, index } = this.image;
    try {
      await this.findWhatIsHere();
      await inLanes(this.runs(), laneCount, (run) => this.bring(run));
      this.stopping.signal.throwIfAborted();
      await this.ports.ifKnown(manifest, async () => {
        await this.writer.commit(manifest, index);
      });
    } catch (error) {
      this.failure = { error };
      this.stop();
      for (const { reject } of this.awaited.values()) reject(error);
      await this.writer.abort();
      throw error;
    }
  }

  stop(): void {
    const what = `the fetch of ${imageName(this.image.manifest)} was stopped`;
    this.stopping.abort(new RoomcastError("cancelled", what, "start it again at any time"));
  }

  /** A chunk in its form of here, as soon as it is here. Rejects as `run`, or `bad-input` for a damaged one. */
  async read(entry: number): Promise<StoredChunk> {
    if (this.states[entry] !== 2) await this.arrival(entry);
    return this.ports.chunkHere(this.image, entry);
  }

  private arrival(entry: number): Promise<void> {
    if (this.failure !== null) return Promise.reject(this.failure.error);
    assert(entry < this.states.length, "whoever reads an entry has looked whether there is one");
    const known = this.awaited.get(entry);
    if (known !== undefined) return known.promise;
    const awaited = Promise.withResolvers<void>();
    awaited.promise.catch(() => {});
    this.awaited.set(entry, awaited);
    this.urgent.push(entry);
    return awaited.promise;
  }

  private arrived(entry: number): void {
    if (this.states[entry] === 0) this.left--;
    this.states[entry] = 2;
    this.done++;
    this.awaited.get(entry)?.resolve();
    this.awaited.delete(entry);
  }

  /** What is here stays here from then on. */
  private async findWhatIsHere(): Promise<void> {
    const { table, manifest } = this.image;
    for (let first = 0; first < table.entryCount; first += hashesAtOnce) {
      this.stopping.signal.throwIfAborted();
      const count = Math.min(hashesAtOnce, table.entryCount - first);
      const entries = Array.from({ length: count }, (_, at) => first + at);
      const known = this.writer.known(table.hashes(entries));
      for (const [at, entry] of entries.entries()) {
        if (table.isZero(entry) || bitAt(known, at)) this.arrived(entry);
        else if (table.get(entry) === null) throw unknownChunk(imageName(manifest), entry);
      }
      await this.ports.pause();
    }
    this.ports.progressed();
  }

  /** What to bring next, as long as there is anything that is not on its way. */
  private *runs(): Generator<Run> {
    while (this.left > 0) {
      this.stopping.signal.throwIfAborted();
      const first = this.nextEntry();
      const run = this.runFrom(first);
      for (const entry of run.entries) this.states[entry] = 1;
      this.left -= run.entries.length;
      this.cursor = (run.entries.at(-1) as number) + 1;
      yield run;
    }
  }

  private nextEntry(): number {
    for (;;) {
      const wanted = this.urgent.shift();
      if (wanted === undefined) break;
      if (this.states[wanted] === 0) return wanted;
    }
    const behind = this.states.indexOf(0, this.cursor);
    return behind >= 0 ? behind : this.states.indexOf(0);
  }

  private runFrom(first: number): Run {
    const { table } = this.image;
    const start = table.get(first);
    assert(start !== null, "where it is was looked up");
    const entries = [first];
    const places = [start];
    let end = start.offset + start.length;
    for (let entry = first + 1; entry < table.entryCount; entry++) {
      if (this.states[entry] !== 0) continue;
      const place = table.get(entry);
      if (place?.pack !== start.pack) break;
      if (place.offset < end || place.offset > end + gapBytes) break;
      if (place.offset + place.length > start.offset + requestBytes) break;
      entries.push(entry);
      places.push(place);
      end = place.offset + place.length;
    }
    return { entries, places };
  }

  private async bring({ entries, places }: Run): Promise<void> {
    const [first, last] = [places[0] as CampusPlace, places.at(-1) as CampusPlace];
    const range = { offset: first.offset, length: last.offset + last.length - first.offset };
    const { objects, seal } = this.ports;
    try {
      const name = packObjectName(first.pack);
      const bytes = await this.patiently((signal) => objects.get(name, range, signal));
      for (const [at, place] of places.entries()) {
        const from = place.offset - first.offset;
        const record = bytes.subarray(from, from + place.length);
        await this.put(entries[at] as number, place, readRecord(record, place, seal));
      }
    } catch (error) {
      if (!isDamage(error)) throw error;
      for (const entry of entries) if (this.states[entry] !== 2) await this.bringAlone(entry);
    }
    this.ports.progressed();
  }

  /** After something was wrong with it: it may lie elsewhere by now, or a bit may have flipped on its way. */
  private async bringAlone(entry: number): Promise<void> {
    const { table, manifest } = this.image;
    const { registry, remotes } = this.ports;
    for (let tries = 1; ; tries++) {
      const [place = null] = await this.patiently(() => registry.placesOf(table.hash(entry)));
      table.set(entry, place);
      const now = table.get(entry);
      if (now === null) throw unknownChunk(imageName(manifest), entry);
      try {
        const stored = await this.patiently((signal) => remotes.record(now, signal));
        return await this.put(entry, now, stored);
      } catch (error) {
        if (!isDamage(error)) throw error;
        if (tries < damageTries) continue;
        this.ports.lost(now.pack);
        throw badPack(`chunk ${entry} of image ${imageName(manifest)}`, now, error);
      }
    }
  }

  private async put(entry: number, place: CampusPlace, stored: Uint8Array): Promise<void> {
    this.stopping.signal.throwIfAborted();
    await this.writer.put(place.entry, stored);
    this.arrived(entry);
  }

  private patiently<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { signal } = this.stopping;
    return patiently({
      ...{ time: this.ports.time, signal },
      work: () => work(signal),
      waits: (reason) => {
        this.waiting = reason;
        this.ports.progressed();
      },
    });
  }
}

const unknownChunk = (image: string, entry: number): RoomcastError =>
  new RoomcastError(
    "bad-input",
    `image ${image}: the campus's database does not say where chunk ${entry} of its index is`,
    "run `roomcast image verify` on the server that made it, which has it",
  );

const badPack = (chunk: string, { pack }: CampusPlace, cause: unknown): RoomcastError =>
  new RoomcastError(
    "bad-input",
    `${chunk} cannot be had from the storage's ${packObjectName(pack)}: ${errorText(cause)}`,
    "run `roomcast image verify --repair` on a server that has the image, or put the object back from a backup of the storage",
    { cause },
  );
