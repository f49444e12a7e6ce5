/** The thread of `Packers`: one job after the other, after all others. */
import { constants, setPriority } from "node:os";
import { parentPort } from "node:worker_threads";
import { type PackJob, pack } from "./pack-job.ts";

// Of this thread alone: to Linux, a thread is a process (setpriority(2), "C library/kernel differences").
setPriority(constants.priority.PRIORITY_LOW);

parentPort?.on("message", (job: PackJob) => {
  const result = pack(job);
  const bytes = result.packed?.stored.buffer;
  parentPort?.postMessage(result, bytes instanceof ArrayBuffer ? [bytes] : []);
});
