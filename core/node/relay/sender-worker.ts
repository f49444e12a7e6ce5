/** The sending worker: its machine, its sockets and its chunk source; no other work, so that pacing is even. */
import { randomInt } from "node:crypto";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { CastSenderOptions } from "../../cast/handles.ts";
import { assert } from "../../errors.ts";
import type { ChunkSource } from "../../ports.ts";
import { CastSenderMachine } from "../../relay/sender.ts";
import { type Millis, millis } from "../../units/units.ts";
import {
  castHeaderBytes,
  codedPacketBytes,
  dataPacketBytes,
  generationLimit,
} from "../../wire/relay.ts";
import { storedLengthsOf } from "./index-lengths.ts";
import { type FromSender, statsEvery, type ToSender } from "./messages.ts";
import { openSendSocket, type SendSocket } from "./udp.ts";

/** Packets put together before they go to the kernel: some ten super-packets. */
const batchPackets = 460;
const idleWaitMs = 5;

assert(parentPort !== null, "this file runs in a worker");
const port: MessagePort = parentPort;
const options = workerData as CastSenderOptions;
const now = (): Millis => millis(performance.now());
const say = (message: FromSender): void => port.postMessage(message);

const machine = new CastSenderMachine(
  {
    tag: options.tag,
    generation: randomInt(generationLimit),
    storedLengths: storedLengthsOf(options.index),
    linkBps: options.linkBps,
    rateLimitBps: options.rateLimitBps,
  },
  now(),
);

/** Packets of one length on their way to the kernel. */
interface Lane {
  readonly socket: SendSocket;
  readonly packetBytes: number;
  readonly buffer: Uint8Array;
  filled: number;
}

function lane(packetBytes: number): Lane {
  const socket = openSendSocket({ ...options, packetBytes });
  return { socket, packetBytes, buffer: new Uint8Array(batchPackets * packetBytes), filled: 0 };
}

/** False while the kernel has no room: what is left is offered again. */
function flush(each: Lane): boolean {
  if (each.filled === 0) return true;
  const sent = each.socket.send(each.buffer, each.filled);
  if (sent < each.filled) each.buffer.copyWithin(0, sent, each.filled);
  each.filled -= sent;
  return each.filled === 0;
}

async function run(): Promise<void> {
  const lanes = [lane(dataPacketBytes), lane(codedPacketBytes), lane(castHeaderBytes)];
  const { openChunkSource } = (await import(options.source.module)) as {
    openChunkSource(config: unknown): Promise<ChunkSource>;
  };
  const source = await openChunkSource(options.source.config);
  let isOpen = true;
  const packet = new Uint8Array(codedPacketBytes);

  port.on("message", (message: ToSender) => {
    if (message.type === "join") machine.join(message.receiver, message.wants);
    else if (message.type === "report") machine.report(message.receiver, message.payload);
    else if (message.type === "leave") machine.leave(message.receiver);
    else isOpen = false;
  });
  const statsTimer = setInterval(() => say({ type: "stats", stats: machine.stats() }), statsEvery);
  const read = async (entryIndex: number): Promise<void> => {
    machine.supply(entryIndex, await source.read(entryIndex));
  };

  const turn = (): void => {
    const at = now();
    machine.tick(at);
    for (const entryIndex of machine.takeReads()) read(entryIndex).catch(fail);
    for (let count = 0; count < batchPackets; count++) {
      const length = machine.nextPacket(packet, 0, at);
      if (length === 0) break;
      const home = lanes.find(({ packetBytes }) => packetBytes === length) as Lane;
      home.buffer.set(length === packet.length ? packet : packet.subarray(0, length), home.filled);
      home.filled += length;
    }
  };

  const finish = (): void => {
    clearInterval(statsTimer);
    say({ type: "stats", stats: machine.stats() });
    for (const { socket } of lanes) socket.close();
    source.close().then(() => port.close(), fail);
  };

  const loop = (): void => {
    if (!isOpen) return finish();
    try {
      const isFlushed = lanes.map(flush).every((each) => each);
      if (isFlushed) turn();
      lanes.map(flush);
    } catch (error) {
      return fail(error);
    }
    setTimeout(loop, machine.isIdle ? idleWaitMs : 1);
  };
  loop();
}

function fail(error: unknown): void {
  say({ type: "failed", message: error instanceof Error ? error.message : String(error) });
  port.close();
}

run().catch(fail);
