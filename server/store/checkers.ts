/** A few threads that check chunks and indexes, so that the server answers meanwhile. */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { RoomcastError } from "../../core/errors.ts";
import { type CheckJob, type CheckResult, doCheck } from "./check-jobs.ts";

/** One core is left to the server's own thread; more than four a disk hardly feeds. */
const threadLimit = Math.max(1, Math.min(4, availableParallelism() - 1));
/** A thread that nobody asks ends after this, and its memory with it; in milliseconds. */
const idleMs = 10_000;
/** What is shorter is checked at once, in bytes: a thread would cost more. */
const inlineBytes = 16 * 1024;

export interface Checker {
  /** Checks one thing; rejects with `cancelled` once it is closed. */
  check(job: CheckJob): Promise<CheckResult>;
  close(): Promise<void>;
}

interface Asked {
  readonly job: CheckJob;
  resolve(result: CheckResult): void;
  reject(error: Error): void;
}

interface Thread {
  readonly worker: Worker;
  asked: Asked | null;
  idle: NodeJS.Timeout | undefined;
}

/** For a thread that has nothing else to do. */
export const checkHere: Pick<Checker, "check"> = { check: async (job) => doCheck(job) };

export class Checkers implements Checker {
  private readonly threads = new Set<Thread>();
  private readonly queue: Asked[] = [];
  private isClosed = false;

  check(job: CheckJob): Promise<CheckResult> {
    if (bytesOf(job).length <= inlineBytes) return Promise.resolve(doCheck(job));
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
      // Of a request's body the chunk alone is copied, not all that came with it.
      const bytes = new Uint8Array(bytesOf(asked.job));
      const job = asked.job.type === "chunk" ? { stored: bytes } : { index: bytes };
      thread.worker.postMessage({ ...asked.job, ...job }, [bytes.buffer]);
    }
  }

  private start(): Thread | null {
    if (this.threads.size >= threadLimit) return null;
    const worker = new Worker(new URL("./check-worker.ts", import.meta.url));
    const thread: Thread = { worker, asked: null, idle: undefined };
    this.threads.add(thread);
    worker.on("message", (result: CheckResult) => {
      thread.asked?.resolve(result);
      thread.asked = null;
      worker.unref();
      thread.idle = setTimeout(() => this.end(thread, closed()), idleMs).unref();
      this.hand();
    });
    // What cannot be checked is no chunk's fault: whoever asked is told, and another thread takes what waits.
    worker.on("error", (error) => {
      void this.end(thread, error);
      this.hand();
    });
    return thread;
  }

  private async end(thread: Thread, why: Error): Promise<void> {
    this.threads.delete(thread);
    clearTimeout(thread.idle);
    thread.asked?.reject(why);
    thread.asked = null;
    await thread.worker.terminate();
  }
}

const bytesOf = (job: CheckJob): Uint8Array => (job.type === "chunk" ? job.stored : job.index);

const closed = (): RoomcastError =>
  new RoomcastError("cancelled", "the image store is being closed", "try again later");
