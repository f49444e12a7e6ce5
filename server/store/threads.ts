/** A few threads that do jobs on bytes, one after the other each, so that the server answers meanwhile. */
import { Worker } from "node:worker_threads";
import { RoomcastError } from "../../core/errors.ts";

/** A thread that nobody asks ends after this, and its memory with it; in milliseconds. */
const idleMs = 10_000;

export interface ThreadsPlan<Job> {
  /** The module that each of them runs: it answers each message that is a job with one that is a result. */
  readonly module: URL;
  readonly limit: number;
  /** The job with bytes of its own, and these, which the thread gets. */
  copy(job: Job): { readonly job: Job; readonly bytes: Uint8Array<ArrayBuffer> };
}

interface Asked<Job, Result> {
  readonly job: Job;
  resolve(result: Result): void;
  reject(error: Error): void;
}

interface Thread<Job, Result> {
  readonly worker: Worker;
  asked: Asked<Job, Result> | null;
  idle: NodeJS.Timeout | undefined;
}

export class Threads<Job, Result> {
  private readonly plan: ThreadsPlan<Job>;
  private readonly threads = new Set<Thread<Job, Result>>();
  private readonly queue: Asked<Job, Result>[] = [];
  private isClosed = false;

  constructor(plan: ThreadsPlan<Job>) {
    this.plan = plan;
  }

  /** Rejects with `cancelled` once they are closed, and as the thread fails. */
  ask(job: Job): Promise<Result> {
    if (this.isClosed) return Promise.reject(closed());
    return new Promise((resolve, reject) => {
      this.queue.push({ job, resolve, reject });
      this.hand();
    });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const { reject } of this.queue.splice(0)) reject(closed());
    await Promise.all([...this.threads].map((thread) => this.end(thread, closed())));
  }

  /** Gives what waits to threads that have nothing to do. */
  private hand(): void {
    while (this.queue.length > 0) {
      const thread = [...this.threads].find(({ asked }) => asked === null) ?? this.start();
      if (thread === null) return;
      const asked = this.queue.shift();
      if (asked === undefined) return;
      clearTimeout(thread.idle);
      thread.asked = asked;
      thread.worker.ref();
      const { job, bytes } = this.plan.copy(asked.job);
      thread.worker.postMessage(job, [bytes.buffer]);
    }
  }

  private start(): Thread<Job, Result> | null {
    if (this.threads.size >= this.plan.limit) return null;
    const worker = new Worker(this.plan.module);
    const thread: Thread<Job, Result> = { worker, asked: null, idle: undefined };
    this.threads.add(thread);
    worker.on("message", (result: Result) => {
      thread.asked?.resolve(result);
      thread.asked = null;
      worker.unref();
      thread.idle = setTimeout(() => this.end(thread, closed()), idleMs).unref();
      this.hand();
    });
    // What cannot be done is no chunk's fault: whoever asked is told, and another thread takes what waits.
    worker.on("error", (error) => {
      void this.end(thread, error);
      this.hand();
    });
    return thread;
  }

  private async end(thread: Thread<Job, Result>, why: Error): Promise<void> {
    this.threads.delete(thread);
    clearTimeout(thread.idle);
    thread.asked?.reject(why);
    thread.asked = null;
    await thread.worker.terminate();
  }
}

const closed = (): RoomcastError =>
  new RoomcastError("cancelled", "the image store is being closed", "try again later");
