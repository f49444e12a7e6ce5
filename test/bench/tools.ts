/** The two that are measured, behind one face: roomcast's cast, and Debian's udpcast. */
import { join } from "node:path";
import { castAddress } from "../core/node/cast-room.ts";
import { serverAddress, serverInterface } from "../room/network.ts";
import type { BenchWire } from "./bench-wire.ts";
import { type End, startEnd } from "./ends.ts";
import type { CastConfig } from "./roomcast-cast.ts";

export interface ToolRun {
  /** Starts the sender; resolves when receivers may be started. */
  openSender(): Promise<End>;
  /** Starts a receiver; its output goes to this file. */
  openReceiver(host: BenchWire["hosts"][number], output: string): End;
  /** Resolves when this receiver has the whole payload in its file. */
  isDone(receiver: End): Promise<void>;
  /** Processor time of an end, in seconds; undefined when it did not live to tell. */
  cpuSeconds(end: End): number | undefined;
  /** The same for reading or writing its file, where that is counted apart. */
  fileSeconds(end: End): number | undefined;
}

export interface Payload {
  readonly path: string;
  readonly chunkCount: number;
}

/** What a virtual Ethernet says of its speed. */
const unshapedBps = 10e9;

export const toolNames = ["roomcast", "udpcast"] as const;
export type ToolName = (typeof toolNames)[number];

export const openTool: Record<
  ToolName,
  (wire: BenchWire, payload: Payload, awaited: number, linkBps: number | null) => ToolRun
> = {
  roomcast: openRoomcast,
  udpcast: openUdpcast,
};

function openRoomcast(
  wire: BenchWire,
  { path, chunkCount }: Payload,
  awaited: number,
  bps: number | null,
): ToolRun {
  const linkBps = bps ?? unshapedBps;
  const place = castAddress(serverAddress);
  const program = (name: string, config: CastConfig & { server?: string }): string[] => [
    process.execPath,
    join(import.meta.dirname, `${name}.ts`),
    JSON.stringify(config),
  ];
  return {
    async openSender() {
      const end = startEnd(
        wire.network.serverNamespace,
        program("roomcast-sender", { place, path, chunkCount, awaited, linkBps }),
      );
      await end.said("ready");
      return end;
    },
    openReceiver({ namespace, address }, output) {
      const own = { ...place, interfaceAddress: address };
      const config = {
        place: own,
        path: output,
        chunkCount,
        awaited,
        linkBps,
        server: serverAddress,
      };
      return startEnd(namespace, program("roomcast-receiver", config));
    },
    isDone: (receiver) => receiver.said("done"),
    cpuSeconds: (end) => end.last()?.cpuSeconds,
    fileSeconds: (end) => end.last()?.fileSeconds,
  };
}

/**
 * udpcast starts when the number of receivers that it was told has come. `times` of the shell around it
 * tells what it took.
 */
function openUdpcast(wire: BenchWire, { path }: Payload, awaited: number): ToolRun {
  const timed = (...words: string[]): string[] => [
    ...["sh", "-c", '"$@"; status=$?; times; exit $status', "sh"],
    ...["setpriv", "--pdeathsig", "KILL", ...words],
  ];
  return {
    async openSender() {
      return startEnd(
        wire.network.serverNamespace,
        timed(
          ...["udp-sender", "--file", path, "--interface", serverInterface],
          ...["--full-duplex", "--nokbd", "--no-progress", "--min-receivers", String(awaited)],
        ),
      );
    },
    openReceiver: ({ namespace }, output) =>
      startEnd(
        namespace,
        timed(
          ...["udp-receiver", "--file", output, "--interface", "eth0"],
          ...["--nokbd", "--nosync", "--no-progress"],
        ),
      ),
    async isDone(receiver) {
      if ((await receiver.exited) !== 0) await new Promise(() => {});
    },
    cpuSeconds: (end) => secondsOfTimes(end.output()),
    fileSeconds: () => undefined,
  };
}

/** What a shell's `times`, said last, has for its children, in seconds; undefined: it said none. */
export function secondsOfTimes(said: string): number | undefined {
  const children = /(\d+)m([\d.]+)s (\d+)m([\d.]+)s\s*$/.exec(said);
  if (children === null) return undefined;
  const [userMinutes, user, systemMinutes, system] = children.slice(1).map(Number) as number[];
  return ((userMinutes ?? 0) + (systemMinutes ?? 0)) * 60 + (user ?? 0) + (system ?? 0);
}
