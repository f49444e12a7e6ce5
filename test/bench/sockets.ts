/** The cast's sockets alone, from one host to another: what they carry, and at what cost. */
import { join } from "node:path";
import { dataPacketBytes, wireOverheadBytes } from "../../core/wire/cast.ts";
import { castAddress } from "../core/node/cast-room.ts";
import { serverAddress } from "../room/network.ts";
import { openBenchWire } from "./bench-wire.ts";
import { type End, startEnd } from "./ends.ts";
import type { SocketConfig } from "./socket-end.ts";

export interface SocketRow {
  readonly what: string;
  readonly offloads: boolean;
  readonly rateBps: number;
  /** What it has to be: bits a second that arrive, and the fraction of a core of the busier end. */
  readonly leastBps: number;
  readonly mostCores: number;
}

export interface SocketResult extends SocketRow {
  /** On the wire, as it arrives. */
  readonly receivedBps: number;
  readonly lossRatio: number;
  readonly sendCores: number;
  readonly receiveCores: number;
  readonly isMet: boolean;
}

export const socketRows: readonly SocketRow[] = [
  {
    ...{ what: "as fast as it goes, offloads on", offloads: true, rateBps: 10e9 },
    ...{ leastBps: 9.5e9, mostCores: 1 },
  },
  {
    ...{ what: "1 Gbit/s, offloads off", offloads: false, rateBps: 1e9 },
    ...{ leastBps: 0.95e9, mostCores: 0.3 },
  },
];

const seconds = 5;

export async function measureSockets(row: SocketRow): Promise<SocketResult> {
  const { offloads, rateBps, leastBps, mostCores } = row;
  const wire = await openBenchWire({
    ...{ receiverCount: 1, loss: 0, lossBurst: 1, linkBps: null, offloads },
    ...{ slowPort: null, everyPort: false },
  });
  try {
    const place = castAddress(serverAddress);
    const start = (namespace: string, config: SocketConfig): End =>
      startEnd(namespace, [
        ...[process.execPath, join(import.meta.dirname, "socket-end.ts")],
        JSON.stringify(config),
      ]);
    const [host] = wire.hosts as [(typeof wire.hosts)[number]];
    const receiver = start(host.namespace, {
      ...{ role: "receive", rateBps, seconds },
      place: { ...place, interfaceAddress: host.address },
    });
    await receiver.said("ready");
    const sender = start(wire.network.serverNamespace, { role: "send", place, rateBps, seconds });
    await Promise.all([sender.exited, receiver.exited]);
    const sent = countsOf(sender);
    const received = countsOf(receiver);
    const wireBits = (dataPacketBytes + wireOverheadBytes) * 8;
    const receivedBps = (received.packets * wireBits) / received.seconds;
    const sendCores = sent.cpuSeconds / sent.seconds;
    const receiveCores = received.cpuSeconds / received.seconds;
    return {
      ...row,
      receivedBps,
      lossRatio: 1 - received.packets / sent.packets,
      sendCores,
      receiveCores,
      isMet: receivedBps >= leastBps && Math.max(sendCores, receiveCores) <= mostCores,
    };
  } finally {
    wire.close();
  }
}

interface Counts {
  readonly packets: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

function countsOf(end: End): Counts {
  const said = end.last();
  if (said === undefined) throw new Error(`an end of the sockets' bench broke: ${end.output()}`);
  return said as unknown as Counts;
}

export const socketText = (result: SocketResult): string =>
  [
    `sockets, ${result.what}:`,
    `${(result.receivedBps / 1e9).toFixed(2)} Gbit/s on the wire,`,
    `${(result.lossRatio * 100).toFixed(2)} % lost,`,
    `${result.sendCores.toFixed(2)} of a core to send, ${result.receiveCores.toFixed(2)} to receive`,
    `(at least ${result.leastBps / 1e9}, at most ${result.mostCores}: ${result.isMet ? "met" : "not met"})`,
  ].join(" ");
