/** The images that are on their way here: those that somebody ordered, two at a time, and those that somebody reads. */
import { errorText, RoomcastError } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import type { Manifest } from "../../core/image/types.ts";
import type { FetchProgress } from "../store/image-store.ts";
import type { ImageWriter } from "../store/image-writer.ts";
import type { StoredChunk } from "../store/pack-job.ts";
import { Fetch, type FetchPorts } from "./fetch.ts";
import { patiently } from "./patience.ts";
import type { RemoteImages } from "./remote-images.ts";

/** Ordered ones at once: each has 24 MiB on its way. */
const runningLimit = 2;
/** Milliseconds between two words of how far one is. */
const tellEvery = 1000;

export interface FetchesPorts extends Omit<FetchPorts, "progressed" | "remotes"> {
  readonly remotes: Pick<RemoteImages, "load" | "forget" | "record">;
  beginFetched(manifest: Manifest): ImageWriter;
  /** Makes room for so many bytes of the image, as far as the cache's bound goes. */
  makeRoom(manifest: Manifest): Promise<void>;
  /** It is here, it has failed, or it is further than it was. */
  changed(imageId: string): void;
  /** It is here. */
  fetched(imageId: string): void;
}

interface Job {
  readonly manifest: Manifest;
  readonly stop: AbortController;
  /** Once its index is here. */
  readonly fetch: PromiseWithResolvers<Fetch>;
  begun: Fetch | null;
  waiting: string | null;
  isRunning: boolean;
  toldAt: number;
  over: Promise<void>;
}

export class Fetches {
  private readonly ports: FetchesPorts;
  /** By the image's id, in the order of their orders. */
  private readonly jobs = new Map<string, Job>();
  /** Why the last try failed, by the image's id. */
  private readonly failures = new Map<string, string>();
  private isClosed = false;

  constructor(ports: FetchesPorts) {
    this.ports = ports;
  }

  /** In words. */
  get warnings(): string[] {
    return [...this.failures].map(([id, reason]) => `image ${id} could not be fetched: ${reason}`);
  }

  /** The ids of images. */
  underWay(): string[] {
    return [...this.jobs.keys()];
  }

  progress(manifest: Manifest): FetchProgress | null {
    const job = this.jobs.get(manifest.id);
    const none = { chunksDone: 0, chunksTotal: manifest.chunkCount };
    if (job?.begun) return job.begun.progress;
    if (job !== undefined) {
      const state = job.isRunning && job.waiting === null ? "fetching" : "waiting";
      const behind = job.isRunning ? null : "others are fetched before it";
      return { ...none, state, reason: job.waiting ?? behind };
    }
    const reason = this.failures.get(manifest.id);
    return reason === undefined ? null : { ...none, state: "failed", reason };
  }

  /** As soon as it is its turn. */
  order(manifest: Manifest): void {
    this.jobOf(manifest);
    this.next();
  }

  /** At once. */
  begin(manifest: Manifest): void {
    if (!this.isClosed) this.start(this.jobOf(manifest));
  }

  /** A chunk of an image that is not here; the rest of it comes too. Rejects as the fetch does. */
  async read(manifest: Manifest, entry: number): Promise<StoredChunk> {
    const job = this.jobOf(manifest);
    this.start(job);
    return (await job.fetch.promise).read(entry);
  }

  /** Resolves when nothing of it is on its way any more. */
  async stop(imageId: string): Promise<void> {
    this.failures.delete(imageId);
    const job = this.jobs.get(imageId);
    if (job === undefined) return;
    job.stop.abort(stopped(job.manifest));
    job.begun?.stop();
    if (!job.isRunning) this.ended(job, stopped(job.manifest));
    await job.over;
  }

  /** Forgets why it failed. */
  forget(imageId: string): void {
    this.failures.delete(imageId);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await Promise.all([...this.jobs.keys()].map((id) => this.stop(id)));
  }

  private jobOf(manifest: Manifest): Job {
    const known = this.jobs.get(manifest.id);
    if (known !== undefined) return known;
    if (this.isClosed) throw stopped(manifest);
    const job: Job = {
      ...{ manifest, stop: new AbortController(), fetch: Promise.withResolvers<Fetch>() },
      ...{ begun: null, waiting: null, isRunning: false, toldAt: 0, over: Promise.resolve() },
    };
    job.fetch.promise.catch(() => {});
    this.failures.delete(manifest.id);
    this.jobs.set(manifest.id, job);
    this.ports.changed(manifest.id);
    return job;
  }

  private next(): void {
    for (const job of this.jobs.values()) {
      const running = [...this.jobs.values()].filter(({ isRunning }) => isRunning).length;
      if (running >= runningLimit) return;
      this.start(job);
    }
  }

  private start(job: Job): void {
    if (job.isRunning) return;
    job.isRunning = true;
    job.over = this.run(job).then(
      () => this.ended(job, null),
      (error: unknown) => this.ended(job, error),
    );
  }

  private async run(job: Job): Promise<void> {
    const { manifest, stop } = job;
    const { remotes, time, makeRoom } = this.ports;
    const remote = await patiently({
      ...{ time, signal: stop.signal },
      work: () => remotes.load(manifest),
      waits: (reason) => this.waits(job, reason),
    });
    await makeRoom(manifest);
    stop.signal.throwIfAborted();
    const writer = this.ports.beginFetched(manifest);
    const progressed = (): void => this.tell(job);
    const begun = new Fetch(remote, writer, { ...this.ports, progressed });
    job.begun = begun;
    job.fetch.resolve(begun);
    await begun.run();
  }

  private ended(job: Job, error: unknown): void {
    const { manifest, stop } = job;
    if (!this.jobs.delete(manifest.id)) return;
    if (error === null) this.ports.fetched(manifest.id);
    else {
      job.fetch.reject(error);
      if (!stop.signal.aborted) this.failures.set(manifest.id, errorText(error));
    }
    this.ports.remotes.forget(manifest.id);
    this.ports.changed(manifest.id);
    if (!this.isClosed) this.next();
  }

  private waits(job: Job, reason: string | null): void {
    job.waiting = reason;
    this.ports.changed(job.manifest.id);
  }

  private tell(job: Job): void {
    const now = this.ports.time.now();
    if (now - job.toldAt < tellEvery) return;
    job.toldAt = now;
    this.ports.changed(job.manifest.id);
  }
}

const stopped = (manifest: Manifest): RoomcastError => {
  const what = `the fetch of ${imageName(manifest)} was stopped`;
  return new RoomcastError("cancelled", what, "start it again at any time");
};
