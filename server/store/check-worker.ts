/** The thread of `Checkers`: one job after the other. */
import { parentPort } from "node:worker_threads";
import { type CheckJob, doCheck } from "./check-jobs.ts";

parentPort?.on("message", (job: CheckJob) => parentPort?.postMessage(doCheck(job)));
