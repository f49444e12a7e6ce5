/** The thread of `seenBeside`: it answers each message that has entries with which of them are the first. */
import { parentPort } from "node:worker_threads";
import { SeenTable } from "./seen-chunks.ts";

export interface SeenQuestion {
  readonly entries: Uint8Array;
  readonly diskBytes: number;
}

const seen = new SeenTable();

parentPort?.on("message", async ({ entries, diskBytes }: SeenQuestion) =>
  parentPort?.postMessage(await seen.firsts(entries, diskBytes)),
);
