/** What both ends of a roomcast cast in the bench are told, and how they count what they took. */
import { readdirSync, readFileSync } from "node:fs";
import { chunkBytes } from "../../core/units/units.ts";
import type { CastPlace } from "../core/node/cast-room.ts";

export interface CastConfig {
  readonly place: CastPlace;
  /** The payload, or where to put it. */
  readonly path: string;
  readonly chunkCount: number;
  /** Speed of the sender's interface, as its driver would tell it. */
  readonly linkBps: number;
  /** Receivers that the sender waits for before it sends. */
  readonly awaited: number;
}

export const storedLengthsFor = ({ chunkCount }: CastConfig): number[] =>
  Array.from({ length: chunkCount }, () => chunkBytes);

export interface CpuUsage {
  /** Seconds of the cast's threads. */
  readonly cpuSeconds: number;
  /** Seconds of those that read and write files, which are not the cast's. */
  readonly fileSeconds: number;
}

/** Processor time of this process from now until the answer is called. */
export function startCounting(): () => CpuUsage {
  const before = usage();
  return () => {
    const now = usage();
    return {
      cpuSeconds: now.cpuSeconds - before.cpuSeconds,
      fileSeconds: now.fileSeconds - before.fileSeconds,
    };
  };
}

function usage(): CpuUsage {
  const tasks = "/proc/self/task";
  const sums = { cpuSeconds: 0, fileSeconds: 0 };
  for (const task of readdirSync(tasks)) {
    const isFile = readFileSync(`${tasks}/${task}/comm`, "utf8") === "libuv-worker\n";
    const [nanoseconds] = readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ");
    sums[isFile ? "fileSeconds" : "cpuSeconds"] += Number(nanoseconds) / 1e9;
  }
  return sums;
}
