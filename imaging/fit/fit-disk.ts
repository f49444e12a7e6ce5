/**
 * After the disk was verified: the partition table is made to fit a disk of another size than the
 * image's, small partitions move to the end, and the one that takes the room grows with what is in it.
 */

import { errorText, RoomcastError } from "../../core/errors.ts";
import { type Extent, endOf, union, within } from "../../core/image/extents.ts";
import type { TablePartition, TableSource } from "../../core/image/found-table.ts";
import { hiddenSectorWrites } from "../../core/image/hidden-sectors.ts";
import { type Layout, type PartitionMove, planLayout } from "../../core/image/layout.ts";
import { type PartitionTable, readPartitionTable } from "../../core/image/partition-table.ts";
import { contentText } from "../../core/image/partition-text.ts";
import { noTable, refitTable } from "../../core/image/refit.ts";
import { changeSectors } from "../../core/image/sector-change.ts";
import type { Refit, RefitRequest } from "../../core/image/table-write.ts";
import type { IndexEntry, Manifest, PartitionRecord } from "../../core/image/types.ts";
import { sizeText } from "../../core/screen/format.ts";
import { chunkBytes } from "../../core/units/units.ts";
import type { GrowMode } from "../../core/wire/rooms.ts";
import type { DiskView, StepView } from "../../core/wire/views.ts";
import { type Disk, openDisk, sourceOf } from "../disk/disk.ts";
import { partitionDevice } from "../disk/partition-device.ts";
import { untilItEnds } from "../disk/tool.ts";
import { signaturePlaces } from "../restore/old-signatures.ts";
import { type BeyondEnd, ShortDisk } from "../restore/short-disk.ts";
import { growers } from "./file-system.ts";
import { emptyPlaces, moveTo, put } from "./move.ts";
import { growVolumes } from "./volumes.ts";

export interface FitOptions {
  /** What was opened and verified, and is closed now: tools want it for themselves. */
  readonly path: string;
  readonly manifest: Pick<
    Manifest,
    "diskBytes" | "logicalSector" | "partitionTable" | "partitions"
  >;
  /** Chunks of the disk that the image has: what is in no chunk is in no use. */
  readonly entries: readonly Pick<IndexEntry, "chunkIndex">[];
  /** What the image has beyond the end of a smaller disk: the backup may be the only GPT that can be read. */
  readonly beyond: BeyondEnd;
  /** Which partition takes the room of a larger disk. */
  readonly grow: GrowMode;
  readonly signal: AbortSignal;
  /** Each step, as soon as it has ended. */
  said(step: StepView): void;
}

interface Done<T> {
  readonly value: T;
  readonly result?: "left";
  readonly detail: string;
}

/** Characters of `StepView.detail`. */
const detailLimit = 2048;

/**
 * What cannot be made larger stays as it is, and is said. Rejects with `failed` when a step failed, so
 * that the disk is in doubt; that step was said as well.
 */
export async function fitDisk(options: FitOptions): Promise<void> {
  const { path, manifest, signal } = options;
  const grown = await (async (): Promise<TablePartition | null> => {
    await using disk = await openDisk(path, { write: true });
    const hasTable = manifest.partitionTable !== "none";
    const hasOwnSectors = disk.logicalSector === manifest.logicalSector;
    if (fitsAsItIs(disk, manifest) || (!hasTable && hasOwnSectors)) return null;
    return await layOut(disk, options);
  })();
  const record = manifest.partitions.find(({ index }) => index === grown?.index);
  if (grown === null || record === undefined) return;
  signal.throwIfAborted();
  // What has begun is not cut off in the middle.
  await fill(record, grown, { ...options, signal: untilItEnds() });
}

/** Whether a copy of the image on this disk needs no fitting. */
export const fitsAsItIs = (
  disk: Pick<DiskView, "size" | "logicalSector">,
  { diskBytes, logicalSector }: Pick<Manifest, "diskBytes" | "logicalSector">,
): boolean => disk.size === diskBytes && disk.logicalSector === logicalSector;

/** Table, moves and the grown partition's new size; answers that one, if there is one. */
export async function layOut(
  disk: Disk,
  options: Omit<FitOptions, "path">,
): Promise<TablePartition | null> {
  const { manifest, grow, said } = options;
  const { rigid, endBytes } = await step("partition table", said, () => refit(disk, options));
  if (disk.size <= manifest.diskBytes) return null;
  const table = await readPartitionTable(tableSourceOf(disk));
  const { partitions } = manifest;
  const layout: Layout =
    rigid === null
      ? planLayout({ table, partitions, endBytes, grow })
      : { moves: [], grown: null, left: rigid };
  const { moves, grown, left } = layout;
  if (left !== null) said({ name: "growth", result: "left", detail: left, files: [] });
  const former = partitions.find(({ index }) => index === grown?.index);
  if (grown === null || former === undefined) return null;
  const growth = { formerBytes: disk.size, places: [grown] };
  const planned = await refitTable(tableSourceOf(disk), growth);
  if (!planned.ok) {
    said({ name: "growth", result: "left", detail: planned.reason, files: [] });
    return null;
  }
  for (const move of moves) {
    await step(`move of partition ${move.index}`, said, () => carryOut(disk, move, table, options));
  }
  await step(`growth of partition ${grown.index}`, said, async () => {
    const added = { start: endOf(extentOf(former)), length: grown.size - former.size };
    await emptyPlaces(disk, within(signaturePlaces(grown.start, grown.size), added));
    // Planned anew: a move changes the table.
    await put(disk, (await refitted(disk, growth)).writes);
    const [before, after] = [sizeText(former.size), sizeText(grown.size)];
    return { value: undefined, detail: `${nameOf(former)} from ${before} to ${after}` };
  });
  return grown;
}

async function refit(
  disk: Disk,
  { manifest, beyond }: Pick<FitOptions, "manifest" | "beyond">,
): Promise<Done<Refit>> {
  const { diskBytes: formerBytes, logicalSector } = manifest;
  const master = disk.size < formerBytes ? new ShortDisk(disk, formerBytes, beyond) : disk;
  if (disk.logicalSector !== logicalSector) return converted(disk, master, manifest);
  const former = tableSourceOf(master);
  const value = await refitted(disk, { formerBytes, former, places: [] });
  if (value.rigid === noTable) throw cannotFit(noTable);
  await put(disk, value.writes);
  const made =
    value.writes.length === 0
      ? "nothing to change"
      : `the backup GPT is at the end of this disk of ${sizeText(disk.size)}`;
  return { value, detail: [made, ...value.notes].join("; ") };
}

/** The table is one of the disk's own sectors and size then. */
async function converted(
  disk: Disk,
  master: Disk,
  manifest: FitOptions["manifest"],
): Promise<Done<Refit>> {
  const { size: diskBytes, logicalSector } = disk;
  const copy = { ...sourceOf(master), size: manifest.diskBytes };
  const change = await changeSectors(manifest, copy, { diskBytes, logicalSector });
  if (!change.ok) {
    const next = "restore to a disk with the master's sectors";
    throw new RoomcastError("failed", change.reason, next);
  }
  await put(disk, change.value.writes);
  const value = await refitted(disk, { formerBytes: diskBytes, places: [] });
  const made = `made for sectors of ${logicalSector} bytes instead of ${manifest.logicalSector}`;
  return { value, detail: [made, ...change.value.notes].join("; ") };
}

async function refitted(disk: Disk, request: RefitRequest): Promise<Refit> {
  const planned = await refitTable(tableSourceOf(disk), request);
  if (planned.ok) return planned.value;
  throw cannotFit(planned.reason);
}

const cannotFit = (why: string): RoomcastError =>
  new RoomcastError("failed", why, "restore to a disk of the master's size");

async function carryOut(
  disk: Disk,
  { index, from, to, size }: PartitionMove,
  table: PartitionTable,
  { manifest, entries, signal }: Omit<FitOptions, "path">,
): Promise<Done<undefined>> {
  const by = to - from;
  const isFrame = index === table.extended?.index;
  const inside = manifest.partitions.filter(
    (each) => each.index === index || (isFrame && each.index >= 5),
  );
  await moveTo({
    disk,
    from,
    to,
    size,
    inside,
    signal,
    used: within(chunksOf(entries), { start: from, length: size }),
    async amend() {
      const writes = inside.map((each) =>
        hiddenSectorWrites(tableSourceOf(disk), {
          from: each.start,
          to: each.start + by,
          size: each.size,
        }),
      );
      return (await Promise.all(writes)).flat();
    },
    async point() {
      const places = [{ index, start: to, size }];
      await put(disk, (await refitted(disk, { formerBytes: disk.size, places })).writes);
    },
  });
  const names = inside.map(nameOf).join(", ");
  const what = isFrame ? `with ${names === "" ? "nothing in it" : names}` : names;
  return { value: undefined, detail: `${what}, moved to the end, at ${sizeText(to)}` };
}

/** The file system, or the volumes, of the partition that has grown. */
async function fill(
  record: PartitionRecord,
  grown: TablePartition,
  { path, entries, signal, said }: FitOptions,
): Promise<void> {
  const fs = record.fs ?? "";
  const name = `file system of partition ${record.index}`;
  const device = await partitionDevice(path, grown, { write: true, signal });
  if (device === null) {
    const detail = `${fs} keeps its size: the kernel shows no device for partition ${record.index}`;
    return said({ name, result: "left", detail, files: [] });
  }
  try {
    if (fs === "LVM2_member") {
      const own = within(chunksOf(entries), extentOf(record));
      const used = own.map((each) => ({ ...each, start: each.start - record.start }));
      const name = `volumes of partition ${record.index}`;
      await step(name, said, () => growVolumes({ device: device.path, used, signal }));
      return;
    }
    await step(name, said, async () => {
      const refusal = (await growers[fs]?.(device.path, signal)) ?? null;
      return grownText(fs, { was: record.size, is: grown.size }, refusal);
    });
  } finally {
    await device.release();
  }
}

/** What is said of a file system that grew, or was to. */
export const grownText = (
  fs: string,
  { was, is }: { readonly was: number; readonly is: number },
  refusal: string | null,
): Done<undefined> =>
  refusal === null
    ? { value: undefined, detail: `${fs} grown to ${sizeText(is)}` }
    : {
        value: undefined,
        result: "left",
        detail: `${fs} keeps its size of ${sizeText(was)}: ${refusal}`,
      };

/** `partition 2 ntfs "Windows"` */
const nameOf = (partition: PartitionRecord): string =>
  `partition ${partition.index} ${contentText(partition)}`.trimEnd();

const extentOf = ({ start, size }: Pick<PartitionRecord, "start" | "size">): Extent => ({
  start,
  length: size,
});

const chunksOf = (entries: FitOptions["entries"]): Extent[] =>
  union(entries.map(({ chunkIndex }) => ({ start: chunkIndex * chunkBytes, length: chunkBytes })));

const tableSourceOf = (disk: Disk): TableSource => ({
  ...sourceOf(disk),
  diskBytes: disk.size,
  logicalSector: disk.logicalSector,
});

async function step<T>(
  name: string,
  said: (step: StepView) => void,
  work: () => Promise<Done<T>>,
): Promise<T> {
  try {
    const { value, result = "done", detail } = await work();
    said({ name, result, detail: detail.slice(0, detailLimit), files: [] });
    return value;
  } catch (error) {
    const detail = errorText(error).slice(0, detailLimit);
    said({ name, result: "failed", detail, files: [] });
    throw error;
  }
}
