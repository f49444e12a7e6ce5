/** A few threads that check chunks and indexes. */
import { availableParallelism } from "node:os";
import { type CheckJob, type CheckResult, doCheck } from "./check-jobs.ts";
import { Threads } from "./threads.ts";

/** One core is left to the server's own thread; more than four a disk hardly feeds. */
const threadLimit = Math.max(1, Math.min(4, availableParallelism() - 1));
/** What is shorter is checked at once, in bytes: a thread would cost more. */
const inlineBytes = 16 * 1024;

export interface Checker {
  /** Checks one thing; rejects with `cancelled` once it is closed. */
  check(job: CheckJob): Promise<CheckResult>;
  close(): Promise<void>;
}

/** For a thread that has nothing else to do. */
export const checkHere: Pick<Checker, "check"> = { check: async (job) => doCheck(job) };

export class Checkers implements Checker {
  private readonly threads = new Threads<CheckJob, CheckResult>({
    module: new URL("./check-worker.ts", import.meta.url),
    limit: threadLimit,
    copy(job) {
      // Of a request's body the chunk alone is copied, not all that came with it; `slice` of a Buffer copies nothing.
      const bytes = new Uint8Array(bytesOf(job));
      const own = job.type === "chunk" ? { ...job, stored: bytes } : { ...job, index: bytes };
      return { job: own, bytes };
    },
  });

  check(job: CheckJob): Promise<CheckResult> {
    if (bytesOf(job).length <= inlineBytes) return Promise.resolve(doCheck(job));
    return this.threads.ask(job);
  }

  close(): Promise<void> {
    return this.threads.close();
  }
}

const bytesOf = (job: CheckJob): Uint8Array => (job.type === "chunk" ? job.stored : job.index);
