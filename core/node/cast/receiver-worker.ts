/**
 * The worker of `receiver.ts`: the machine and its socket. With the system's calls it never gives its
 * thread to the event loop: it waits on the socket and on the descriptor by which its owner wakes it.
 */
import type { KeyObject } from "node:crypto";
import { readSync } from "node:fs";
import { parentPort, receiveMessageOnPort } from "node:worker_threads";
import { CastReceiverMachine, type Completed } from "../../cast/receiver.ts";
import { slabIn } from "../../cast/symbol-copy.ts";
import { assert } from "../../errors.ts";
import type { IndexEntry } from "../../image/types.ts";
import type { CastKeys } from "../../wire/cast-address.ts";
import { systemClock } from "../clock.ts";
import { openChunkCipher, readKeys } from "./chunk-cipher.ts";
import {
  type FromReceiver,
  type ReceiverSetup,
  statsEveryMs,
  type ToReceiver,
} from "./messages.ts";
import { serveOneCast } from "./sleeping-worker.ts";
import { storedLengthsOf } from "./stored-lengths.ts";
import { loadReceiver, openPacketReceiver } from "./transport.ts";

/**
 * After a look at the socket: what arrives meanwhile is taken in few calls. At 10 Gbit/s, a third of what
 * the socket's buffer holds; less than the shortest interval between reports.
 */
const gatherMs = 8;

assert(parentPort !== null, "this runs as a worker");
const port = parentPort;
const say = (message: FromReceiver): void => port.postMessage(message);
const sleepCell = new Int32Array(new SharedArrayBuffer(4));

void serveOneCast(port, loadReceiver, run);

async function run(setup: ReceiverSetup): Promise<void> {
  const { wakeDescriptor } = setup;
  const inbox: ToReceiver[] = [];
  const slab = slabIn(setup.slab);
  const cipher = await openChunkCipher(setup.index, setup.mayUseCalls);
  const first = readKeys(setup.keys);
  /** By the numbers of the packets' keys. */
  const chunkKeys = new Map([[0, first.chunk]]);
  const storedLengths = storedLengthsOf(setup.index);
  const machine = new CastReceiverMachine(
    { ...setup, storedLengths, packetKey: first.packet, slab },
    systemClock.now(),
  );
  const socket = await openPacketReceiver(setup, (wake) =>
    port.on("message", (message: ToReceiver) => {
      inbox.push(message);
      wake();
    }),
  );
  const wakeCount = new Uint8Array(8);
  let statsAt = systemClock.now() + statsEveryMs;

  const announce = (entryIndex: number, entry: IndexEntry): void => {
    cipher.announce(entryIndex, entry);
    machine.announce(entryIndex, entry.storedLength);
  };

  const rekey = (keys: CastKeys): void => {
    const { packet, chunk } = readKeys(keys);
    chunkKeys.set(machine.rekey(packet, systemClock.now()), chunk);
  };

  const deliver = ({ entryIndex, keyNumber, offset, storedLength }: Completed): void => {
    const stored = slab.subarray(offset, offset + storedLength);
    cipher.apply(chunkKeys.get(keyNumber) as KeyObject, entryIndex, stored, stored);
    say({ type: "chunk", entryIndex, offset, storedLength });
  };

  /** Does what the owner said; false when that was to close. */
  const takeMessages = (): boolean => {
    if (wakeDescriptor !== null) readSync(wakeDescriptor, wakeCount);
    for (;;) {
      const message = inbox.shift() ?? nextOnPort();
      if (message === undefined) return true;
      if (message.type === "settle") machine.settle(message.entryIndex, message.verdict);
      else if (message.type === "forget") machine.forget(message.entryIndex);
      else if (message.type === "announce") announce(message.entryIndex, message.entry);
      else if (message.type === "rekey") rekey(message.keys);
      else if (message.type === "refresh") machine.refresh(systemClock.now());
      else return false;
    }
  };

  const takePackets = (): void => {
    const isMore = socket.receive((bytes, offset, length) => machine.packet(bytes, offset, length));
    machine.noteDropped(socket.dropped);
    for (const completed of machine.completed.splice(0)) deliver(completed);
    if (!isMore && wakeDescriptor !== null) Atomics.wait(sleepCell, 0, 0, gatherMs);
  };

  const sayStats = (): void => say({ type: "stats", stats: machine.stats() });

  try {
    say({ type: "started" });
    for (;;) {
      const now = systemClock.now();
      const waitMs = Math.max(0, Math.ceil(Math.min(machine.deadline, statsAt) - now));
      if ((await socket.wait(waitMs)) && !takeMessages()) break;
      takePackets();
      const payload = machine.report(systemClock.now());
      if (payload !== null) say({ type: "report", payload });
      if (systemClock.now() < statsAt) continue;
      statsAt = systemClock.now() + statsEveryMs;
      sayStats();
    }
    sayStats();
  } finally {
    socket.close();
    cipher.close();
  }
}

function nextOnPort(): ToReceiver | undefined {
  return receiveMessageOnPort(port)?.message as ToReceiver | undefined;
}
