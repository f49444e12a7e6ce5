/** What a verification has seen, by a thread of its own: of a large store each look into the table may wait for the disk. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { errorText, RoomcastError } from "../../core/errors.ts";
import type { SeenChunks } from "./seen-chunks.ts";
import type { SeenQuestion } from "./seen-worker.ts";

/** `firsts` rejects with `failed` when the disk of the table is full. */
export function seenBeside(): SeenChunks {
  const worker = new Worker(new URL("./seen-worker.ts", import.meta.url));
  let fault: Error | null = null;
  // Also one that comes while nobody asks.
  worker.on("error", (error: Error) => {
    fault = error;
  });
  return {
    async firsts(entries, diskBytes) {
      try {
        if (fault !== null) throw fault;
        const answer = once(worker, "message");
        // A part of an index would be sent with all of it.
        const own = new Uint8Array(entries);
        worker.postMessage({ entries: own, diskBytes } satisfies SeenQuestion, [own.buffer]);
        const [firsts] = (await answer) as [Uint8Array];
        return firsts;
      } catch (cause) {
        throw new RoomcastError(
          "failed",
          `noting which chunks were verified: ${errorText(cause)}`,
          "see whether /var/tmp has space: 50 bytes for each chunk of the store",
          { cause },
        );
      }
    },
    [Symbol.asyncDispose]: async () => void (await worker.terminate()),
  };
}
