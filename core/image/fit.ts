/** Whether an image fits on a disk of another size. */
import { chunkBytes, chunkLengthAt } from "../units/units.ts";
import { bootCriticalEntryIndexes } from "./plan.ts";
import { codec, type IndexEntry, type Manifest } from "./types.ts";

type Shape = Pick<Manifest, "diskBytes" | "logicalSector" | "partitionTable" | "partitions">;

/** UEFI 2.10, 5.3.1: at least 16 KiB of partition entries, and the header in a sector of its own. */
const gptBackupBytes = ({ logicalSector }: Shape): number => 16 * 1024 + logicalSector;

/**
 * Why a disk of `targetBytes` cannot hold the image, in words, or null. A smaller disk can if every
 * partition and every chunk with something in it ends on it; zeros beyond its end are not missed, and
 * a backup GPT is written anew at the end of the disk that it is for.
 */
export function misfitOf(
  image: Shape,
  entries: readonly IndexEntry[],
  targetBytes: number,
): string | null {
  if (targetBytes >= image.diskBytes) return null;
  const isGpt = image.partitionTable === "gpt";
  const limit = isGpt ? targetBytes - gptBackupBytes(image) : targetBytes;
  for (const { index, start, size } of image.partitions) {
    if (start + size > limit) return `partition ${index} of the image ends at ${start + size}`;
  }
  const backup = new Set(isGpt ? bootCriticalEntryIndexes(image, entries) : []);
  // Chunk 0 is critical as well, and has to be there.
  if (isGpt && targetBytes < chunkBytes) return "less than the first MiB of the image";
  let dataEnd = 0;
  for (const [entryIndex, entry] of entries.entries()) {
    if (entry.codec === codec.zero || backup.has(entryIndex)) continue;
    const { chunkIndex } = entry;
    dataEnd = chunkIndex * chunkBytes + chunkLengthAt(chunkIndex, image.diskBytes);
  }
  return dataEnd <= targetBytes ? null : `the image's data ends at ${dataEnd}`;
}
