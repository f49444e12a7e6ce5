import { MessageChannel, Worker } from "node:worker_threads";
import type { CastReceiver, CastReceiverEvents, CastReceiverOptions } from "../../cast/handles.ts";
import { RoomcastError } from "../../errors.ts";
import { slotBytes } from "../../relay/receiver.ts";
import { storedLengthsOf } from "./index-lengths.ts";
import type { FromReceiver, ToReceiver } from "./messages.ts";

/** Starts the worker of a cast that receives; it has joined the group when this resolves. */
export async function startCastReceiver(
  options: CastReceiverOptions,
  events: CastReceiverEvents,
): Promise<CastReceiver> {
  const { tag, group, port, interfaceAddress, wants, slotCount } = options;
  const slab = new SharedArrayBuffer(slotCount * slotBytes);
  // A port of its own: the worker takes messages between two receptions, without its event loop.
  const { port1: messages, port2 } = new MessageChannel();
  const storedLengths = storedLengthsOf(options.index);
  const worker = new Worker(new URL("./receiver-worker.ts", import.meta.url), {
    workerData: {
      ...{ tag, group, port, interfaceAddress, wants, slotCount, slab, storedLengths },
      messages: port2,
    },
    transferList: [port2],
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });
  const say = (message: ToReceiver): void => messages.postMessage(message);
  let isClosed = false;
  const ended = new Promise<void>((resolve, reject) => {
    messages.on("message", (message: FromReceiver) => {
      if (message.type === "failed") {
        const next = "see that the PC's interface is up and has an address";
        reject(new RoomcastError("failed", message.message, next));
      } else if (isClosed) return;
      else if (message.type === "report") events.report(message.payload);
      else if (message.type === "stats") events.stats(message.stats);
      else {
        const { entryIndex, slot, length } = message;
        const stored = new Uint8Array(slab, slot * slotBytes, length);
        events.chunk(entryIndex, stored, (verdict) =>
          say({ type: "settle", entryIndex, isRight: verdict === "taken" }),
        );
      }
    });
    worker.on("error", reject);
    worker.on("exit", () => resolve());
  });
  ended.catch(() => {});
  return {
    forget: (entryIndex) => say({ type: "forget", entryIndex }),
    refresh: () => say({ type: "refresh" }),
    ended,
    async close() {
      isClosed = true;
      say({ type: "close" });
      await ended.catch(() => {});
      messages.close();
      await worker.terminate();
    },
  };
}
