/** What a worker does that was made before there is a cast for it. */
import { type MessagePort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { rehearse } from "../../cast/rehearsal.ts";
import { assert } from "../../errors.ts";
import { failureOf } from "./messages.ts";
import type { SleepingData } from "./sleeping-worker.ts";

/**
 * The whole of such a worker: loads, rehearses, sleeps until there is a cast, and runs it. What fails is said to the
 * owner. A function, since a bundle that `require` loads cannot wait at its top.
 */
export async function serveOneCast<Setup>(
  port: MessagePort,
  load: () => Promise<unknown>,
  run: (setup: Setup) => Promise<void>,
): Promise<void> {
  try {
    const { called, loads } = workerData as SleepingData;
    await Promise.all([load(), ...loads.map((module) => import(module))]);
    rehearse(() => Atomics.load(called, 0) === 0);
    Atomics.wait(called, 0, 0);
    const told = receiveMessageOnPort(port);
    assert(told !== undefined, "it is told its cast before it is woken");
    await run(told.message as Setup);
  } catch (error) {
    port.postMessage({ type: "failed", failure: failureOf(error) });
  }
  port.close();
}
