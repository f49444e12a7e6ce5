/** What one race put on the wire: when its first packet went, how fast it began, and what its own queues dropped. */
import type { HostRoom } from "../../net/hosts.ts";
import { Program } from "../../net/program.ts";
import { serverPort } from "../../room/network.ts";
import { run } from "../../room/run.ts";
import { openCounter, type Queue } from "../bench-wire.ts";

/** Bytes of a frame: those of the image fill theirs, and no others do. */
const dataFrameBytes = 1000;
/** Milliseconds between two looks at the counter. */
const lookEvery = 50;
/** How much of the beginning is looked at, in milliseconds. */
const earlyMs = 5000;
/** A fraction of what is sent in all: what comes behind it is the end of a shorter image. */
const mostOfAll = 0.95;

interface Look {
  readonly at: number;
  readonly bytes: number;
}

export interface WireWatch {
  /** What server and PCs have sent so far, and the server alone. */
  read(): Promise<{ readonly all: number; readonly server: number }>;
  /** When the first packet of the image went, in milliseconds since 1970; null: none did. */
  firstAt(): number | null;
  /** What the server sent from then on, bits a second, in five seconds or until nearly all was sent; null: nothing. */
  earlyBps(): number | null;
  close(): Promise<void>;
}

/** Resolves when it looks. `filter`: tcpdump's words for what carries the image. */
export async function watchWire(
  { network }: HostRoom,
  ports: readonly string[],
  filter: string,
): Promise<WireWatch> {
  const { wireNamespace } = network;
  const dump = new Program(wireNamespace, [
    ...["tcpdump", "-i", serverPort, "-n", "-tt", "-q", "-Q", "in", "-c", "1"],
    ...["--immediate-mode", `${filter} and greater ${dataFrameBytes}`],
  ]);
  await dump.line(/^listening on/);
  const server = openCounter(wireNamespace, [serverPort]);
  const all = openCounter(wireNamespace, ports);
  const looks: Look[] = [];
  const look = async (): Promise<void> => {
    const bytes = await server.read();
    looks.push({ at: Date.now(), bytes });
  };
  await look();
  const timer = setInterval(() => void look(), lookEvery);
  const firstAt = (): number | null => {
    const line = dump.lines.find((each) => /^\d+\.\d+ /.test(each));
    return line === undefined ? null : Number.parseFloat(line) * 1000;
  };
  return {
    firstAt,
    read: async () => ({ all: await all.read(), server: await server.read() }),
    earlyBps() {
      const from = firstAt();
      return from === null ? null : earlyBpsOf(looks, from);
    },
    async close() {
      clearInterval(timer);
      server.close();
      all.close();
      dump.child.kill("SIGKILL");
      await dump.ended;
    },
  };
}

/** The mean rate from `from` on. */
export function earlyBpsOf(looks: readonly Look[], from: number): number | null {
  const last = looks.at(-1);
  if (last === undefined || last.at <= from) return null;
  const first = bytesAt(looks, from);
  const nearlyAll = first + (last.bytes - first) * mostOfAll;
  const isNearlyAll = looks.find(({ bytes }) => bytes >= nearlyAll) ?? last;
  const until = Math.min(from + earlyMs, isNearlyAll.at);
  return until <= from ? null : ((bytesAt(looks, until) - first) * 8000) / (until - from);
}

/** Between two looks, as if it had gone on evenly. */
function bytesAt(looks: readonly Look[], at: number): number {
  const next = looks.findIndex((look) => look.at >= at);
  const after = looks[next];
  if (after === undefined) return looks.at(-1)?.bytes ?? 0;
  const before = looks[next - 1];
  if (before === undefined) return after.bytes;
  const part = (at - before.at) / (after.at - before.at);
  return before.bytes + (after.bytes - before.bytes) * part;
}

/** What queues have dropped since they were made, and what they have passed on. */
export async function queueCounts({ namespace, name }: Queue) {
  const { stdout } = await run(["tc", "-s", "-j", "qdisc", "show", "dev", name], { namespace });
  const [queue] = JSON.parse(stdout) as { readonly packets: number; readonly drops: number }[];
  return { packets: queue?.packets ?? 0, drops: queue?.drops ?? 0 };
}

/** How many packets the sockets of a namespace had no room for. */
export async function socketDrops(namespace: string): Promise<number> {
  const { stdout } = await run(["cat", "/proc/net/snmp"], { namespace });
  const [names = [], values = []] = stdout
    .split("\n")
    .filter((line) => line.startsWith("Udp: "))
    .map((line) => line.split(" "));
  return Number(values[names.indexOf("RcvbufErrors")] ?? 0);
}
