/** An image on its way to a disk of this machine: opened, checked, and put together once for all who do it. */
import { RoomcastError } from "../../core/errors.ts";
import type { IndexEntry, Manifest } from "../../core/image/types.ts";
import { chunkCalls } from "../../core/node/chunk-calls.ts";
import { diskIdentity } from "../../core/screen/disk.ts";
import { chunkBytes, wholeSectors } from "../../core/units/units.ts";
import type { DiskView } from "../../core/wire/views.ts";
import { alignedBuffer, type Disk, openDisk } from "../disk/disk.ts";
import { laneCount } from "../disk/lanes.ts";
import { bootAreaOf } from "./boot-area.ts";
import { DiskRestore } from "./disk-restore.ts";
import { oldSignaturesInVolumes, oldSignaturesOf } from "./old-signatures.ts";
import type { RestorePlan } from "./restore-plan.ts";
import { type BeyondEnd, ShortDisk } from "./short-disk.ts";

/** Opens a disk that was chosen; throws `refused` when it is not the one that it was then. */
export async function openTarget({ path, size, logicalSector }: DiskView): Promise<Disk> {
  const opened = await openDisk(path, { write: true });
  if (opened.size === size && opened.logicalSector === logicalSector) return opened;
  await opened[Symbol.asyncDispose]();
  const what = `${path} is not the disk it was a moment ago`;
  throw new RoomcastError("refused", what, "check its cable, and try again");
}

export interface OntoDisk {
  /** From `openTarget`, with what is said of it. */
  readonly opened: Disk;
  readonly view: DiskView;
  readonly manifest: Pick<
    Manifest,
    "diskBytes" | "logicalSector" | "partitionTable" | "partitions"
  >;
  readonly entries: readonly IndexEntry[];
  /** Places in the index of the chunks that make the disk bootable: they are written last. */
  readonly critical: readonly number[];
  readonly how: Pick<RestorePlan, "verify" | "discard" | "isLive">;
  /** Gets what a smaller disk cannot hold; `fitDisk` may need it. */
  readonly beyond: BeyondEnd;
  /** The stored bytes of one entry, from where they are sure to be right. */
  fetch(entryIndex: number): Promise<Uint8Array>;
}

/** The restore of this image to this disk; it has not begun. */
export function restoreOnto({ opened, view, how, fetch, beyond, ...what }: OntoDisk): DiskRestore {
  const { manifest, entries, critical } = what;
  const { diskBytes } = manifest;
  const targetBytes = opened.size;
  const { logicalSector } = opened;
  // Images of files that were cut within a sector are there from older versions.
  const image = { ...manifest, diskBytes: wholeSectors(diskBytes, logicalSector) };
  return new DiskRestore(
    {
      ...how,
      entries,
      diskBytes,
      boot: bootAreaOf({ entries, critical, diskBytes, targetBytes, logicalSector }),
      empty: oldSignaturesOf({ image, entries, targetBytes }),
      emptyInVolumes: (copy) => oldSignaturesInVolumes(copy, { image, entries, logicalSector }),
    },
    {
      ...chunkCalls,
      laneCount,
      disk: targetBytes < diskBytes ? new ShortDisk(opened, diskBytes, beyond) : opened,
      diskName: `${view.path}, ${diskIdentity(view)}`,
      fetch,
      buffer: () => alignedBuffer(chunkBytes),
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    },
  );
}
