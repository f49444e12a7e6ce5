/** What a partition is called in words. */
import type { PartitionRecord } from "./types.ts";

/** `ntfs "Windows"`; empty of one that has neither a file system nor a label. */
export const contentText = ({ fs, label }: Pick<PartitionRecord, "fs" | "label">): string =>
  [fs, label === null ? null : `"${label}"`].filter((each) => each !== null).join(" ");

/** `partition 3 (ntfs "Windows")`; without a table, the disk. */
export function partitionText(partition: Pick<PartitionRecord, "index" | "fs" | "label">): string {
  const { index } = partition;
  const content = contentText(partition);
  const what = index === 0 ? "the disk" : `partition ${index}`;
  return content === "" ? what : `${what} (${content})`;
}
