import { Worker } from "node:worker_threads";
import type { CastSender, CastSenderEvents, CastSenderOptions } from "../../cast/handles.ts";
import type { FromSender, SenderSetup, ToSender } from "./messages.ts";
import { storedLengthsOf } from "./stored-lengths.ts";
import { watchWorker } from "./worker-end.ts";

/**
 * Starts a cast's sender in a worker. It sends nothing but a sign of life until a receiver has joined
 * and reported. Rejects with a RoomcastError when the socket or the chunk source cannot be opened.
 */
export async function startCastSender(
  options: CastSenderOptions,
  events: CastSenderEvents,
): Promise<CastSender> {
  const { index, ...rest } = options;
  const setup: SenderSetup = { ...rest, storedLengths: storedLengthsOf(index) };
  const worker = new Worker(new URL("./sender-worker.ts", import.meta.url), { workerData: setup });
  const { started, ended } = watchWorker<FromSender>(worker, (message) => {
    if (message.type === "stats") events.stats(message.stats);
  });
  const say = (message: ToSender): void => worker.postMessage(message);
  await started;
  return {
    join: (receiver, wants) => say({ type: "join", receiver, wants }),
    report: (receiver, payload) => say({ type: "report", receiver, payload }),
    leave: (receiver) => say({ type: "leave", receiver }),
    ended,
    async close() {
      say({ type: "close" });
      await ended.catch(() => {});
    },
  };
}
