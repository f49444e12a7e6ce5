import type { CastSender, CastSenderEvents, CastSenderOptions } from "../../cast/ends.ts";
import { type FromSender, failureOf, type SenderSetup, type ToSender } from "./messages.ts";
import { SleepingWorker, startAhead } from "./sleeping-worker.ts";
import { watchWorker } from "./worker-end.ts";

const workerModule = new URL("./sender-worker.ts", import.meta.url);

/**
 * Starts a cast's sender in a worker. It sends nothing but a sign of life until a receiver has joined
 * and reported. Rejects with a RoomcastError when the socket or the chunk source cannot be opened.
 */
export const startCastSender = (
  options: CastSenderOptions,
  events: CastSenderEvents,
): Promise<CastSender> => startOn(new SleepingWorker(workerModule), options, events);

/**
 * As `startCastSender`, by a worker that was made before it is needed; the next is made when a cast has ended.
 * It has loaded `sources` by then: modules that chunks may come from, as in `CastChunkSource`.
 */
export const sendersAhead = (sources: readonly string[] = []): typeof startCastSender =>
  startAhead(() => new SleepingWorker(workerModule, sources), startOn);

async function startOn(
  sleeping: SleepingWorker,
  options: CastSenderOptions,
  events: CastSenderEvents,
): Promise<CastSender> {
  const { source } = options;
  const setup: SenderSetup = { ...options, source: "read" in source ? null : source };
  const worker = sleeping.call(setup);
  const { started, ended } = watchWorker<FromSender>(worker, (message) => {
    if (message.type === "stats") events.stats(message.stats);
    else if (message.type === "read" && "read" in source) read(source, message.entryIndex);
  });
  const say = (message: ToSender, moved: readonly ArrayBuffer[] = []): void =>
    worker.postMessage(message, moved);
  const read = ({ read }: OwnSource, entryIndex: number): void =>
    void read(entryIndex).then(
      (stored) => say({ type: "read", entryIndex, stored }, [stored.buffer]),
      (error) => say({ type: "unread", failure: failureOf(error) }),
    );
  await started;
  return {
    join(receiver, bitmap, coming = null) {
      const wants = new Uint8Array(bitmap);
      say({ type: "join", receiver, wants, coming }, [wants.buffer]);
    },
    report(receiver, frame) {
      // Of its own: with a part of a socket's buffer, the whole buffer would be sent along.
      const payload = new Uint8Array(frame);
      say({ type: "report", receiver, payload }, [payload.buffer]);
    },
    leave: (receiver) => say({ type: "leave", receiver }),
    announce: (entryIndex, entry) => say({ type: "announce", entryIndex, entry }),
    rekey: (keys) => say({ type: "rekey", keys }),
    ended,
    async close() {
      say({ type: "close" });
      await ended.catch(() => {});
    },
  };
}

type OwnSource = Extract<CastSenderOptions["source"], { read: unknown }>;
