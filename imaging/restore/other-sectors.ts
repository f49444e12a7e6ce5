/** Whether disks with other sectors than the image's can take it: told by what is in it, before a byte is written. */
import { changeSectors } from "../../core/image/sector-change.ts";
import type { SectorShape } from "../../core/image/sector-misfit.ts";
import { liveMisfit } from "../../core/screen/target.ts";
import type { TargetNeed } from "../../core/session/target.ts";
import type { DiskView } from "../../core/wire/views.ts";
import { type ImageChunks, imageSource } from "./image-source.ts";

/** For each of `disks`; nothing is read where all have the image's sectors. `isLive`: of no chunk anything is known. */
export async function otherSectorsOf(
  disks: readonly DiskView[],
  image: SectorShape,
  chunks: Pick<ImageChunks, "entries" | "fetch"> & { readonly isLive: boolean },
): Promise<TargetNeed["otherSectors"]> {
  const source = imageSource({ ...chunks, diskBytes: image.diskBytes });
  const reasons = new Map<string, string | null>();
  for (const { path, size, logicalSector } of disks) {
    if (logicalSector === image.logicalSector) continue;
    const change = chunks.isLive
      ? ({ ok: false, reason: liveMisfit } as const)
      : await changeSectors(image, source, { diskBytes: size, logicalSector });
    reasons.set(path, change.ok ? null : change.reason);
  }
  return ({ path }) => reasons.get(path) ?? null;
}
