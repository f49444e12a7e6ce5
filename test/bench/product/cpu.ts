/** Processor time of what runs in a network namespace. */
import { readFile } from "node:fs/promises";
import { run } from "../../room/run.ts";
import { ticksPerSecond } from "../machine.ts";

/** In seconds: of what runs there now, with what has ended below it; of programs with these names, where there are any. */
export async function cpuSecondsIn(namespace: string, names?: readonly string[]): Promise<number> {
  const { stdout } = await run(["ip", "netns", "pids", namespace]);
  const pids = stdout.split("\n").filter((pid) => pid !== "");
  const ticks = await Promise.all(
    pids.map(async (pid) => {
      const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
      const [start, end] = [stat.indexOf("(") + 1, stat.lastIndexOf(")")];
      if (names !== undefined && !names.includes(stat.slice(start, end))) return 0;
      // proc(5): utime, stime, cutime and cstime are fields 14 to 17; the second, in parentheses, may have spaces.
      const fields = stat.slice(end + 2).split(" ");
      return fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    }),
  );
  return ticks.reduce((sum, each) => sum + each, 0) / ticksPerSecond;
}

export const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, each) => sum + each, 0) / values.length;
