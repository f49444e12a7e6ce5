/** Workers of casts that are made before there is a cast for them. What they do: `one-cast.ts`. */
import { Worker } from "node:worker_threads";

/** Loads what it needs, rehearses, and sleeps until it is told its cast. */
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

/** What it is made with. */
export interface SleepingData {
  /** 1 from when it has been sent its cast. */
  readonly called: Int32Array;
  readonly loads: readonly string[];
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
