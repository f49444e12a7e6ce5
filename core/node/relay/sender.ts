import { Worker } from "node:worker_threads";
import type { CastSender, CastSenderEvents, CastSenderOptions } from "../../cast/handles.ts";
import { RoomcastError } from "../../errors.ts";
import type { FromSender, ToSender } from "./messages.ts";

/** Starts the worker of a cast that sends. It sends nothing before somebody joins. */
export async function startCastSender(
  options: CastSenderOptions,
  events: CastSenderEvents,
): Promise<CastSender> {
  const worker = new Worker(new URL("./sender-worker.ts", import.meta.url), {
    workerData: options,
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  const say = (message: ToSender): void => worker.postMessage(message);
  const ended = new Promise<void>((resolve, reject) => {
    worker.on("message", (message: FromSender) => {
      if (message.type === "stats") return events.stats(message.stats);
      reject(new RoomcastError("failed", message.message, "the server's log has more"));
    });
    worker.on("error", reject);
    worker.on("exit", () => resolve());
  });
  ended.catch(() => {});
  return {
    join: (receiver, wants) => say({ type: "join", receiver, wants }),
    report: (receiver, payload) => say({ type: "report", receiver, payload }),
    leave: (receiver) => say({ type: "leave", receiver }),
    ended,
    async close() {
      say({ type: "close" });
      await ended.catch(() => {});
      await worker.terminate();
    },
  };
}
