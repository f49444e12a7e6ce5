/**
 * A disk in a file, made to fit a smaller disk: its own file systems are made smaller, what stands behind
 * them moves down, and the table says so. It is nobody's master: where it fails, the file is thrown away.
 */

import { assert, type Decoded, RoomcastError } from "../../core/errors.ts";
import type { TablePartition, TableSource } from "../../core/image/found-table.ts";
import { hiddenSectorWrites } from "../../core/image/hidden-sectors.ts";
import { stuckReason } from "../../core/image/layout.ts";
import { type PartitionTable, readPartitionTable } from "../../core/image/partition-table.ts";
import { contentText } from "../../core/image/partition-text.ts";
import { refitTable } from "../../core/image/refit.ts";
import { planShrink, relaidMbr, shrinkOrder } from "../../core/image/shrink-plan.ts";
import type { SqueezePlace } from "../../core/image/squeeze.ts";
import type { TableWrite } from "../../core/image/table-write.ts";
import type { Manifest, PartitionRecord } from "../../core/image/types.ts";
import { sizeText } from "../../core/screen/format.ts";
import { markNtfs } from "./shrink-ntfs.ts";
import { openVolumes } from "./shrink-volumes.ts";
import type { Shrinkable, ShrinkVolume, ShrinkWork } from "./shrink-work.ts";
import { requireWhole, shrinkables } from "./shrinkable.ts";
import { SparseFile } from "./sparse-file.ts";

export interface ShrinkOptions {
  /** What the image holds, in a file of the disk's size. */
  readonly path: string;
  readonly manifest: Pick<Manifest, "diskBytes" | "logicalSector" | "partitions">;
  readonly targetBytes: number;
  /** Its reason is what the work rejects with. */
  readonly signal: AbortSignal;
  /** Each step, in words. */
  log(text: string): void;
  /** Of what is moved, in bytes. */
  progress(done: number, total: number): void;
  /** The smallest disk that the image can be made to fit, as soon as that is known. */
  leastFound(bytes: number): Promise<void>;
}

type Places = ReadonlyMap<number, SqueezePlace>;

/** What can become smaller, by the partition's index, and why others keep their sizes. */
interface Asked {
  readonly shrinkables: ReadonlyMap<number, Shrinkable>;
  readonly reasons: readonly string[];
}

/** The table as it was made for the former disk, and what of the disk it leaves to no partition. */
interface FoundTable {
  readonly table: PartitionTable;
  readonly tailBytes: number;
}

/**
 * Answers the NTFS that have become smaller: `letWindowsCheck` them. Rejects with `refused` when the image
 * cannot be made to fit, before anything is laid out, with the smallest size that it can be; with
 * `no-space`, and with `failed`.
 */
export async function shrinkDisk(options: ShrinkOptions): Promise<readonly ShrinkVolume[]> {
  const { path, manifest, targetBytes, signal, log } = options;
  await using file = await SparseFile.open(path);
  const work: ShrinkWork = { file, logicalSector: manifest.logicalSector, signal, log };
  const found = await soundTable(options, file);
  const asked = await askEach(manifest.partitions, work);
  const places = await placesFor(options, found, asked);
  const changed = manifest.partitions.filter((each) => hasChanged(each, places));
  for (const record of changed) await shrinkOne(record, placeOf(record, places), asked, work);
  await moveEach(options, { file, places, table: found.table });
  await file.setSize(targetBytes);
  await rewriteTable(options, { file, places, table: found.table });
  await file.sync();
  const volumes = changed.map((record) => volumeOf(record, placeOf(record, places)));
  for (const volume of volumes) await requireWhole(work, volume);
  return volumes.filter(
    ({ fs, size }, at) => fs === "ntfs" && size < (changed[at] as PartitionRecord).size,
  );
}

/** Has Windows check, at its next start, what was made smaller. To be called when used blocks are mapped. */
export async function letWindowsCheck(
  { path, manifest, signal, log }: Omit<ShrinkOptions, "targetBytes" | "progress" | "leastFound">,
  volumes: readonly ShrinkVolume[],
): Promise<void> {
  await using file = await SparseFile.open(path);
  const work: ShrinkWork = { file, logicalSector: manifest.logicalSector, signal, log };
  for (const volume of volumes) await markNtfs(work, volume, "to be checked");
  await file.sync();
}

const placeOf = ({ index }: { readonly index: number }, places: Places): SqueezePlace =>
  places.get(index) as SqueezePlace;

const hasChanged = (
  record: Pick<PartitionRecord, "index" | "start" | "size">,
  places: Places,
): boolean => {
  const { start, size } = placeOf(record, places);
  return start !== record.start || size !== record.size;
};

const volumeOf = ({ index, fs }: PartitionRecord, place: SqueezePlace): ShrinkVolume => ({
  ...place,
  what: `partition ${index}`,
  fs: fs ?? "",
});

const cannot = (why: string, next: string): RoomcastError =>
  new RoomcastError("refused", `the image cannot be made to fit a smaller disk: ${why}`, next);

/** Whole, as a disk of the former size has it. */
async function soundTable({ manifest }: ShrinkOptions, file: SparseFile): Promise<FoundTable> {
  const { diskBytes, logicalSector } = manifest;
  const source = tableSource(file, diskBytes, logicalSector);
  const next = "make the partitions smaller on the master, and capture it again";
  const refit = await refitTable(source, { formerBytes: diskBytes, places: [] });
  if (!refit.ok) throw cannot(refit.reason, next);
  const { writes, rigid, endBytes } = refit.value;
  if (rigid !== null) throw cannot(rigid, next);
  await put(file, writes);
  const table = await readPartitionTable(source);
  const [doubtful] = table.doubtful;
  if (doubtful !== undefined) {
    throw cannot(`partition ${doubtful} lies over another one, or over the partition table`, next);
  }
  const isSame = (one: TablePartition): boolean =>
    manifest.partitions.some(
      ({ index, start, size }) => index === one.index && start === one.start && size === one.size,
    );
  if (table.partitions.length !== manifest.partitions.length || !table.partitions.every(isSame)) {
    throw cannot("its partition table is not what it was when it was captured", next);
  }
  const usable = Math.floor(diskBytes / logicalSector) * logicalSector;
  return { table, tailBytes: table.kind === "gpt" ? usable - endBytes : 0 };
}

const tableSource = (file: SparseFile, diskBytes: number, logicalSector: number): TableSource => ({
  diskBytes,
  logicalSector,
  read: (offset, length) => file.read(offset, length),
});

async function put(file: SparseFile, writes: readonly TableWrite[]): Promise<void> {
  for (const { offset, data } of writes) await file.write(offset, data);
}

async function askEach(partitions: readonly PartitionRecord[], work: ShrinkWork): Promise<Asked> {
  const found = new Map<number, Shrinkable>();
  const reasons: string[] = [];
  const order = shrinkOrder(partitions);
  for (const record of partitions) {
    const { index, fs } = record;
    // XFS is asked as well: it says what can be done.
    const open = fs === "LVM2_member" ? openVolumes : shrinkables[fs ?? ""];
    if (open === undefined || (fs !== "xfs" && !order.includes(index))) continue;
    const opened = await open(volumeOf(record, record), work);
    if (opened.ok) found.set(index, opened.value);
    reasons.push(...(opened.ok ? opened.value.reasons : [opened.reason]));
  }
  return { shrinkables: found, reasons };
}

async function placesFor(
  options: ShrinkOptions,
  { table, tailBytes }: FoundTable,
  { shrinkables, reasons }: Asked,
): Promise<Places> {
  const { manifest, targetBytes, leastFound } = options;
  const { partitions, logicalSector: sector } = manifest;
  const planned = (endBytes: number) => {
    const least = new Map([...shrinkables].map(([index, each]) => [index, each.least]));
    return planShrink({ table, partitions, endBytes, least });
  };
  const leastDisk = async (): Promise<number> => {
    const none = planned(0);
    assert(none.kind === "too-large", "partitions take room");
    const bytes = Math.ceil((none.leastEnd + tailBytes) / sector) * sector;
    await leastFound(bytes);
    return bytes;
  };
  for (;;) {
    const plan = planned(Math.floor(targetBytes / sector) * sector - tailBytes);
    if (plan.kind === "too-large") {
      const stuck = stuckIn(table, partitions, shrinkables);
      throw tooSmall(targetBytes, await leastDisk(), [...reasons, ...stuck]);
    }
    let areReached = true;
    for (const record of partitions) {
      const { size } = placeOf(record, plan.places);
      if (size === record.size) continue;
      areReached = ((await shrinkables.get(record.index)?.reaches(size)) ?? false) && areReached;
    }
    if (areReached) {
      await leastDisk();
      return plan.places;
    }
  }
}

/** What cannot move down behind those that can be made smaller. */
function stuckIn(
  table: PartitionTable,
  partitions: readonly PartitionRecord[],
  shrinkables: Asked["shrinkables"],
): string[] {
  const first = Math.min(
    ...partitions.filter(({ index }) => shrinkables.has(index)).map(({ start }) => start),
  );
  return partitions.flatMap((partition) => {
    const why = partition.start > first ? stuckReason(partition, table) : null;
    return why === null ? [] : [`partition ${partition.index} ${why}, and keeps its place`];
  });
}

function tooSmall(
  targetBytes: number,
  leastBytes: number,
  reasons: readonly string[],
): RoomcastError {
  const why = reasons.length === 0 ? "" : ` (${reasons.join("; ")})`;
  return new RoomcastError(
    "refused",
    `the image does not fit ${sizeText(targetBytes)}: the smallest this image can be is ${sizeText(leastBytes)}, ${leastBytes} bytes${why}`,
    "choose a disk of that size, or free space on the master and capture it again",
  );
}

async function shrinkOne(
  record: PartitionRecord,
  { size }: SqueezePlace,
  { shrinkables }: Asked,
  { log }: ShrinkWork,
): Promise<void> {
  if (size === record.size) return;
  const { index } = record;
  log(
    `partition ${index}, ${contentText(record)}: from ${sizeText(record.size)} to ${sizeText(size)}`,
  );
  await shrinkables.get(index)?.shrink(size);
}

interface Laid {
  readonly file: SparseFile;
  readonly places: Places;
  readonly table: PartitionTable;
}

/** What moves, from the first to the last; and zeros where nothing is from now on. */
async function moveEach(options: ShrinkOptions, { file, places, table }: Laid): Promise<void> {
  const { manifest, targetBytes, signal, log, progress } = options;
  const { extended } = table;
  const isEmptyFrame = extended !== null && !manifest.partitions.some(({ index }) => index >= 5);
  const units = [...manifest.partitions, ...(isEmptyFrame ? [extended] : [])]
    .map(({ index, start, size }) => ({
      index,
      from: start,
      was: size,
      ...placeOf({ index }, places),
    }))
    .sort((a, b) => a.from - b.from);
  const moved = units.filter(({ from, start }) => from !== start);
  const total = moved.reduce(
    (sum, { from, size }) => sum + file.dataBytes({ start: from, length: size }),
    0,
  );
  let done = 0;
  for (const { index, from, start: to, size } of moved) {
    log(`partition ${index} moves down by ${sizeText(from - to)}`);
    await file.moveDown({ from, to, size }, signal, (bytes) => {
      done += bytes;
      progress(done, total);
    });
    const source = { logicalSector: manifest.logicalSector, read: file.read.bind(file) };
    await put(file, await hiddenSectorWrites(source, { from, to, size }));
  }
  const changed = units.filter(({ from, was, start, size }) => from !== start || was !== size);
  let at = Math.min(targetBytes, ...changed.map(({ start, size }) => start + size));
  for (const { start, size } of units) {
    await file.clear({ start: at, length: start - at });
    at = Math.max(at, start + size);
  }
  await file.clear({ start: at, length: targetBytes - at });
}

async function rewriteTable(
  { manifest, targetBytes }: ShrinkOptions,
  { file, places, table }: Laid,
): Promise<void> {
  const { diskBytes, logicalSector, partitions } = manifest;
  const source = tableSource(file, targetBytes, logicalSector);
  const wanted = table.partitions.map((each) => ({ ...each, ...placeOf(each, places) }));
  const writes: Decoded<readonly TableWrite[]> =
    table.kind === "mbr"
      ? partitions.some((each) => hasChanged(each, places))
        ? relaidMbr(await file.read(0, logicalSector), table, places, logicalSector)
        : { ok: true, value: [] }
      : await refitGptTo(source, { formerBytes: diskBytes, places: wanted });
  if (!writes.ok) {
    const next = "make the partitions smaller on the master, and capture it again";
    throw cannot(writes.reason, next);
  }
  await put(file, writes.value);
  const read = await readPartitionTable(source);
  const textOf = (found: PartitionTable["partitions"]): string =>
    found.map(({ index, type, start, size }) => [index, type, start, size].join(" ")).join("\n");
  assert(textOf(read.partitions) === textOf(wanted), "the new table says what was planned");
}

async function refitGptTo(
  source: TableSource,
  request: Parameters<typeof refitTable>[1],
): Promise<Decoded<readonly TableWrite[]>> {
  const refit = await refitTable(source, request);
  return refit.ok ? { ok: true, value: refit.value.writes } : refit;
}
