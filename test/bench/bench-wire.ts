/** The bench's wire: namespaces on a bridge, made slow and lossy by the kernel. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { openNetwork, type RoomNetwork, serverInterface } from "../room/network.ts";
import { inNamespace, run } from "../room/run.ts";

export interface WireOptions {
  readonly receiverCount: number;
  /** Fraction of what arrives at a receiver that is lost there, independently. */
  readonly loss: number;
  /** Of the sender's interface, in bits a second; null: as fast as this machine is. */
  readonly linkBps: number | null;
  /** Segmentation by the interfaces, as most network cards do it, or packet by packet. */
  readonly offloads: boolean;
  /** The port of the first receiver goes at this fraction of the link. */
  readonly slowPort: number | null;
}

export interface BenchWire {
  readonly network: RoomNetwork;
  /** Of the receivers. */
  readonly hosts: readonly { readonly namespace: string; readonly address: string }[];
  /** Bytes that the sender has put on the wire, frames without preamble and checksum. */
  sentBytes(): Promise<number>;
  close(): void;
}

export async function openBenchWire(options: WireOptions): Promise<BenchWire> {
  const { receiverCount, loss, linkBps, offloads, slowPort } = options;
  const network = await openNetwork();
  const hosts: BenchWire["hosts"][number][] = [];
  for (let number = 1; number <= receiverCount; number++) {
    const host = await network.addHost(number);
    const { namespace } = host;
    hosts.push(host);
    if (!offloads) await turnOffloadsOff(namespace, "eth0");
    if (!offloads) await turnOffloadsOff(network.wireNamespace, `host${number}`);
    if (loss > 0) {
      const drop = ["-m", "statistic", "--mode", "random", "--probability", String(loss)];
      await run(["iptables", "-A", "INPUT", "-i", "eth0", ...drop, "-j", "DROP"], { namespace });
    }
  }
  if (!offloads) {
    await turnOffloadsOff(network.serverNamespace, serverInterface);
    await turnOffloadsOff(network.wireNamespace, "server");
  }
  if (linkBps !== null) await limit(network.serverNamespace, serverInterface, linkBps);
  if (linkBps !== null && slowPort !== null)
    await limit(network.wireNamespace, "host1", linkBps * slowPort);
  const counter = openCounter(network.wireNamespace);
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

/** What the bridge has received from the sender; asked of one process that stays in the namespace. */
function openCounter(namespace: string) {
  const path = "/sys/class/net/server/statistics/rx_bytes";
  const script = `while read -r _; do cat ${path}; done`;
  const [command, ...args] = inNamespace(namespace, ["sh", "-c", script]) as [string, ...string[]];
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const waiting: ((bytes: number) => void)[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => waiting.shift()?.(Number(line)));
  return {
    read: () =>
      new Promise<number>((resolve) => {
        waiting.push(resolve);
        child.stdin.write("\n");
      }),
    close: () => void child.kill(),
  };
}
