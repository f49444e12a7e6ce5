/** The worker of `sender.ts`: the machine, its socket and its chunk source. */
import { randomInt } from "node:crypto";
import { parentPort } from "node:worker_threads";
import { CastSenderMachine } from "../../cast/sender.ts";
import { slabIn, slabMemory } from "../../cast/symbol-copy.ts";
import { assert, RoomcastError } from "../../errors.ts";
import type { ChunkSource } from "../../ports.ts";
import { packetLimit } from "../../wire/cast.ts";
import type { CastKeys } from "../../wire/cast-address.ts";
import { systemClock } from "../clock.ts";
import { openChunkCipher, readKeys } from "./chunk-cipher.ts";
import {
  errorOf,
  type FromSender,
  type SenderSetup,
  statsEveryMs,
  type ToSender,
} from "./messages.ts";
import { serveOneCast } from "./sleeping-worker.ts";
import { storedLengthsOf } from "./stored-lengths.ts";
import { loadSender, openPacketSender } from "./transport.ts";

/** Packets of one call: a super-packet has at most 65,507 bytes, and on older kernels 64 segments. */
const batchPackets = 44;
/** Milliseconds of sending before the event loop turns; messages wait no longer than that. */
const burstMs = 2;
/** Milliseconds: a shorter wait is spent asleep, since timers of the event loop count whole milliseconds. */
const shortestTimerMs = 1.5;
/**
 * Milliseconds to wait for a socket that takes no more; messages wait no longer. A socket that can be written to again is
 * half empty, which at 100 Mbit/s it is after 13 ms.
 */
const fullWaitMs = 6;
/** Milliseconds before another try with a socket that cannot be waited for. */
const fullRetryMs = 1;
/**
 * Milliseconds from new keys until they are used. By then the receivers have them too, each over its own
 * connection; they take those before for two seconds (`core/cast/seal-keys.ts`).
 */
const rekeyAfterMs = 500;

assert(parentPort !== null, "this runs as a worker");
const port = parentPort;
const say = (message: FromSender): void => port.postMessage(message);
const sleepCell = new Int32Array(new SharedArrayBuffer(4));
const sleep = (ms: number): void => void Atomics.wait(sleepCell, 0, 0, ms);

void serveOneCast(port, loadSender, run);

async function run(setup: SenderSetup): Promise<void> {
  const source = setup.source === null ? null : await openSource(setup.source);
  const socket = await openPacketSender({ ...setup, batchPackets, packetLimit });
  const cipher = await openChunkCipher(setup.index, setup.mayUseCalls);
  let keys = readKeys(setup.keys);
  const machine = new CastSenderMachine(
    {
      ...setup,
      storedLengths: storedLengthsOf(setup.index),
      generation: randomInt(2 ** 16),
      packetKey: keys.packet,
      makeSlab: (byteCount) => slabIn(slabMemory(byteCount)),
    },
    systemClock.now(),
  );
  const { promise: closed, resolve: close, reject: fail } = Promise.withResolvers<void>();
  const sending = { first: 0, count: 0, packetBytes: 0 };
  let timer: NodeJS.Timeout | undefined;
  let isSoon = false;
  let isClosed = false;

  const read = (entryIndex: number): void => {
    if (source === null) return say({ type: "read", entryIndex });
    source.read(entryIndex).then((stored) => supply(entryIndex, stored), fail);
  };

  const supply = (entryIndex: number, stored: Uint8Array): void => {
    if (isClosed) return;
    const encrypt = (into: Uint8Array): void => cipher.apply(keys.chunk, entryIndex, stored, into);
    if (!machine.supplyEntry(entryIndex, stored.length, encrypt))
      return fail(wrongLength(entryIndex));
    soon();
  };

  const rekey = (next: CastKeys): void => {
    keys = readKeys(next);
    machine.rekey(keys.packet, systemClock.now());
    soon();
  };

  /** Sends what the rate allows now. Answers whether the socket took it all. */
  const send = (): boolean => {
    for (;;) {
      if (sending.first === sending.count) {
        const count = machine.fill(socket.batch, batchPackets, systemClock.now());
        for (const entryIndex of machine.takeReads()) read(entryIndex);
        if (count === 0) return true;
        sending.first = 0;
        sending.count = count;
        sending.packetBytes = machine.packetBytes;
      }
      const { first, count, packetBytes } = sending;
      const sent = socket.send(first, count - first, packetBytes);
      if (sent === 0) return false;
      sending.first += sent;
    }
  };

  const work = (): void => {
    isSoon = false;
    clearTimeout(timer);
    timer = undefined;
    const start = systemClock.now();
    for (;;) {
      machine.tick(systemClock.now());
      const isDone = send();
      if (!isDone && !socket.waitForRoom(fullWaitMs)) {
        timer = setTimeout(guarded, fullRetryMs);
        return;
      }
      const now = systemClock.now();
      const waitMs = isDone ? machine.deadline - now : 0;
      if (waitMs >= shortestTimerMs) {
        timer = setTimeout(guarded, waitMs);
        return;
      }
      if (now - start > burstMs) break;
      if (waitMs > 0) sleep(waitMs);
    }
    soon();
  };

  const guarded = (): void => {
    if (isClosed) return;
    try {
      work();
    } catch (error) {
      fail(error);
    }
  };

  /** After an event: as soon as the event loop turns. */
  const soon = (): void => {
    if (!isSoon) setImmediate(guarded);
    isSoon = true;
  };

  const take = (message: ToSender): void => {
    const now = systemClock.now();
    if (message.type === "join") machine.join(message.receiver, message.wants, now, message.coming);
    else if (message.type === "report") machine.report(message.receiver, message.payload, now);
    else if (message.type === "leave") machine.leave(message.receiver, now);
    else if (message.type === "announce") {
      cipher.announce(message.entryIndex, message.entry);
      machine.announce(message.entryIndex, message.entry.storedLength);
    } else if (message.type === "rekey") setTimeout(rekey, rekeyAfterMs, message.keys).unref();
    else if (message.type === "read") supply(message.entryIndex, message.stored);
    else if (message.type === "unread") fail(errorOf(message.failure));
    else return close();
    soon();
  };
  port.on("message", (message: ToSender) => {
    try {
      take(message);
    } catch (error) {
      fail(error);
    }
  });
  const ticker = setInterval(
    () => say({ type: "stats", stats: machine.stats(systemClock.now()) }),
    statsEveryMs,
  );
  say({ type: "started" });
  soon();

  try {
    await closed;
  } finally {
    isClosed = true;
    clearInterval(ticker);
    clearTimeout(timer);
    socket.close();
    cipher.close();
    await source?.close();
  }
  say({ type: "stats", stats: machine.stats(systemClock.now()) });
}

async function openSource(source: NonNullable<SenderSetup["source"]>): Promise<ChunkSource> {
  const module = (await import(source.module)) as {
    openChunkSource?: (config: unknown) => Promise<ChunkSource>;
  };
  const { openChunkSource } = module;
  assert(openChunkSource !== undefined, `${source.module} has openChunkSource`);
  return openChunkSource(source.config);
}

const wrongLength = (entryIndex: number): RoomcastError =>
  new RoomcastError(
    "bad-input",
    `entry ${entryIndex} of the image is not as long as its index says`,
    "run `roomcast image verify` on the server",
  );
