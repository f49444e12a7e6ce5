/**
 * Loaded into the server before it. At each SIGUSR2 it writes how late the server's own thread was since the one before, to
 * the file that `LOOP_DELAY_FILE` names.
 */
import { writeFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { isMainThread } from "node:worker_threads";

/** In milliseconds; what is shorter is not seen. */
const resolution = 2;

const path = process.env.LOOP_DELAY_FILE;
if (isMainThread && path !== undefined) {
  const delay = monitorEventLoopDelay({ resolution });
  delay.enable();
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - resolution);
  process.on("SIGUSR2", () => {
    const [p50, p99] = [50, 99].map((percent) => late(delay.percentile(percent)));
    writeFileSync(path, JSON.stringify({ p50, p99, most: late(delay.max) }));
    delay.reset();
  });
}
