/**
 * What a partition table needs on a disk of another size than it was made for: a GPT its backup at the
 * end of the disk, and the last partition, if it is to grow, a new end.
 */
import type { Decoded } from "../errors.ts";
import { readPartitionTable, type TablePartition, type TableSource } from "./partition-table.ts";
import { refitGpt } from "./refit-gpt.ts";
import { refitMbr } from "./refit-mbr.ts";
import type { Refit, RefitRequest } from "./table-write.ts";

/** Fails with a reason when a partition does not fit, or the table cannot be read. */
export async function refitTable(
  source: TableSource,
  request: RefitRequest,
): Promise<Decoded<Refit>> {
  const table = await readPartitionTable({
    ...source,
    // A GPT whose first header is damaged has its backup where the former disk ended.
    diskBytes: Math.min(source.diskBytes, request.formerBytes),
  });
  if (table.kind === "none") return { ok: true, value: { writes: [], grown: null } };
  return table.kind === "gpt" ? refitGpt(source, request) : refitMbr(source, request);
}

/** The partition that ends last, of those that the table names. */
export const lastOf = <P extends Pick<TablePartition, "start" | "size">>(
  partitions: readonly P[],
): P | undefined =>
  partitions.toSorted((one, other) => one.start + one.size - other.start - other.size).at(-1);
