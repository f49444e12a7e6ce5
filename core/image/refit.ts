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

/** Why nothing can be done to a disk without a table. */
export const noTable = "the disk has no partition table that can be read";

/** Fails with a reason when a partition does not fit, or a GPT cannot be read. */
export async function refitTable(
  source: TableSource,
  request: RefitRequest,
): Promise<Decoded<Refit>> {
  const { former = source, formerBytes } = request;
  const { kind } = await readPartitionTable({
    ...former,
    // A GPT whose first header is damaged has its backup where the former disk ended.
    diskBytes: Math.min(former.diskBytes, formerBytes),
  });
  if (kind === "none") {
    const notes = [`${noTable}: it is left as it is`];
    const value = { writes: [], rigid: noTable, endBytes: source.diskBytes, notes };
    return { ok: true, value };
  }
  return kind === "gpt" ? refitGpt(source, request) : refitMbr(source, request);
}
