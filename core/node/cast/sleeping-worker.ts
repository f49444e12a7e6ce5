/** Workers of casts that load what they need before there is a cast for them. */
import { type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { assert } from "../../errors.ts";

/** Sleeps, once it has loaded what it needs, until it is told its cast. */
export class SleepingWorker {
  readonly worker: Worker;
  private readonly called = new Int32Array(new SharedArrayBuffer(4));

  constructor(module: URL) {
    this.worker = new Worker(module, { workerData: this.called });
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

/** In the worker: sleeps until there is a cast, and answers what the owner said of it. */
export function sleepUntilCalled(called: Int32Array, port: MessagePort): unknown {
  Atomics.wait(called, 0, 0);
  const told = receiveMessageOnPort(port);
  assert(told !== undefined, "it is told its cast before it is woken");
  return told.message;
}

/** One worker of a kind that sleeps, and another when that was taken. */
export class WorkersAhead {
  private readonly module: URL;
  private next: SleepingWorker | null = null;

  constructor(module: URL) {
    this.module = module;
    this.prepare();
  }

  /** Makes the next, if there is none. */
  prepare(): void {
    if (this.next !== null) return;
    const made = new SleepingWorker(this.module);
    this.next = made;
    // Whatever ends it before it is called: the next is another, made when it is needed.
    for (const end of ["error", "exit"])
      made.worker.once(end, () => {
        if (this.next === made) this.next = null;
      });
  }

  take(): SleepingWorker {
    const taken = this.next ?? new SleepingWorker(this.module);
    this.next = null;
    return taken;
  }
}
