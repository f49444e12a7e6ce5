/** Has the images of the folder that the campus does not have put into the storage, one after the other, in the background. */
import { errorText, RoomcastError } from "../../core/errors.ts";
import { imageName } from "../../core/image/manifest.ts";
import type { Manifest } from "../../core/image/types.ts";
import type { CampusTime } from "./patience.ts";
import { type UploadPorts, uploadImage } from "./upload.ts";

/** Milliseconds until an image is tried again that could not be put into the storage for a reason of its own. */
const retryMs = 10 * 60_000;

export interface UploadsPorts extends Omit<UploadPorts, "waits"> {
  /** The images that the campus lacks, those first that others are made of. */
  due(): readonly Manifest[];
  /** An upload has ended, one way or the other. */
  ended(manifest: Manifest): void;
}

interface Job {
  readonly manifest: Manifest;
  readonly stop: AbortController;
  waiting: string | null;
  over: Promise<void>;
}

interface Failure {
  readonly name: string;
  /** With what to do, where that is known. */
  readonly reason: string;
  /** When it is tried again, in milliseconds since 1970. */
  readonly until: number;
}

export class Uploads {
  private readonly ports: UploadsPorts;
  private readonly time: CampusTime;
  private readonly closing = new AbortController();
  private readonly failures = new Map<string, Failure>();
  private job: Job | null = null;

  constructor(ports: UploadsPorts) {
    this.ports = ports;
    this.time = ports.time;
  }

  /** In words. */
  get warnings(): string[] {
    const { job } = this;
    const failed = [...this.failures.values()].map(
      ({ name, reason }) =>
        `the image ${name} is on this server alone, and cannot be put into the campus's storage: ${reason}`,
    );
    if (job === null || job.waiting === null) return failed;
    const name = imageName(job.manifest);
    return [`the image ${name} is on this server alone so far: ${job.waiting}`, ...failed];
  }

  isUnderWay(imageId: string): boolean {
    return this.job?.manifest.id === imageId;
  }

  /** Begins the next one, if none is under way. */
  wake(): void {
    if (this.job !== null || this.closing.signal.aborted) return;
    const due = this.ports.due();
    const ids = new Set(due.map(({ id }) => id));
    for (const id of this.failures.keys()) if (!ids.has(id)) this.failures.delete(id);
    const now = this.time.now();
    const manifest = due.find(({ id }) => (this.failures.get(id)?.until ?? 0) <= now);
    if (manifest === undefined) return;
    const job: Job = {
      manifest,
      stop: new AbortController(),
      waiting: null,
      over: Promise.resolve(),
    };
    this.job = job;
    job.over = this.run(job);
  }

  /** Forgets why images failed, and tries again. */
  retry(): void {
    this.failures.clear();
    this.wake();
  }

  /** Resolves when nothing of it is being put any more; it stays due. */
  async stop(imageId: string): Promise<void> {
    const { job } = this;
    if (job?.manifest.id !== imageId) return;
    job.stop.abort();
    await job.over;
  }

  async close(): Promise<void> {
    this.closing.abort();
    this.job?.stop.abort();
    await this.job?.over;
  }

  /** Never rejects: what went wrong is kept, and told. */
  private async run(job: Job): Promise<void> {
    const { manifest, stop } = job;
    const waits = (reason: string | null): void => {
      job.waiting = reason;
    };
    try {
      await uploadImage(manifest, { ...this.ports, waits }, stop.signal);
      this.failures.delete(manifest.id);
    } catch (error) {
      if (!stop.signal.aborted) this.failed(manifest, reasonOf(error));
    }
    this.job = null;
    this.ports.ended(manifest);
    this.wake();
  }

  private failed(manifest: Manifest, reason: string): void {
    const until = this.time.now() + retryMs;
    this.failures.set(manifest.id, { name: imageName(manifest), reason, until });
    const { signal } = this.closing;
    void this.time.sleep(retryMs, signal).then(() => this.wake());
  }
}

const reasonOf = (error: unknown): string =>
  error instanceof RoomcastError ? `${error.message}; ${error.next}` : errorText(error);
