/** A sweep's search by a thread of its own: a store of thirty million chunks takes it nearly two minutes. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { RoomcastError } from "../../core/errors.ts";
import type { SweepStep } from "./sweep.ts";
import type { SweepSetup, SweepWord } from "./sweep-worker.ts";

/**
 * Looks on only while it is asked for the next step. Rejects with `bad-input` where an index cannot be read, and once
 * `signal` aborts.
 */
export async function* findDeadBeside(
  setup: SweepSetup,
  signal: AbortSignal,
): AsyncGenerator<SweepStep> {
  signal.throwIfAborted();
  const worker = new Worker(new URL("./sweep-worker.ts", import.meta.url), { workerData: setup });
  const loaded = once(worker, "message");
  try {
    await loaded;
    for (;;) {
      const word = once(worker, "message", { signal });
      worker.postMessage("next");
      const [said] = (await word) as [SweepWord];
      if (said.type !== "over") yield said;
      else if (said.problem === null) return;
      else throw new RoomcastError("bad-input", said.problem, "see `roomcast image verify`");
    }
  } finally {
    // A thread that is ended while it loads native code takes the process with it.
    await loaded.catch(() => {});
    await worker.terminate();
  }
}
