/**
 * How the partitions of an image are laid out on a larger disk: which one takes the room, and which
 * small ones behind it move to the end. Numbers, types, names, GUIDs and the order stay.
 */
import type { GrowMode } from "../wire/rooms.ts";
import type { TablePartition } from "./found-table.ts";
import type { PartitionTable } from "./partition-table.ts";
import { type Spread, spread, type Unit, type UnitMove } from "./spread.ts";
import { noRoom } from "./table-write.ts";
import type { PartitionRecord } from "./types.ts";

export type LayoutPartition = Pick<PartitionRecord, "index" | "type" | "fs" | "start" | "size">;

export interface LayoutRequest {
  readonly table: Pick<PartitionTable, "extended" | "active" | "doubtful">;
  readonly partitions: readonly LayoutPartition[];
  /** The first byte that the table leaves to no partition. */
  readonly endBytes: number;
  readonly grow: GrowMode;
}

/** The move of a partition, or of the extended one with all that is in it. */
export interface PartitionMove {
  readonly index: number;
  readonly from: number;
  readonly to: number;
  readonly size: number;
}

export interface Layout {
  /** In the order in which they have to be made, each with a table of its own. */
  readonly moves: readonly PartitionMove[];
  /** The partition that takes the room, at its new size. */
  readonly grown: TablePartition | null;
  /** Why no partition grows, or why a larger one than `grown` does not; null: there is nothing to say. */
  readonly left: string | null;
}

/** Starts and ends of partitions are put on this grid, as every partitioner does. */
const gridBytes = 1 << 20;
/** What is moved is read, written, and read back: 20 GiB take some minutes. Recovery of a PC's maker is as large. */
const moveLimit = 20 * 2 ** 30;
/** Beside a larger partition, a smaller one than this is no system but `/boot` and the like. */
const systemBytes = 4 * 2 ** 30;

/** By blkid's name: file systems, and LVM, that can take more room. */
const elastic = new Set(["ext2", "ext3", "ext4", "xfs", "btrfs", "ntfs", "LVM2_member"]);
/** Nothing in them says where on the disk they lie, but for the boot sector's field in NTFS and FAT. */
const movable = new Set([...elastic, "vfat", "swap", "crypto_LUKS"]);

const recovery = new Set(["de94bba4-06d1-4d40-a16a-bfd50179d6ac", "0x27", "0x12"]);
/** Nothing is in it. */
export const microsoftReserved = "e3c9e316-0b5c-4db8-817d-f92df00215ae";
export const efiSystem = new Set(["c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "0xef"]);
/** GRUB's core image, which the MBR's code finds by its sector. */
export const biosBoot = "21686148-6449-6e6f-744e-656564454649";
/** That and PReP, which the firmware finds by its sector. */
const bootCode = new Set([biosBoot, "9e1a2d38-c612-4316-aa26-8b49521e5a8b", "0x41"]);

export function planLayout(request: LayoutRequest): Layout {
  const { partitions, grow } = request;
  const left = (reason: string): Layout => ({ moves: [], grown: null, left: reason });
  if (grow === "none") return left("the room says that nothing grows");
  const byEnd = partitions.toSorted((a, b) => a.start + a.size - b.start - b.size);
  const last = byEnd.at(-1);
  if (last === undefined) return left("there is no partition");
  if (grow === "last") {
    const why = whyNot(last);
    return why === null ? spreadOver(last, request) : left(why);
  }
  const bySize = partitions
    .filter(({ type, fs }) => !isSystem(type) && fs !== "swap")
    .toSorted((a, b) => b.size - a.size || a.index - b.index);
  const largest = bySize[0] ?? last;
  const reasons: string[] = [];
  for (const candidate of bySize) {
    if (candidate !== largest && candidate.size < systemBytes) break;
    const why = whyNot(candidate);
    const layout = why === null ? spreadOver(candidate, request) : left(why);
    if (layout.grown !== null) return { ...layout, left: reasons[0] ?? null };
    reasons.push(layout.left as string);
    // Another one would take what lies between partitions, once more at each restore.
    if (layout.left === noRoom) break;
  }
  return left(reasons[0] ?? (whyNot(last) as string));
}

/** Recovery, and what the firmware or a boot loader has for itself. */
export const isSystem = (type: string): boolean =>
  recovery.has(type) || type === microsoftReserved || efiSystem.has(type) || bootCode.has(type);

/** Why the partition cannot take room, in a sentence, or null. */
function whyNot({ index, type, fs }: LayoutPartition): string | null {
  const what = `partition ${index}`;
  if (recovery.has(type)) return `${what} is Windows' recovery partition`;
  if (isSystem(type)) return `${what} is of the firmware's or the boot loader's own`;
  if (fs === null) return `${what} has no file system that is known`;
  return elastic.has(fs) ? null : `${what} has ${fs}, which is left as it is`;
}

function spreadOver(partition: LayoutPartition, request: LayoutRequest): Layout {
  const { table, endBytes } = request;
  const { index, start, size } = partition;
  const left = (reason: string): Layout => ({ moves: [], grown: null, left: reason });
  if (table.doubtful.has(index)) {
    return left(`partition ${index} lies over another partition or over the partition table`);
  }
  const inFrame = table.extended !== null && index >= 5 && isInside(partition, table.extended);
  const logicalBehind = request.partitions.find((each) => each.index >= 5 && each.start > start);
  if (inFrame && logicalBehind !== undefined) {
    return left(
      `partition ${index} is a logical one, and partition ${logicalBehind.index}, another, is behind it`,
    );
  }
  const units = unitsOf(request);
  const own = units.find(({ key }) => key === (inFrame ? table.extended?.index : index));
  if (own === undefined) return left(`partition ${index} is not in the partition table`);
  const found: Spread = spread({ units, elastic: own, endBytes, gridBytes });
  switch (found.kind) {
    case "no-room":
      return left(noRoom);
    case "blocked":
      return left(
        `partition ${index} keeps its size: partition ${found.unit.key} behind it ${found.why}`,
      );
    case "spread": {
      const grown = { index, type: partition.type, start, size: found.end - start };
      if (grown.size <= size) return left(noRoom);
      return { moves: found.moves.map(moveOf), grown, left: null };
    }
  }
}

const moveOf = ({ key, ...move }: UnitMove): PartitionMove => ({ index: key, ...move });

/** What is moved as a whole: partitions, and the extended one with those in it. */
function unitsOf({ table, partitions }: LayoutRequest): Unit[] {
  const { extended } = table;
  const inside = partitions.filter(
    (each) => extended !== null && each.index >= 5 && isInside(each, extended),
  );
  const units = partitions
    .filter((each) => !inside.includes(each))
    .map(
      (each): Unit => ({
        key: each.index,
        start: each.start,
        size: each.size,
        fixed: fixedReason(each, table) ?? tooLarge([each]),
      }),
    );
  if (extended === null) return units;
  const bound = inside.map((each) => ({ ...each, why: fixedReason(each, table) }));
  const first = bound.find(({ why }) => why !== null);
  const fixed =
    first === undefined ? tooLarge(inside) : `has partition ${first.index}, which ${first.why}`;
  return [...units, { key: extended.index, start: extended.start, size: extended.size, fixed }];
}

export const isRecovery = (type: string): boolean => recovery.has(type);

export const isInside = (
  one: Pick<TablePartition, "start" | "size">,
  other: Pick<TablePartition, "start" | "size">,
): boolean => one.start >= other.start && one.start + one.size <= other.start + other.size;

function fixedReason(partition: LayoutPartition, table: LayoutRequest["table"]): string | null {
  return efiSystem.has(partition.type)
    ? "is where the firmware's boot entries lead to"
    : stuckReason(partition, table);
}

/** Why a partition would not work at another place, in words that follow its name; null: it would. */
export function stuckReason(
  { index, type, fs }: LayoutPartition,
  { active, doubtful }: LayoutRequest["table"],
): string | null {
  if (doubtful.has(index)) return "lies over another partition or over the partition table";
  if (bootCode.has(type)) return "is found by its sector when the PC starts";
  // Its boot code may know its own sectors.
  if (active.has(index)) return "is the one that the PC starts from";
  if (type === microsoftReserved) return null;
  if (fs === null) return "holds what is not known";
  return movable.has(fs) ? null : `has ${fs}, which is not moved`;
}

/** Of swap only the header is moved. */
function tooLarge(partitions: readonly LayoutPartition[]): string | null {
  const bytes = partitions
    .filter(({ fs }) => fs !== "swap")
    .reduce((sum, { size }) => sum + size, 0);
  return bytes > moveLimit ? "is too large to be moved" : null;
}
