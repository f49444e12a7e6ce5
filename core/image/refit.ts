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
  const { kind, doubtful } = table;
  if (kind === "none") {
    const notes = ["the disk has no partition table that can be read: it is left as it is"];
    return { ok: true, value: { writes: [], grown: null, whyNot: null, notes } };
  }
  const refit = kind === "gpt" ? refitGpt : refitMbr;
  const { grow } = request;
  if (grow === null || !doubtful.has(grow.index)) return refit(source, request);
  const left = await refit(source, { ...request, grow: null });
  if (!left.ok) return left;
  const whyNot = `partition ${grow.index} lies over another partition or over the partition table`;
  return { ok: true, value: { ...left.value, whyNot } };
}

/** The partition that ends last, of those that the table names. */
export const lastOf = <P extends Pick<TablePartition, "start" | "size">>(
  partitions: readonly P[],
): P | undefined =>
  partitions.toSorted((one, other) => one.start + one.size - other.start - other.size).at(-1);
