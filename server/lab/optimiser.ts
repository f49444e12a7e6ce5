/**
 * Has images packed anew in the background, one at a time: those that somebody ordered, and at the hours of the
 * configuration those that were not packed yet. It waits while a session has PCs that know the forms of chunks.
 */
import { errorText, RoomcastError } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import type { Manifest } from "../../core/image/types.ts";
import { optimisedText } from "../../core/screen/optimise.ts";
import { type DailyWindow, isWithin } from "../../core/units/daily-window.ts";
import type { OptimiseView } from "../../core/wire/views.ts";
import type { ImageStore } from "../store/image-store.ts";
import { type Packer, usualThreads } from "../store/packers.ts";
import type { RepackOrder } from "../store/repack.ts";
import type { LabTimers } from "./timers.ts";

/** zstd's highest without its memory-hungry ones: .32 of a Debian disk, where level 1 has .36 (docs/decisions/0039). */
export const usualLevel = 19;
/** How often it looks whether it may go on, in milliseconds. */
const lookEvery = 1000;
/** How often it looks at the clock on the wall, and at what it does not hear of, in milliseconds. */
const clockEvery = 30_000;

export interface OptimiserPorts {
  readonly images: Pick<
    ImageStore,
    "list" | "isHere" | "repack" | "storedBytes" | "isPacked" | "ordered" | "order"
  >;
  openPackers(threads: number): Packer;
  /** In words, a session whose PCs know the forms of its image's chunks; null: there is none. */
  waitsFor(): string | null;
  /** When images that nobody named are packed; null: never. */
  readonly window: DailyWindow | null;
  wallClock(): Date;
  readonly timers: Pick<LabTimers, "now" | "sleep" | "every">;
  changed(image: Manifest): void;
  /** Something that belongs into the history. */
  note(image: string, text: string): void;
  log(fields: Record<string, unknown>, text: string): void;
}

interface Job {
  readonly image: Manifest;
  readonly isOrdered: boolean;
  readonly stop: AbortController;
  chunksDone: number;
  chunksTotal: number;
  toldAt: number;
  over: Promise<void>;
}

export class Optimiser {
  private readonly ports: OptimiserPorts;
  /** Why it failed, by the image's id; it is not tried again unless somebody orders it. */
  private readonly failures = new Map<string, string>();
  /** Those that an operator stopped: the hours of the configuration do not take them up again. */
  private readonly left = new Set<string>();
  private job: Job | null = null;
  /** What the log said last that the hours of the configuration wait for. */
  private waitedFor: string | null = null;
  private isClosed = false;

  constructor(ports: OptimiserPorts) {
    this.ports = ports;
    ports.timers.every(clockEvery, () => this.look());
  }

  /** Goes on where an earlier process of the server ended. */
  resume(): void {
    this.next();
  }

  /** Durable when it resolves. An image whose turn it is already goes on as it was. */
  async order(image: Manifest, how: RepackOrder): Promise<void> {
    const { images } = this.ports;
    this.failures.delete(image.id);
    this.left.delete(image.id);
    await images.order(image.id, how);
    this.ports.changed(image);
    this.next();
  }

  /** What is packed by then stays. */
  async stop(image: Manifest): Promise<void> {
    this.left.add(image.id);
    await this.ports.images.order(image.id, null);
    const { job } = this;
    if (job?.image.id !== image.id) return this.ports.changed(image);
    job.stop.abort();
    await job.over;
  }

  /** Null: it was never packed anew, and nobody wants it. */
  view(image: Manifest): OptimiseView | null {
    const { images, waitsFor } = this.ports;
    const { job } = this;
    const savedBytes = Math.max(0, image.storedBytes - images.storedBytes(image));
    const all = { chunksDone: 0, chunksTotal: image.chunkCount, savedBytes, reason: null };
    if (job?.image.id === image.id) {
      const { chunksDone, chunksTotal } = job;
      const reason = waitsFor();
      const state = reason === null ? "working" : "paused";
      return { ...all, state, chunksDone, chunksTotal, reason };
    }
    const reason = this.failures.get(image.id);
    if (reason !== undefined) return { ...all, state: "failed", reason };
    if (images.ordered.has(image.id)) return { ...all, state: "waiting" };
    if (images.isPacked(image.id)) return { ...all, state: "done", chunksDone: image.chunkCount };
    if (!this.isOn() || !this.isDue(image)) return null;
    const held = waitsFor();
    return held === null ? null : { ...all, state: "waiting", reason: held };
  }

  /** What was ordered is done by the next process of the server. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.job?.stop.abort();
    await this.job?.over;
  }

  private look(): void {
    const { job } = this;
    if (job !== null && !job.isOrdered && !this.isOn()) job.stop.abort();
    this.next();
  }

  private isOn(): boolean {
    const { window, wallClock } = this.ports;
    const now = wallClock();
    return window !== null && isWithin(window, now.getHours() * 60 + now.getMinutes());
  }

  /** It is the turn of the configuration's hours to have it packed. */
  private isDue({ id }: Manifest): boolean {
    const { images } = this.ports;
    return (
      images.isHere(id) && !images.isPacked(id) && !this.failures.has(id) && !this.left.has(id)
    );
  }

  private next(): void {
    if (this.isClosed || this.job !== null) return;
    const { images } = this.ports;
    const all = images.list();
    const ordered = all.find(({ id }) => images.ordered.has(id));
    const due =
      ordered === undefined && this.isOn() ? all.find((each) => this.isDue(each)) : undefined;
    const image = ordered ?? due;
    if (image === undefined || (ordered === undefined && this.isHeld(image))) return;
    const job: Job = {
      ...{ image, isOrdered: ordered !== undefined, stop: new AbortController() },
      ...{ chunksDone: 0, chunksTotal: image.chunkCount, toldAt: 0, over: Promise.resolve() },
    };
    this.job = job;
    job.over = this.run(job).finally(() => {
      this.job = null;
      this.ports.changed(image);
      this.next();
    });
  }

  /** Something keeps the configuration's hours from it, which is said once. */
  private isHeld(image: Manifest): boolean {
    const { waitsFor, log } = this.ports;
    const held = waitsFor();
    if (held !== null && held !== this.waitedFor)
      log({ image: imageName(image) }, `images wait to be packed anew: ${held} has PCs at work`);
    this.waitedFor = held;
    return held !== null;
  }

  /** Never rejects: what went wrong is kept, and told. */
  private async run(job: Job): Promise<void> {
    const { image, stop } = job;
    const { images, timers, waitsFor, note } = this.ports;
    const order = images.ordered.get(image.id);
    const threads = order?.threads ?? usualThreads;
    const packers = this.ports.openPackers(threads);
    const before = images.storedBytes(image);
    try {
      const { damaged, storedBytes } = await images.repack(image.id, {
        level: order?.level ?? usualLevel,
        lanes: threads,
        signal: stop.signal,
        pack: (work) => packers.pack(work),
        isFree: () => waitsFor() === null,
        untilFree: () => timers.sleep(lookEvery, stop.signal),
        onProgress: (done, total) => this.progress(job, done, total),
      });
      const bad = `; ${damaged} of its chunks are damaged: see \`roomcast image verify\``;
      const { fitSize = null } = image;
      const text = optimisedText({ ...image, fitSize, storedBytes }, before);
      note(imageName(image), damaged === 0 ? text : text + bad);
      await images.order(image.id, null);
    } catch (error) {
      if (!stop.signal.aborted) await this.failed(image, error);
    } finally {
      await packers.close();
    }
  }

  private async failed(image: Manifest, error: unknown): Promise<void> {
    // Deleted meanwhile: with it, what was wanted of it is gone.
    if (error instanceof RoomcastError && error.code === "not-found") return;
    const reason = errorText(error);
    this.failures.set(image.id, reason);
    this.ports.note(imageName(image), `it was not packed anew: ${reason}`);
    await this.ports.images.order(image.id, null).catch(() => {});
  }

  private progress(job: Job, done: number, total: number): void {
    const now = this.ports.timers.now();
    Object.assign(job, { chunksDone: done, chunksTotal: total });
    if (now - job.toldAt < lookEvery) return;
    job.toldAt = now;
    this.ports.changed(job.image);
  }
}
