/** What partitions become when an image is made to fit a smaller disk, as far as its manifest tells. */
import { gptBackupBytes } from "./gpt.ts";
import { isSystem } from "./layout.ts";
import type { PartitionTable } from "./partition-table.ts";
import { planShrink, shrinkOrder } from "./shrink-plan.ts";
import type { Manifest, PartitionRecord } from "./types.ts";

export interface ShrunkPartition {
  readonly partition: PartitionRecord;
  readonly bytes: number;
}

/** What `image fit` adds: a file system without free space starts badly, and tools say a little less than they need. */
export const withMargin = (bytes: number): number =>
  bytes + Math.max(1 << 20, Math.ceil(bytes / 50));

/**
 * Those that become smaller, largest first; null where it cannot be told: an MBR's active partition and
 * frame are not in the manifest, and files may lie so that a file system does not become as small.
 */
export function estimateShrink(
  {
    partitionTable,
    partitions,
    logicalSector,
  }: Pick<Manifest, "partitionTable" | "partitions" | "logicalSector">,
  targetBytes: number,
): ShrunkPartition[] | null {
  if (partitionTable !== "gpt") return null;
  const table: PartitionTable = {
    ...{ kind: "gpt", partitions, warnings: [], extended: null },
    ...{ doubtful: new Set<number>(), active: new Set<number>() },
  };
  const order = shrinkOrder(partitions);
  const least = new Map(
    partitions
      .filter(({ index, fs }) => order.includes(index) && fs !== "swap")
      .map(({ index, size, usedBytes }) => [index, Math.min(size, withMargin(usedBytes))]),
  );
  const endBytes = targetBytes - gptBackupBytes(logicalSector);
  const plan = planShrink({ table, partitions, endBytes, least });
  if (plan.kind === "too-large") return null;
  return partitions
    .flatMap((partition) => {
      const bytes = plan.places.get(partition.index)?.size ?? partition.size;
      return bytes < partition.size ? [{ partition, bytes }] : [];
    })
    .toSorted((one, other) => other.partition.size - one.partition.size);
}

/** The one that Windows calls C:, as far as its size and type tell; null: there is none. */
export function windowsPartition(partitions: readonly PartitionRecord[]): PartitionRecord | null {
  const [largest] = partitions
    .filter(({ fs, type }) => fs === "ntfs" && !isSystem(type))
    .toSorted((one, other) => other.size - one.size);
  return largest ?? null;
}
