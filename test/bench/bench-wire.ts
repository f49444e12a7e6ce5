/** The bench's wire: namespaces on a bridge, made slow and lossy by the kernel. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { openNetwork, type RoomNetwork, serverInterface, serverPort } from "../room/network.ts";
import { inNamespace, run } from "../room/run.ts";

export interface WireShape {
  /** Fraction of what arrives at a receiver that is lost there, independently of the others. */
  readonly loss: number;
  /** How many packets in a row are lost together; 1: each by itself. */
  readonly lossBurst: number;
  /** Of the sender's interface, in bits a second; null: as fast as this machine is. */
  readonly linkBps: number | null;
  /** Segmentation by the interfaces, as most network cards do it, or packet by packet. */
  readonly offloads: boolean;
  /** The port of the first receiver goes at this fraction of the link. */
  readonly slowPort: number | null;
  /** The receivers send and hear no faster than the link either: what they give each other is limited, too. */
  readonly everyPort: boolean;
}

export interface WireOptions extends WireShape {
  readonly receiverCount: number;
}

export interface BenchHost {
  readonly namespace: string;
  readonly address: string;
}

export interface BenchWire {
  readonly network: RoomNetwork;
  /** Of the receivers. */
  readonly hosts: readonly BenchHost[];
  /** Bytes that the sender has put on the wire, frames without preamble and checksum. */
  sentBytes(): Promise<number>;
  close(): void;
}

export async function openBenchWire(options: WireOptions): Promise<BenchWire> {
  const network = await openNetwork();
  const hosts: BenchHost[] = [];
  for (let number = 1; number <= options.receiverCount; number++)
    hosts.push(await network.addHost(number));
  if (!options.offloads) await sendPacketByPacket(network, hosts);
  await shapeWire(network, hosts, options);
  const counter = openCounter(network.wireNamespace, [serverPort]);
  return {
    network,
    hosts,
    sentBytes: counter.read,
    close() {
      counter.close();
      network.remove();
    },
  };
}

/** Receiver `host1` is `hosts[0]`, and so on. */
const portOf = (index: number): string => `host${index + 1}`;

/** No interface of the wire passes on more than a packet at once. */
export async function sendPacketByPacket(
  network: RoomNetwork,
  hosts: readonly Pick<BenchHost, "namespace">[],
): Promise<void> {
  for (const [index, { namespace }] of hosts.entries()) {
    await turnOffloadsOff(namespace, "eth0");
    await turnOffloadsOff(network.wireNamespace, portOf(index));
  }
  await turnOffloadsOff(network.serverNamespace, serverInterface);
  await turnOffloadsOff(network.wireNamespace, serverPort);
}

/** An interface whose packets wait in a queue of the bench's. */
export interface Queue {
  readonly namespace: string;
  readonly name: string;
}

export interface ShapedWire {
  /** Of the server, if it is limited. */
  readonly server: readonly Queue[];
  /** By receiver: of the port that it hears by, if that is limited. */
  readonly ports: readonly (readonly Queue[])[];
  unshape(): Promise<void>;
}

/** Makes the wire slow and lossy, until it is told to end that. */
export async function shapeWire(
  network: RoomNetwork,
  hosts: readonly Pick<BenchHost, "namespace">[],
  { linkBps, slowPort, everyPort, loss, lossBurst }: Omit<WireShape, "offloads">,
): Promise<ShapedWire> {
  const limited: Queue[] = [];
  const slow = async (namespace: string, name: string, bps: number): Promise<Queue> => {
    await limit(namespace, name, bps);
    const queue = { namespace, name };
    limited.push(queue);
    return queue;
  };
  if (loss > 0) for (const { namespace } of hosts) await lose(namespace, loss, lossBurst);
  const server =
    linkBps === null ? [] : [await slow(network.serverNamespace, serverInterface, linkBps)];
  const ports: (readonly Queue[])[] = [];
  for (const [index, { namespace }] of hosts.entries()) {
    const part = index === 0 ? slowPort : null;
    const isLimited = linkBps !== null && (part !== null || everyPort);
    const bps = (linkBps ?? 0) * (part ?? 1);
    ports.push(isLimited ? [await slow(network.wireNamespace, portOf(index), bps)] : []);
    if (isLimited && everyPort) await slow(namespace, "eth0", bps);
  }
  return {
    server,
    ports,
    async unshape() {
      for (const { namespace, name } of limited)
        await run(["tc", "qdisc", "delete", "dev", name, "root"], { namespace });
      if (loss > 0)
        for (const { namespace } of hosts)
          await run(["nft", "delete", "table", "inet", lossTable], { namespace });
    },
  };
}

const lossTable = "bench";

/** After so many runs of packets the losses in bursts come again as before: at 1 Gbit/s, after five seconds. */
const burstsDrawn = 10_000;

/** Losses as nftables can make them: each packet by chance, or runs of `burst` packets that are drawn beforehand. */
async function lose(namespace: string, ratio: number, burst: number): Promise<void> {
  const lost =
    burst === 1
      ? `numgen random mod 1000000 < ${Math.round(ratio * 1e6)}`
      : `numgen inc mod ${burst * burstsDrawn} { ${drawnBursts(ratio, burst).join(", ")} }`;
  const rules = `
    table inet ${lossTable} {
      chain input {
        type filter hook input priority 0;
        iifname "eth0" ${lost} drop
      }
    }`;
  await run(["nft", "-f", "-"], { namespace, input: rules });
}

/**
 * Which of the packets, counted from 0, are lost: ranges of whole bursts, others at each receiver. The first never are: until
 * a receiver has its order it hears little else, and would lose that so many times.
 */
function drawnBursts(ratio: number, burst: number): string[] {
  const drawn = new Set<number>();
  while (drawn.size < Math.round(ratio * burstsDrawn))
    drawn.add(1 + Math.floor(Math.random() * (burstsDrawn - 1)));
  return [...drawn].map((each) => `${each * burst}-${(each + 1) * burst - 1}`);
}

async function turnOffloadsOff(namespace: string, name: string): Promise<void> {
  const features = ["tso", "gso", "gro", "tx-udp-segmentation", "sg"];
  await run(["ethtool", "-K", name, ...features.flatMap((each) => [each, "off"])], { namespace });
}

/** What an interface's queue holds by default: a thousand packets. */
const queueBytes = 1_500_000;

async function limit(namespace: string, name: string, bps: number): Promise<void> {
  const shape = [
    "tbf",
    "rate",
    `${Math.round(bps)}bit`,
    "burst",
    "65536",
    "limit",
    String(queueBytes),
  ];
  await run(["tc", "qdisc", "add", "dev", name, "root", ...shape], { namespace });
}

/** What the bridge has received from these ports; asked of one process that stays in the namespace. */
export function openCounter(namespace: string, ports: readonly string[]) {
  const paths = ports.map((port) => `/sys/class/net/${port}/statistics/rx_bytes`);
  const read = 'read -r bytes <"$path"; printf "%s " "$bytes"';
  const script = `while read -r _; do for path in ${paths.join(" ")}; do ${read}; done; echo; done`;
  const [command, ...args] = inNamespace(namespace, ["sh", "-c", script]) as [string, ...string[]];
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const waiting: ((bytes: number) => void)[] = [];
  const sumOf = (line: string): number =>
    line
      .trim()
      .split(" ")
      .reduce((sum, bytes) => sum + Number(bytes), 0);
  createInterface({ input: child.stdout }).on("line", (line) => waiting.shift()?.(sumOf(line)));
  return {
    read: () =>
      new Promise<number>((resolve) => {
        waiting.push(resolve);
        child.stdin.write("\n");
      }),
    close: () => void child.kill(),
  };
}
