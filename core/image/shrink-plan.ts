/**
 * How the partitions of an image are laid out on a smaller disk: which ones become smaller, and where
 * those behind them go. Numbers, types, names, GUIDs and the order stay.
 */
import type { Decoded } from "../errors.ts";
import type { TablePartition } from "./found-table.ts";
import { isInside, isRecovery, isSystem, stuckReason } from "./layout.ts";
import { ebrChain, mbrSector } from "./mbr-writer.ts";
import type { PartitionTable } from "./partition-table.ts";
import type { DumpedPartition } from "./sfdisk-dump.ts";
import { type SqueezePlace, type SqueezeUnit, squeeze } from "./squeeze.ts";
import type { TableWrite } from "./table-write.ts";
import type { PartitionRecord } from "./types.ts";

export type ShrinkPartition = Pick<PartitionRecord, "index" | "type" | "fs" | "start" | "size">;

export interface ShrinkRequest {
  readonly table: PartitionTable;
  readonly partitions: readonly ShrinkPartition[];
  /** The first byte that the table of the smaller disk leaves to no partition. */
  readonly endBytes: number;
  /** Bytes that partitions need at least, by index; what is not in it keeps its size. */
  readonly least: ReadonlyMap<number, number>;
}

export type ShrinkPlan =
  | {
      readonly kind: "fits";
      /** Of all partitions, and of the extended one, by index. */
      readonly places: ReadonlyMap<number, SqueezePlace>;
    }
  /** `leastEnd`: the smallest `endBytes` that would do. */
  | { readonly kind: "too-large"; readonly leastEnd: number };

/** Starts stay where they are on it, as chunks do: what has moved has the same chunks as before. */
const gridBytes = 1 << 20;
/** By blkid's name. */
const shrinkable = new Set(["ext2", "ext3", "ext4", "btrfs", "ntfs", "LVM2_member"]);

/** Indexes of partitions that may become smaller: systems and data, the largest first, then swap. */
export function shrinkOrder(partitions: readonly ShrinkPartition[]): number[] {
  const bySize = partitions.toSorted((a, b) => b.size - a.size || a.index - b.index);
  const own = bySize.filter(({ type, fs }) => !isSystem(type) && shrinkable.has(fs ?? ""));
  const swap = bySize.filter(({ fs }) => fs === "swap");
  return [...own, ...swap].map(({ index }) => index);
}

export function planShrink(request: ShrinkRequest): ShrinkPlan {
  const { table, partitions, endBytes, least } = request;
  const { extended } = table;
  const units = unitsOf(request);
  const order = shrinkOrder(partitions).filter((index) => least.has(index));
  const squeezed = squeeze({ units, order, endBytes, gridBytes });
  if (squeezed.kind === "too-large" || extended === null) return squeezed;
  const frame = frameOf(extended, squeezed.places, request);
  return { kind: "fits", places: new Map([...squeezed.places, [extended.index, frame]]) };
}

const isLogical = ({ index, ...place }: TablePartition, { extended }: PartitionTable): boolean =>
  extended !== null && index >= 5 && isInside(place, extended);

/** In the order of the disk. An extended partition with nothing in it moves as it is. */
function unitsOf({ table, partitions, least }: ShrinkRequest): SqueezeUnit[] {
  const { extended } = table;
  const byStart = partitions.toSorted((a, b) => a.start - b.start);
  const inPlace = windowsOnMbr(table, partitions);
  let end = 0;
  let hasLogical = false;
  const units = byStart.map((partition): SqueezeUnit => {
    const { index, start, size } = partition;
    const isInFrame = isLogical(partition, table);
    // Before a logical partition there is its EBR; before the first one the extended one begins as well.
    const before = extended !== null && isInFrame ? Math.max(end, extended.start) : start;
    const lead = Math.min(start - before, gridBytes);
    if (isInFrame) hasLogical = true;
    end = start + size;
    const isFixed = stuckReason(partition, table) !== null || index === inPlace;
    return { key: index, start, size, least: least.get(index) ?? size, lead, isFixed };
  });
  if (extended === null || hasLogical) return units;
  const { index, start, size } = extended;
  return [...units, { key: index, start, size, least: size, lead: 0, isFixed: false }].sort(
    (a, b) => a.start - b.start,
  );
}

/** On an MBR, Windows' boot configuration names its partition by the disk's signature and the place. */
function windowsOnMbr(
  { kind }: PartitionTable,
  partitions: readonly ShrinkPartition[],
): number | null {
  if (kind !== "mbr") return null;
  const [largest] = partitions
    .filter(({ fs, type }) => fs === "ntfs" && !isRecovery(type))
    .toSorted((a, b) => b.size - a.size);
  return largest?.index ?? null;
}

/** From the EBR of its first logical partition to where it ended, if that is free, else to its last one's end. */
function frameOf(
  extended: TablePartition,
  places: ReadonlyMap<number, SqueezePlace>,
  { table, partitions, endBytes }: ShrinkRequest,
): SqueezePlace {
  const whole = places.get(extended.index);
  if (whole !== undefined) return whole;
  const placeOf = ({ index }: ShrinkPartition): SqueezePlace => places.get(index) as SqueezePlace;
  const inside = partitions
    .filter((each) => isLogical(each, table))
    .toSorted((a, b) => a.start - b.start);
  const first = inside[0] as ShrinkPartition;
  const start = placeOf(first).start - Math.min(first.start - extended.start, gridBytes);
  const end = Math.max(...inside.map((each) => placeOf(each).start + placeOf(each).size));
  const behind = partitions
    .filter((each) => each.start >= extended.start + extended.size)
    .map((each) => placeOf(each).start);
  const formerEnd = extended.start + extended.size;
  const hasMoved =
    placeOf(first).start !== first.start || formerEnd > Math.min(endBytes, ...behind);
  return hasMoved ? { start, size: end - start } : { start: extended.start, size: extended.size };
}

/** The MBR and the EBRs for these places. Fails when the chain of logical partitions is an odd one. */
export function relaidMbr(
  first: Uint8Array,
  table: PartitionTable,
  places: ReadonlyMap<number, SqueezePlace>,
  logicalSector: number,
): Decoded<TableWrite[]> {
  const { extended, active } = table;
  const all = [...table.partitions, ...(extended === null ? [] : [extended])];
  const partitions = all.map(({ index, type }): DumpedPartition => {
    const { start, size } = places.get(index) as SqueezePlace;
    const sectors = { start: start / logicalSector, count: size / logicalSector };
    return { index, device: "", type, isBootable: active.has(index), ...sectors };
  });
  const chain = ebrChain(partitions, logicalSector);
  if (chain === null) {
    return { ok: false, reason: "its chain of logical partitions is in an unusual order" };
  }
  return { ok: true, value: [...chain, { offset: 0, data: mbrSector(first, partitions) }] };
}
