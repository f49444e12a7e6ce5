/**
 * What of the processors was used. `--import …/processors.ts?folder=FOLDER` has a process leave that in a file at its end,
 * together with what all have used that it started: no parent can ask for it afterwards.
 */
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMainThread } from "node:worker_threads";

const folder = new URL(import.meta.url).searchParams.get("folder");
if (folder !== null && isMainThread) {
  process.once("exit", () => {
    const took: Took = { path: process.argv[1] ?? "", seconds: processorSeconds() };
    writeFileSync(join(folder, `${process.pid}.took`), JSON.stringify(took));
  });
}

export interface Took {
  /** Of the script. */
  readonly path: string;
  readonly seconds: number;
}

/** Of this process, and of all that have ended of those that it had started, and of theirs. */
export function processorSeconds(): number {
  // proc_pid_stat(5): utime, stime, cutime and cstime are fields 14 to 17, in ticks of 10 ms; the third follows the name.
  const fields = readFileSync("/proc/self/stat", "utf8").replace(/.*\) /s, "").split(" ");
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) / 100, 0);
}

/** What processes have left in their folder. */
export const tookIn = (folder: string): Took[] =>
  globSync(join(folder, "*.took")).map((path) => JSON.parse(readFileSync(path, "utf8")) as Took);
