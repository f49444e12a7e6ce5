import { writeSync } from "node:fs";
import type {
  CastReceiver,
  CastReceiverEvents,
  CastReceiverOptions,
  ChunkVerdict,
} from "../../cast/ends.ts";
import { slabBytesFor } from "../../cast/slab.ts";
import { slabMemory } from "../../cast/symbol-copy.ts";
import { assert } from "../../errors.ts";
import type { FromReceiver, ReceiverSetup, ToReceiver } from "./messages.ts";
import { SleepingWorker, startAhead } from "./sleeping-worker.ts";
import { storedLengthsOf } from "./stored-lengths.ts";
import { loadCalls } from "./transport.ts";
import { watchWorker } from "./worker-end.ts";

/** What an eventfd takes: it is readable from then on. */
const wakeUp = new Uint8Array(new BigUint64Array([1n]).buffer);

const workerModule = new URL("./receiver-worker.ts", import.meta.url);

/**
 * Starts a cast's receiver in a worker, with memory of `slotCount` chunks that both share. Rejects
 * with a RoomcastError when the group cannot be joined.
 */
export const startCastReceiver = (
  options: CastReceiverOptions,
  events: CastReceiverEvents,
): Promise<CastReceiver> => startOn(new SleepingWorker(workerModule), options, events);

/**
 * As `startCastReceiver`, by a worker that was made before it is needed: once `from` resolves, while a PC waits for
 * an order, and again while it waits for the next.
 */
export function receiversAhead(
  from: Promise<unknown> = Promise.resolve(),
): typeof startCastReceiver {
  // What this thread needs of the system's calls is loaded by then, too.
  void from.then(() => loadCalls(true));
  return startAhead(() => new SleepingWorker(workerModule), startOn, from);
}

async function startOn(
  sleeping: SleepingWorker,
  options: CastReceiverOptions,
  events: CastReceiverEvents,
): Promise<CastReceiver> {
  const storedLengths = storedLengthsOf(options.index);
  const slab = slabMemory(slabBytesFor(storedLengths, options.slotCount));
  const calls = await loadCalls(options.mayUseCalls ?? true);
  const wakeDescriptor = calls?.openEvent() ?? null;
  let isOpen = true;
  const setup: ReceiverSetup = { ...options, slab, wakeDescriptor };
  const worker = sleeping.call(setup);

  const say = (message: ToReceiver): void => {
    if (!isOpen) return;
    worker.postMessage(message);
    if (wakeDescriptor !== null) writeSync(wakeDescriptor, wakeUp);
  };

  const settleOnce = (entryIndex: number): ((verdict: ChunkVerdict) => void) => {
    let isSettled = false;
    return (verdict) => {
      assert(!isSettled, "a chunk is settled once");
      isSettled = true;
      say({ type: "settle", entryIndex, verdict });
    };
  };

  const { started, ended } = watchWorker<FromReceiver>(worker, (message) => {
    switch (message.type) {
      case "chunk": {
        const { entryIndex, offset, storedLength } = message;
        const stored = new Uint8Array(slab.buffer, offset, storedLength);
        return events.chunk(entryIndex, stored, settleOnce(entryIndex));
      }
      case "report":
        return events.report(message.payload);
      case "stats":
        return events.stats(message.stats);
    }
  });
  worker.once("exit", () => {
    isOpen = false;
    if (wakeDescriptor !== null) calls?.closeDescriptor(wakeDescriptor);
  });
  await started;
  return {
    forget: (entryIndex) => say({ type: "forget", entryIndex }),
    announce: (entryIndex, entry) => say({ type: "announce", entryIndex, entry }),
    rekey: (keys) => say({ type: "rekey", keys }),
    refresh: () => say({ type: "refresh" }),
    ended,
    async close() {
      say({ type: "close" });
      await ended.catch(() => {});
    },
  };
}
