/**
 * Versions of images that are made to fit smaller disks, for whoever waits for one: sessions and the
 * schedule. What is wanted of the same image for disks of one class is made once, and one version after the other:
 * each takes the room for a disk meanwhile, and looks whether there is so much before.
 */
import { RoomcastError } from "../../core/errors.ts";
import { cannotFitText } from "../../core/screen/fit.ts";
import { type FitPlan, planFit } from "../../core/session/fit-plan.ts";
import type { FitProgress } from "../../core/session/kind.ts";
import type { FitPart } from "../../core/wire/fit-size.ts";
import type { ImageView } from "../../core/wire/views.ts";
import type { LabTimers } from "./timers.ts";

/** The work outside of this process. */
export interface FitWork {
  /** Resolves when nothing of it is left. */
  stop(): Promise<void>;
}

export interface FitEvents {
  /** Of one part of the work, in bytes. */
  progress(part: FitPart, done: number, total: number): void;
  /** Once; null: the version is in the store. */
  ended(failure: string | null): void;
}

export interface FitOrder {
  readonly imageId: string;
  /** As in the name of the version. */
  readonly size: string;
}

/** Starts to make a fitted version. */
export type StartFit = (order: FitOrder, events: FitEvents) => FitWork;

export interface FitsPorts {
  images(): readonly ImageView[];
  readonly start: StartFit;
  readonly timers: Pick<LabTimers, "now" | "later">;
}

/** What becomes of what somebody waits for. The last two end it. */
export interface FitTold {
  progress(progress: FitProgress): void;
  fitted(image: ImageView): void;
  failed(reason: string): void;
}

/** A disk of this size, and the image that is to fit it. */
export interface FitWish {
  readonly image: string;
  readonly diskBytes: number;
}

interface Wish extends FitWish {
  readonly told: FitTold;
  job: Job | null;
}

interface Job {
  readonly key: string;
  readonly order: FitOrder;
  readonly wishes: Set<Wish>;
  /** Null: it waits for its turn. */
  running: { readonly work: FitWork; readonly startedAt: number } | null;
  progress: FitProgress;
}

/**
 * Whoever stops the server stops what it has started as well, and often first: a failure is one if the server
 * is still there after so many milliseconds.
 */
const failureCountsAfter = 1000;
/** Where each part begins and ends in the whole, as it was measured (docs/decisions/0028). */
const shares: Readonly<Record<FitPart, readonly [from: number, to: number]>> = {
  reading: [0, 0.72],
  fitting: [0.72, 0.78],
  storing: [0.78, 1],
};
/** Before so much is done nobody can say how long the rest takes. */
const tellsTimeFrom = 0.03;

export class Fits {
  private readonly ports: FitsPorts;
  /** In the order in which they are done. */
  private readonly jobs = new Map<string, Job>();
  private readonly stopping = new Set<Promise<void>>();
  private isClosed = false;

  constructor(ports: FitsPorts) {
    this.ports = ports;
  }

  /** Answers how to want it no more; then nothing is told any more. */
  want(wish: FitWish, told: FitTold): () => void {
    const wanted: Wish = { ...wish, told, job: null };
    this.place(wanted);
    return () => this.withdraw(wanted);
  }

  /** Resolves with the version that fits, once there is one; rejects with `failed`, and as `signal` says. */
  ready(
    wish: FitWish,
    signal: AbortSignal,
    progress: FitTold["progress"] = () => {},
  ): Promise<ImageView> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      let withdraw = (): void => {};
      const stop = (): void => {
        withdraw();
        reject(signal.reason);
      };
      const end = (act: () => void): void => {
        signal.removeEventListener("abort", stop);
        act();
      };
      signal.addEventListener("abort", stop, { once: true });
      withdraw = this.want(wish, {
        progress,
        fitted: (image) => end(() => resolve(image)),
        failed: (reason) =>
          end(() => {
            const what = `the image could not be made to fit: ${reason}`;
            reject(new RoomcastError("failed", what, "nothing was woken or written"));
          }),
      });
    });
  }

  /** Ends all work. What was wanted is wanted again by whoever is started anew. */
  async close(): Promise<void> {
    this.isClosed = true;
    for (const { running } of this.jobs.values()) this.stop(running?.work);
    this.jobs.clear();
    await Promise.all(this.stopping);
  }

  private planOf({ image, diskBytes }: FitWish): FitPlan | null {
    const images = this.ports.images();
    const origin = images.find(({ id }) => id === image);
    if (origin === undefined) return null;
    return planFit(origin, images, [{ name: "the smallest PC", bytes: diskBytes }]);
  }

  /** As the images are now. */
  private place(wish: Wish): void {
    if (this.isClosed) return;
    const plan = this.planOf(wish);
    if (plan === null) return wish.told.failed("the image is not there any more");
    switch (plan.kind) {
      case "as-is":
      case "reuse":
        return wish.told.fitted(plan.image);
      case "cannot":
        return wish.told.failed(cannotFitText(plan).what);
      case "make":
        return this.join(wish, this.jobFor({ imageId: wish.image, size: plan.size.text }));
    }
  }

  private jobFor(order: FitOrder): Job {
    const key = keyOf(order);
    const found = this.jobs.get(key);
    if (found !== undefined) return found;
    const progress: FitProgress = { fraction: null, secondsLeft: null };
    const job: Job = { key, order, wishes: new Set(), running: null, progress };
    this.jobs.set(key, job);
    this.startNext();
    return job;
  }

  private startNext(): void {
    const [job] = this.jobs.values();
    // Of what was stopped, files are there until it has ended.
    if (job === undefined || job.running !== null || this.stopping.size > 0) return;
    const startedAt = this.ports.timers.now();
    const work = this.ports.start(job.order, {
      progress: (part, done, total) => this.progress(job, part, done, total),
      ended: (failure) => this.ended(job, failure),
    });
    job.running = { work, startedAt };
  }

  private join(wish: Wish, job: Job): void {
    wish.job = job;
    job.wishes.add(wish);
    wish.told.progress(job.progress);
  }

  private progress(job: Job, part: FitPart, done: number, total: number): void {
    const [from, to] = shares[part];
    const fraction = from + (to - from) * (total === 0 ? 1 : Math.min(1, done / total));
    const now = this.ports.timers.now();
    const took = (now - (job.running?.startedAt ?? now)) / 1000;
    const secondsLeft = fraction < tellsTimeFrom ? null : (took / fraction) * (1 - fraction);
    job.progress = { fraction, secondsLeft };
    for (const { told } of job.wishes) told.progress(job.progress);
  }

  private ended(job: Job, failure: string | null): void {
    if (this.jobs.get(job.key) !== job) return;
    this.ports.timers.later(failure === null ? 0 : failureCountsAfter, () => {
      if (this.isClosed || this.jobs.get(job.key) !== job) return;
      this.jobs.delete(job.key);
      for (const wish of job.wishes) this.settle(wish, failure);
      this.startNext();
    });
  }

  /** The try may have found out that there is only a larger size that does, or somebody else has made one. */
  private settle(wish: Wish, failure: string | null): void {
    const before = wish.job?.key;
    wish.job = null;
    const plan = this.planOf(wish);
    const isSame =
      plan?.kind === "make" && keyOf({ imageId: wish.image, size: plan.size.text }) === before;
    if (isSame || (plan?.kind === "cannot" && failure !== null))
      return wish.told.failed(failure ?? "the version that was made is not in the store");
    this.place(wish);
  }

  private withdraw(wish: Wish): void {
    const { job } = wish;
    wish.job = null;
    if (job === null || !job.wishes.delete(wish) || job.wishes.size > 0) return;
    if (this.jobs.get(job.key) !== job) return;
    this.jobs.delete(job.key);
    this.stop(job.running?.work);
  }

  private stop(work: FitWork | undefined): void {
    if (work === undefined) return;
    const stopped = work.stop().finally(() => {
      this.stopping.delete(stopped);
      if (!this.isClosed) this.startNext();
    });
    this.stopping.add(stopped);
  }
}

const keyOf = ({ imageId, size }: FitOrder): string => `${imageId} ${size}`;
