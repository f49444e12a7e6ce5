/** Whether disks with other sectors than the image's can take it: told by what is in it, before a byte is written. */
import { RoomcastError } from "../../core/errors.ts";
import type { ByteSource } from "../../core/image/byte-source.ts";
import { changeSectors } from "../../core/image/sector-change.ts";
import type { SectorShape } from "../../core/image/sector-misfit.ts";
import type { OtherDisk } from "../../core/image/table-sectors.ts";
import { liveMisfit } from "../../core/screen/target.ts";
import type { TargetNeed } from "../../core/session/target.ts";
import type { DiskView } from "../../core/wire/views.ts";
import { type ImageChunks, imageSource } from "./image-source.ts";

/**
 * For each of `disks`; nothing is read where all have the image's sectors. `isLive`: of no chunk anything is known.
 * What cannot be looked into is no hindrance to another disk.
 */
export async function otherSectorsOf(
  disks: readonly DiskView[],
  image: SectorShape,
  chunks: Pick<ImageChunks, "entries" | "fetch"> & { readonly isLive: boolean },
): Promise<TargetNeed["otherSectors"]> {
  const source = imageSource({ ...chunks, diskBytes: image.diskBytes });
  const reasons = new Map<string, string | null>();
  for (const { path, size, logicalSector } of disks) {
    if (logicalSector === image.logicalSector) continue;
    const other = { diskBytes: size, logicalSector };
    reasons.set(path, chunks.isLive ? liveMisfit : await reasonOf(image, source, other));
  }
  return ({ path }) => reasons.get(path) ?? null;
}

async function reasonOf(
  image: SectorShape,
  source: ByteSource,
  other: OtherDisk,
): Promise<string | null> {
  try {
    const change = await changeSectors(image, source, other);
    return change.ok ? null : change.reason;
  } catch (error) {
    if (!(error instanceof RoomcastError) || error.code === "cancelled") throw error;
    return `it could not be looked into: ${error.message}`;
  }
}
