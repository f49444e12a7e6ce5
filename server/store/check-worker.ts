/** The thread of `Checkers`: one job after the other, after what answers PCs and operators. */
import { constants, getPriority, setPriority } from "node:os";
import { parentPort } from "node:worker_threads";
import { type CheckJob, doCheck } from "./check-jobs.ts";

/** Beyond the server's own: a third of the processor time of whoever has as much to do. */
const nicer = 5;

// Of this thread alone: to Linux, a thread is a process (setpriority(2), "C library/kernel differences").
setPriority(Math.min(constants.priority.PRIORITY_LOW, getPriority() + nicer));

parentPort?.on("message", (job: CheckJob) => parentPort?.postMessage(doCheck(job)));
