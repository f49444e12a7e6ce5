/** What both ends of a roomcast cast in the bench are told, and how they count what they took. */
import { readdirSync, readFileSync } from "node:fs";
import { chunkBytes } from "../../core/units/units.ts";
import type { CastPlace } from "../core/node/cast-room.ts";

export interface CastConfig {
  readonly place: CastPlace;
  /** The payload, or where to put it. */
  readonly path: string;
  readonly chunkCount: number;
  /** Receivers that the sender waits for before it sends. */
  readonly awaited: number;
}

export const storedLengthsFor = ({ chunkCount }: CastConfig): number[] =>
  Array.from({ length: chunkCount }, () => chunkBytes);

/**
 * Processor time of this process from now until the answer is called, in seconds: without the threads
 * that read and write files, which are not the cast's.
 */
export function startCounting(): () => number {
  const before = castNanoseconds();
  return () => (castNanoseconds() - before) / 1e9;
}

function castNanoseconds(): number {
  const tasks = "/proc/self/task";
  return readdirSync(tasks)
    .filter((task) => readFileSync(`${tasks}/${task}/comm`, "utf8") !== "libuv-worker\n")
    .map((task) => Number(readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ")[0]))
    .reduce((sum, each) => sum + each, 0);
}
