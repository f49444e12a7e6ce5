/** What a capture takes of a disk: its table, what each partition holds, and the chunks to keep. */
import type { TablePartition } from "../../core/image/found-table.ts";
import { type PartitionTable, readPartitionTable } from "../../core/image/partition-table.ts";
import { type CapturePlan, planCapture, type UsedPartition } from "../../core/image/plan.ts";
import type { ManifestDraft, PartitionRecord } from "../../core/image/types.ts";
import type { BlockDevice } from "../../core/ports.ts";
import { chunkBytes, chunkLengthAt } from "../../core/units/units.ts";
import { alignedBuffer } from "../disk/disk.ts";
import { type FoundUse, findUse } from "./used-blocks.ts";

/** What of a disk goes into an image, before anything of it is read. */
export interface DiskMap {
  readonly plan: CapturePlan;
  readonly table: PartitionTable;
  readonly partitions: readonly PartitionRecord[];
  readonly warnings: readonly string[];
}

export interface MapOptions {
  /** Open for reading; its path names it to the tools. */
  readonly disk: BlockDevice;
  /** Takes every block, used or not. */
  readonly raw: boolean;
  readonly signal: AbortSignal;
  log(text: string): void;
}

const mapsAtOnce = 4;

/** Rejects with `refused` when an image of the disk would be wrong, and as `signal` says. Only reads. */
export async function mapDisk({ disk, raw, signal, log }: MapOptions): Promise<DiskMap> {
  const table = await readPartitionTable({
    diskBytes: disk.size,
    logicalSector: disk.logicalSector,
    read: (offset, length) => readBytes(disk, offset, length),
  });
  const warnings = [...table.warnings];
  for (const warning of warnings) log(warning);
  const volumes: readonly TablePartition[] =
    table.kind === "none"
      ? [{ index: 0, type: "none", start: 0, size: disk.size }]
      : table.partitions;
  // A map waits for the disk, and partclone is a process of its own.
  const found: FoundUse[] = [];
  for (let at = 0; at < volumes.length; at += mapsAtOnce) {
    const maps = volumes.slice(at, at + mapsAtOnce).map((volume) => {
      const isDoubtful = table.doubtful.has(volume.index);
      return findUse(disk, volume, { raw: raw || isDoubtful, signal });
    });
    // None may read on when this rejects.
    await Promise.allSettled(maps);
    found.push(...(await Promise.all(maps)));
  }
  const partitions: PartitionRecord[] = [];
  const uses: UsedPartition[] = [];
  for (const [at, { index, type, start, size }] of volumes.entries()) {
    const { record, used, warnings: said } = found[at] as FoundUse;
    const usedBytes = used?.reduce((sum, { length }) => sum + length, 0) ?? size;
    partitions.push({ index, type, start, size, usedBytes, ...record });
    uses.push({ start, size, used });
    for (const warning of said) {
      warnings.push(warning);
      log(warning);
    }
  }
  const plan = planCapture(disk.size, raw ? [] : uses);
  return { plan, table, partitions, warnings };
}

/** All of the manifest's draft but the root hash, which is known when everything has been read. */
export const draftOf = (
  disk: BlockDevice,
  { plan, table, partitions, warnings }: DiskMap,
  source: string,
): Omit<ManifestDraft, "rootHash"> => ({
  format: "roomcast-image",
  formatVersion: 1,
  source: source.slice(0, 1024),
  diskBytes: disk.size,
  logicalSector: disk.logicalSector,
  chunkBytes,
  chunkCount: plan.chunks.length,
  usedBytes: plan.usedBytes,
  partitionTable: table.kind,
  partitions,
  warnings,
});

/** Raw bytes that the plan has to be read. */
export const plannedBytes = ({ chunks }: CapturePlan, diskBytes: number): number =>
  chunks.reduce((sum, { chunkIndex }) => sum + chunkLengthAt(chunkIndex, diskBytes), 0);

async function readBytes(disk: BlockDevice, offset: number, length: number): Promise<Uint8Array> {
  const into = alignedBuffer(length);
  await disk.read(offset, into);
  return into;
}
