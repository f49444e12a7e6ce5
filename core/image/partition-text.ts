/** What a partition is called in words. */
import type { PartitionRecord } from "./types.ts";

/** `ntfs "Windows"`; empty of one that has neither a file system nor a label. */
export const contentText = ({ fs, label }: Pick<PartitionRecord, "fs" | "label">): string =>
  [fs, label === null ? null : `"${label}"`].filter((each) => each !== null).join(" ");
