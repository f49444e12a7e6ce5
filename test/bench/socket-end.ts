/**
 * An end of the bench's measurement of the cast's sockets alone: `send` paces packets to a group for
 * some seconds, `receive` counts them. Each says what it did as JSON.
 */
import { Pacer } from "../../core/cast/pacer.ts";
import { systemClock } from "../../core/node/clock.ts";
import { openEvent } from "../../core/node/udp-calls.ts";
import { UdpReceiver } from "../../core/node/udp-receiver.ts";
import { UdpSender } from "../../core/node/udp-sender.ts";
import { dataPacketBytes, packetLimit, wireOverheadBytes } from "../../core/wire/cast.ts";
import type { CastPlace } from "../core/node/cast-room.ts";
import { startCounting } from "./roomcast-cast.ts";

export interface SocketConfig {
  readonly role: "send" | "receive";
  readonly place: CastPlace;
  readonly rateBps: number;
  readonly seconds: number;
}

const config = JSON.parse(process.argv[2] as string) as SocketConfig;
const batchPackets = 44;
const gatherMs = 8;
const sleepCell = new Int32Array(new SharedArrayBuffer(4));
const sleep = (ms: number): void => void Atomics.wait(sleepCell, 0, 0, ms);
const say = (packets: number, seconds: number, cpuSeconds: number): void =>
  console.log(JSON.stringify({ packets, seconds, cpuSeconds }));

if (config.role === "send") send();
else receive();

function send(): void {
  const { place, rateBps, seconds } = config;
  const socket = new UdpSender({ ...place, batchPackets, packetLimit });
  const start = systemClock.now();
  const end = start + seconds * 1000;
  const pacer = new Pacer(start);
  const used = startCounting();
  let packets = 0;
  for (let now = start; now < end; now = systemClock.now()) {
    pacer.fill(now, rateBps, true);
    while (pacer.isOpen) {
      const sent = socket.send(0, batchPackets, dataPacketBytes);
      if (sent === 0) socket.waitForRoom(1);
      packets += sent;
      pacer.take(sent * (dataPacketBytes + wireOverheadBytes));
      if (sent === 0) break;
    }
    const waitMs = pacer.deadline - systemClock.now();
    if (waitMs > 0) sleep(waitMs);
  }
  say(packets, (systemClock.now() - start) / 1000, used().cpuSeconds);
  socket.close();
}

function receive(): void {
  const socket = new UdpReceiver({ ...config.place, wakeDescriptor: openEvent() });
  console.log("ready");
  let packets = 0;
  let first = 0;
  let last = 0;
  let used = startCounting();
  const quietMs = 1500;
  while (last === 0 || systemClock.now() - last < quietMs) {
    socket.wait(100);
    const before = packets;
    const isMore = socket.receive(() => {
      packets++;
    });
    if (packets === before) continue;
    last = systemClock.now();
    if (before === 0) {
      first = last;
      used = startCounting();
    }
    if (!isMore) sleep(gatherMs);
  }
  say(packets, (last - first) / 1000, used().cpuSeconds);
  socket.close();
}
