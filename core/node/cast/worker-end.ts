import type { Worker } from "node:worker_threads";
import { RoomcastError } from "../../errors.ts";
import { errorOf, type Failure } from "./messages.ts";

/** The start and the end of a cast's worker, seen from its owner. */
export interface WorkerEnd {
  /** Resolves when the worker has its socket; rejects when it cannot. */
  readonly started: Promise<void>;
  /** Resolves after a close; rejects when the worker breaks. */
  readonly ended: Promise<void>;
}

/** `onMessage` gets what is neither the start nor a failure. */
export function watchWorker<Message extends { readonly type: string }>(
  worker: Worker,
  onMessage: (message: Message) => void,
): WorkerEnd {
  const started = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const fail = (error: Error): void => {
    started.reject(error);
    ended.reject(error);
  };
  worker.on("message", (message: Message & { readonly failure?: Failure }) => {
    if (message.type === "started") started.resolve();
    else if (message.failure !== undefined) fail(errorOf(message.failure));
    else onMessage(message);
  });
  worker.on("error", fail);
  worker.on("exit", () => {
    started.reject(new RoomcastError("failed", "the cast's worker ended at once", "try again"));
    ended.resolve();
  });
  // Callers may wait for either.
  started.promise.catch(() => {});
  ended.promise.catch(() => {});
  return { started: started.promise, ended: ended.promise };
}
