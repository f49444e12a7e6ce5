/** Threads of the lowest priority that pack chunks anew. */
import { availableParallelism } from "node:os";
import type { PackJob, PackResult } from "./pack-job.ts";
import { Threads } from "./threads.ts";

/** All cores but one, and at least one. */
export const usualThreads = Math.max(1, availableParallelism() - 1);

export interface Packer {
  /** Rejects with `cancelled` once it is closed. */
  pack(job: PackJob): Promise<PackResult>;
  close(): Promise<void>;
}

export function openPackers(limit: number): Packer {
  const threads = new Threads<PackJob, PackResult>({
    module: new URL("./pack-worker.ts", import.meta.url),
    limit,
    copy(job) {
      const bytes = new Uint8Array(job.stored);
      return { job: { ...job, stored: bytes }, bytes };
    },
  });
  return { pack: (job) => threads.ask(job), close: () => threads.close() };
}
