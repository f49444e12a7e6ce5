/** Whether the campus has images as they are here: their indexes, all of their packs, and chunks that are read and hashed. */
import { assert, RoomcastError } from "../../core/errors.ts";
import { decodeEntry } from "../../core/image/index-codec.ts";
import { imageName } from "../../core/image/manifest.ts";
import { indexEntryBytes, type Manifest } from "../../core/image/types.ts";
import { inLanes } from "../../core/lanes.ts";
import { chunkLengthAt } from "../../core/units/units.ts";
import { hostTime } from "../campus/host-time.ts";
import { patiently } from "../campus/patience.ts";
import { RemoteImages } from "../campus/remote-images.ts";
import { lostObjects } from "../campus/storage-check.ts";
import type { Checker } from "../store/checkers.ts";
import { nodeFiles } from "../store/files.ts";
import type { CampusEnds } from "./ends.ts";
import type { MoveOptions } from "./move-in.ts";

/** Chunks that are read of each image, where not all are. */
export const sampleChunks = 32;
const laneCount = 6;

export interface CheckedImages {
  readonly images: number;
  /** That were read from the storage and hashed. */
  readonly chunksRead: number;
}

export interface CheckOptions extends MoveOptions {
  readonly ends: Pick<CampusEnds, "registry" | "objects" | "seal">;
  readonly checker: Checker;
  /** All chunks are read, and not some of each image. */
  readonly isFull: boolean;
  /** From 0 to below 1. */
  random(): number;
}

/** Rejects with `bad-input` that names what is not there, or not as it has to be. `progress`: bytes of disks. */
export async function checkMoved(
  images: readonly Manifest[],
  options: CheckOptions,
): Promise<CheckedImages> {
  const { ends, checker, signal, progress } = options;
  const { registry, objects, seal } = ends;
  const remotes = new RemoteImages({
    ...{ registry, objects, seal, checker },
    formsHere: (hashes) => hashes.map(() => null),
    pause: () => nodeFiles.pause(),
  });
  const again = <T>(work: () => Promise<T>): Promise<T> =>
    patiently({
      ...{ time: hostTime, signal, work },
      waits: (reason) => {
        if (reason !== null) options.note(`the check waits: ${reason}`);
      },
    });
  const known = new Set((await again(() => registry.images())).map(({ manifest: { id } }) => id));
  const missing = images.filter(({ id }) => !known.has(id));
  if (missing.length > 0) throw notThere(missing);
  const counts = images.map(({ chunkCount }) =>
    options.isFull ? chunkCount : Math.min(sampleChunks, chunkCount),
  );
  const total = counts.reduce((sum, count) => sum + count, 0);
  let chunksRead = 0;
  let done = 0;
  for (const [at, image] of images.entries()) {
    // Its index as the storage has it, which matches the manifest's root hash.
    const { index, table } = await again(() => remotes.load(image));
    const [lost] = await again(() =>
      lostObjects([image], { registry, objects, signal, index: async () => index }),
    );
    if (lost !== undefined) throw new RoomcastError("bad-input", lost.reason, doRepair);
    const chosen = entriesOf(image.chunkCount, counts[at] as number, options.random);
    await inLanes(chosen, laneCount, async (entry) => {
      signal.throwIfAborted();
      const place = table.get(entry);
      if (!table.isZero(entry)) {
        const name = imageName(image);
        if (place === null) throw chunkFault(name, entry, "the database does not know where it is");
        const decoded = decodeEntry(index, entry * indexEntryBytes);
        assert(decoded.ok, "an index that was checked");
        const { chunkIndex, sha256 } = decoded.value;
        const stored = await again(() => remotes.record(place, signal));
        const { fault } = await checker.check({
          ...{ type: "chunk", stored, entry: { ...place.entry, chunkIndex, sha256 } },
          length: chunkLengthAt(chunkIndex, image.diskBytes),
        });
        if (fault !== null) throw chunkFault(name, entry, fault);
        chunksRead++;
      }
      progress(++done * image.chunkBytes, total * image.chunkBytes);
    });
    remotes.forget(image.id);
  }
  return { images: images.length, chunksRead };
}

/** So many of the entries, each once, in their order; all of them where that is as many. */
function entriesOf(all: number, count: number, random: () => number): number[] {
  if (count >= all) return Array.from({ length: all }, (_, entry) => entry);
  const chosen = new Set<number>();
  while (chosen.size < count) chosen.add(Math.floor(random() * all));
  return [...chosen].sort((one, other) => one - other);
}

const notThere = (images: readonly Manifest[]): RoomcastError =>
  new RoomcastError(
    "bad-input",
    `the campus does not have ${images.map(imageName).join(", ")}: somebody has deleted them meanwhile, or another server's database is asked`,
    "see `roomcast image list` on a server of the campus, then start this again",
  );

const doRepair =
  "check the storage; once this server belongs to the campus, `roomcast image verify --repair` puts there again what it has";

const chunkFault = (image: string, entry: number, why: string): RoomcastError =>
  new RoomcastError(
    "bad-input",
    `chunk ${entry} of ${image} is not in the storage as it has to be: ${why}`,
    doRepair,
  );
