/**
 * What a partition table needs on a disk of another size than it was made for: a GPT its backup at the
 * end of the disk; and the new places of partitions that were moved or that grow.
 */
import type { Decoded } from "../errors.ts";
import type { TableSource } from "./found-table.ts";
import { readPartitionTable } from "./partition-table.ts";
import { refitGpt } from "./refit-gpt.ts";
import { refitMbr } from "./refit-mbr.ts";
import type { Refit, RefitRequest } from "./table-write.ts";

/** Fails with a reason when a partition does not fit, or the table cannot be read. */
export async function refitTable(
  source: TableSource,
  request: RefitRequest,
): Promise<Decoded<Refit>> {
  const { kind } = await readPartitionTable({
    ...source,
    // A GPT whose first header is damaged has its backup where the former disk ended.
    diskBytes: Math.min(source.diskBytes, request.formerBytes),
  });
  if (kind === "none") {
    const rigid = "the disk has no partition table that can be read";
    const notes = [`${rigid}: it is left as it is`];
    return { ok: true, value: { writes: [], rigid, endBytes: source.diskBytes, notes } };
  }
  return kind === "gpt" ? refitGpt(source, request) : refitMbr(source, request);
}
