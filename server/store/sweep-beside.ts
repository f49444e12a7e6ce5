/** A sweep's search by a thread of its own: a store of thirty million chunks takes it minutes. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { RoomcastError } from "../../core/errors.ts";
import type { SweepStep } from "./sweep.ts";
import type { SweepSetup, SweepWord } from "./sweep-worker.ts";

/** Looks on only while it is asked for the next step. Rejects with `bad-input` where an index cannot be read. */
export async function* findDeadBeside(setup: SweepSetup): AsyncGenerator<SweepStep> {
  const worker = new Worker(new URL("./sweep-worker.ts", import.meta.url), { workerData: setup });
  try {
    for (;;) {
      const word = once(worker, "message");
      worker.postMessage("next");
      const [said] = (await word) as [SweepWord];
      if (said.type !== "over") yield said;
      else if (said.problem === null) return;
      else throw new RoomcastError("bad-input", said.problem, "see `roomcast image verify`");
    }
  } finally {
    await worker.terminate();
  }
}
