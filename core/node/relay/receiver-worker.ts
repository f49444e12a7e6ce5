/** The receiving worker: its machine and its socket. Whole entries are left in the shared slab. */
import { type MessagePort, receiveMessageOnPort, workerData } from "node:worker_threads";
import type { CastSocketOptions } from "../../cast/handles.ts";
import { CastReceiverMachine } from "../../relay/receiver.ts";
import { type Millis, millis } from "../../units/units.ts";
import { type FromReceiver, statsEvery, type ToReceiver } from "./messages.ts";
import { openReceiveSocket } from "./udp.ts";

export interface ReceiverWorkerData extends CastSocketOptions {
  readonly messages: MessagePort;
  readonly storedLengths: Uint32Array;
  readonly wants: Uint8Array;
  readonly slotCount: number;
  readonly slab: SharedArrayBuffer;
}

const data = workerData as ReceiverWorkerData;
const { messages } = data;
const now = (): Millis => millis(performance.now());
const say = (message: FromReceiver): void => messages.postMessage(message);

try {
  const slab = new Uint8Array(data.slab);
  const machine = new CastReceiverMachine({ ...data, slab }, now());
  const socket = openReceiveSocket(data);
  let statsAt = 0;
  let time = now();

  const take = (message: ToReceiver): boolean => {
    if (message.type === "settle") machine.settle(message.entryIndex, message.isRight);
    else if (message.type === "forget") machine.forget(message.entryIndex);
    else if (message.type === "refresh") machine.refresh();
    else return false;
    return true;
  };

  const sayStats = (): void => {
    const { packets, ignored, bytes } = machine.totals;
    say({
      type: "stats",
      stats: {
        packets,
        packetsLost: Math.max(0, machine.lost - socket.dropped),
        packetsDropped: socket.dropped,
        packetsIgnored: ignored,
        bytesReceived: bytes,
      },
    });
  };

  const loop = (): void => {
    time = now();
    socket.receive((bytes, at, length) => machine.packet(bytes, at, length, time));
    for (const { entryIndex, slot, length } of machine.takeCompleted()) {
      say({ type: "chunk", entryIndex, slot, length });
    }
    for (
      let held = receiveMessageOnPort(messages);
      held !== undefined;
      held = receiveMessageOnPort(messages)
    ) {
      if (take(held.message as ToReceiver)) continue;
      socket.close();
      messages.close();
      return;
    }
    machine.setDropped(socket.dropped);
    const payload = machine.takeReport(now());
    if (payload !== undefined) say({ type: "report", payload });
    if (time - statsAt >= statsEvery) {
      statsAt = time;
      sayStats();
    }
    setImmediate(guarded);
  };

  const guarded = (): void => {
    try {
      loop();
    } catch (error) {
      fail(error);
    }
  };
  guarded();
} catch (error) {
  fail(error);
}

function fail(error: unknown): void {
  say({ type: "failed", message: error instanceof Error ? error.message : String(error) });
  messages.close();
}
