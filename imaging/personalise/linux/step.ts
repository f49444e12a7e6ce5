/** What the steps that make a Linux a PC's own have, and what they answer. */
import type { Root } from "../root.ts";
import type { DiskOptions } from "../system.ts";

export interface Outcome {
  readonly result?: "left" | "failed";
  readonly detail: string;
}

/** What a step has: the system's files, and who the PC is. */
export interface LinuxStep extends DiskOptions {
  readonly root: Root;
}
