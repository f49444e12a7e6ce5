/** Workers of casts that load what they need before there is a cast for them. */
import { type MessagePort, receiveMessageOnPort, Worker, workerData } from "node:worker_threads";
import { assert } from "../../errors.ts";
import { failureOf } from "./messages.ts";

/** Sleeps, once it has loaded what it needs, until it is told its cast. */
export class SleepingWorker {
  readonly worker: Worker;
  private readonly called = new Int32Array(new SharedArrayBuffer(4));

  /** `loads`: modules that it will need beside its own, as file URLs. */
  constructor(module: URL, loads: readonly string[] = []) {
    const data: SleepingData = { called: this.called, loads };
    this.worker = new Worker(module, { workerData: data });
    // One that is never called does not keep the process.
    this.worker.unref();
  }

  /** Hands it its cast. */
  call(setup: unknown): Worker {
    this.worker.ref();
    this.worker.postMessage(setup);
    Atomics.store(this.called, 0, 1);
    Atomics.notify(this.called, 0);
    return this.worker;
  }
}

interface SleepingData {
  readonly called: Int32Array;
  readonly loads: readonly string[];
}

/**
 * The whole of such a worker: loads, sleeps until there is a cast, and runs it. What fails is said to the owner. A
 * function, since a bundle that `require` loads cannot wait at its top.
 */
export async function serveOneCast<Setup>(
  port: MessagePort,
  load: () => Promise<unknown>,
  run: (setup: Setup) => Promise<void>,
): Promise<void> {
  try {
    await load();
    await run((await sleepUntilCalled(port)) as Setup);
  } catch (error) {
    port.postMessage({ type: "failed", failure: failureOf(error) });
  }
  port.close();
}

/** Answers what the owner said of the cast. */
async function sleepUntilCalled(port: MessagePort): Promise<unknown> {
  const { called, loads } = workerData as SleepingData;
  await Promise.all(loads.map((module) => import(module)));
  Atomics.wait(called, 0, 0);
  const told = receiveMessageOnPort(port);
  assert(told !== undefined, "it is told its cast before it is woken");
  return told.message;
}

/**
 * As `start`, each time on a worker of this module that was made before it is needed: one sleeps from when `from`
 * resolves, and another from the end of each cast.
 */
export function startAhead<Options, Events, Cast extends { readonly ended: Promise<unknown> }>(
  newWorker: () => SleepingWorker,
  start: (worker: SleepingWorker, options: Options, events: Events) => Promise<Cast>,
  from: Promise<unknown> = Promise.resolve(),
): (options: Options, events: Events) => Promise<Cast> {
  let next: SleepingWorker | null = null;
  const prepare = (): void => {
    if (next !== null) return;
    const made = newWorker();
    next = made;
    // Whatever ends it before it is called: the next is another, made when it is needed.
    for (const end of ["error", "exit"])
      made.worker.once(end, () => {
        if (next === made) next = null;
      });
  };
  from.then(prepare);
  return async (options, events) => {
    const worker = next ?? newWorker();
    next = null;
    const cast = await start(worker, options, events);
    cast.ended.catch(() => {}).finally(prepare);
    return cast;
  };
}
