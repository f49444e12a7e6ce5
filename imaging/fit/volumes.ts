/**
 * LVM on the partition that has grown: its largest logical volume takes the room, and small ones behind it
 * move to the end. All of it is done on this one device, by our own hands: no volume group is ever made
 * known to the kernel, whatever other disks or duplicates of this one say of theirs.
 */
import { RoomcastError } from "../../core/errors.ts";
import { type Extent, within } from "../../core/image/extents.ts";
import { inOnePiece, type PhysicalVolume, readPhysicalVolume } from "../../core/image/lvm.ts";
import { groupWrites, readGroup, roomOf, type VolumePlace } from "../../core/image/lvm-group.ts";
import { spread, type Unit, type UnitMove } from "../../core/image/spread.ts";
import { noRoom, type TableWrite } from "../../core/image/table-write.ts";
import { sizeText } from "../../core/screen/format.ts";
import { alignedBuffer, type Disk, openDisk, sourceOf } from "../disk/disk.ts";
import { partitionDevice } from "../disk/partition-device.ts";
import { runTool } from "../disk/tool.ts";
import { signaturePlaces } from "../restore/old-signatures.ts";
import { growers } from "./file-system.ts";
import { emptyPlaces, moveTo, put } from "./move.ts";

export interface VolumesOptions {
  /** The partition. */
  readonly device: string;
  /** What the image has of it, from its start. */
  readonly used: readonly Extent[];
  readonly signal: AbortSignal;
}

interface Said {
  readonly value: undefined;
  readonly result?: "left";
  readonly detail: string;
}

/** What is moved is read, written, and read back. */
const moveLimit = 20 * 2 ** 30;

/** What was done, or why nothing was. */
export async function growVolumes(options: VolumesOptions): Promise<Said> {
  const { device, signal } = options;
  const outcome = await (async () => {
    await using disk = await openDisk(device, { write: true });
    const fileSystemOf = (place: Extent) => probed(options, place);
    return await growVolume(disk, { ...options, fileSystemOf });
  })();
  if (typeof outcome === "string") {
    const detail = `the logical volumes keep their sizes: ${outcome}`;
    return { value: undefined, result: "left", detail };
  }
  const { name, fs, place, former, moved } = outcome;
  const part = await partitionDevice(device, { ...place, index: 1 }, { write: true, signal });
  let refusal: string | null = "the kernel shows no device for it";
  if (part !== null) {
    try {
      refusal = (await growers[fs]?.(part.path, signal)) ?? null;
    } finally {
      await part.release();
    }
  }
  const moves = moved.length === 0 ? "" : `, ${moved.join(", ")} moved to the end`;
  const sizes = `from ${sizeText(former)} to ${sizeText(place.size)}`;
  const detail = `logical volume ${name} grown ${sizes}${moves}`;
  if (refusal === null) return { value: undefined, detail: `${detail}, with its ${fs}` };
  return {
    value: undefined,
    result: "left",
    detail: `${detail}; its ${fs} keeps its size: ${refusal}`,
  };
}

export interface Grown {
  readonly name: string;
  readonly fs: string;
  /** On the device. */
  readonly place: { readonly start: number; readonly size: number };
  readonly former: number;
  /** Names. */
  readonly moved: readonly string[];
}

/** A volume that lies in one piece. */
interface Piece {
  readonly name: string;
  readonly unit: Unit;
  readonly fs: string | null;
}

/** All that lies where extents are, and what of it is whole volumes. */
interface Contents {
  readonly units: readonly Unit[];
  readonly pieces: readonly Piece[];
}

interface VolumeOptions extends Pick<VolumesOptions, "used" | "signal"> {
  /** As blkid names it; null when it knows none. */
  fileSystemOf(place: Extent): Promise<string | null>;
}

/** Metadata and moves, or why not; `disk` is the physical volume. */
export async function growVolume(disk: Disk, options: VolumeOptions): Promise<Grown | string> {
  const source = sourceOf(disk);
  const physical = await readPhysicalVolume(source);
  const group = await readGroup(source);
  if (!physical.ok) return physical.reason;
  if (!group.ok) return group.reason;
  const rewritten = groupWrites(group.value, disk.size, []);
  if (!rewritten.ok) return rewritten.reason;
  const { name, start, extentBytes } = group.value;
  const { units, pieces } = await contentsOf(physical.value, start, options);
  const [largest] = pieces
    .filter(({ fs }) => fs !== "swap")
    .sort((one, other) => other.unit.size - one.unit.size);
  if (largest === undefined) return "none of them is linear and in one piece";
  const { unit: elastic, fs } = largest;
  if (fs === null || !Object.hasOwn(growers, fs)) {
    return `${largest.name} has ${fs ?? "nothing that is known"}, which is left as it is`;
  }
  const endBytes = roomOf(group.value, disk.size);
  const found = spread({ units, elastic, endBytes, gridBytes: extentBytes });
  if (found.kind === "no-room") return noRoom;
  if (found.kind === "blocked") {
    const other = pieces.find(({ unit }) => unit === found.unit);
    return `${other?.name ?? "what stands"} behind ${largest.name} ${found.why}`;
  }
  const moved: string[] = [];
  for (const move of found.moves) {
    const piece = pieces.find(({ unit }) => unit.key === move.key) as Piece;
    await moveVolume(disk, { ...move, name: piece.name, areaStart: start }, options);
    moved.push(piece.name);
  }
  const size = found.end - elastic.start;
  const place = { start: start + elastic.start, size };
  const added = { start: place.start + elastic.size, length: size - elastic.size };
  await emptyPlaces(disk, within(signaturePlaces(place.start, size), added));
  await commit(disk, { name: largest.name, start: elastic.start, size });
  return { name: `${name}/${largest.name}`, fs, place, former: elastic.size, moved };
}

async function contentsOf(
  { logicalVolumes }: PhysicalVolume,
  areaStart: number,
  { fileSystemOf }: VolumeOptions,
): Promise<Contents> {
  const pieces: Piece[] = [];
  const units: Unit[] = [];
  const add = ({ start, length }: Extent, fixed: string | null): Unit => {
    const unit = { key: units.length, start: start - areaStart, size: length, fixed };
    units.push(unit);
    return unit;
  };
  for (const volume of logicalVolumes) {
    const whole = volume.isLinear ? inOnePiece(volume) : null;
    if (whole === null) {
      const fixed = `belongs to ${volume.name}, which is not linear or lies in several pieces`;
      for (const part of volume.parts) add(part, fixed);
      continue;
    }
    const fs = await fileSystemOf(whole);
    const isLarge = whole.length > moveLimit && fs !== "swap";
    const unit = add(whole, isLarge ? "is too large to be moved" : null);
    pieces.push({ name: volume.name, unit, fs });
  }
  return { units, pieces };
}

async function moveVolume(
  disk: Disk,
  move: UnitMove & { readonly name: string; readonly areaStart: number },
  { used, signal }: VolumeOptions,
): Promise<void> {
  const { name, areaStart, from, to, size } = move;
  const place = { start: areaStart + from, length: size };
  await moveTo({
    disk,
    from: place.start,
    to: areaStart + to,
    size,
    inside: [{ start: place.start, size }],
    used: within(used, place),
    signal,
    amend: async () => [],
    point: () => commit(disk, { name, start: to, size }),
  });
}

/** A new text, with the volume at this place, on the disk. */
async function commit(disk: Disk, place: VolumePlace): Promise<void> {
  const found = await readGroup(sourceOf(disk));
  const writes = found.ok ? groupWrites(found.value, disk.size, [place]) : found;
  if (!writes.ok) {
    const next = "restore to a disk of the master's size";
    throw new RoomcastError("failed", `the volume group cannot be changed: ${writes.reason}`, next);
  }
  await put(disk, await inSectors(disk, writes.value));
}

/** LVM writes sectors of 512 bytes; the disk's may be larger. */
async function inSectors(disk: Disk, writes: readonly TableWrite[]): Promise<TableWrite[]> {
  const { logicalSector: sector } = disk;
  const whole: TableWrite[] = [];
  for (const { offset, data } of writes) {
    const start = offset - (offset % sector);
    const out = alignedBuffer(Math.ceil((offset - start + data.length) / sector) * sector);
    await disk.read(start, out);
    // Two that lie in one sector: the later one has what the earlier one wrote.
    for (const earlier of whole) {
      const from = Math.max(earlier.offset, start);
      const to = Math.min(earlier.offset + earlier.data.length, start + out.length);
      if (from < to) {
        out.set(earlier.data.subarray(from - earlier.offset, to - earlier.offset), from - start);
      }
    }
    out.set(data, offset - start);
    whole.push({ offset: start, data: out });
  }
  return whole;
}

/** By blkid. */
async function probed(
  { device, signal }: VolumesOptions,
  { start, length }: Extent,
): Promise<string | null> {
  const place = ["-O", String(start), "-S", String(length)];
  const args = ["-p", ...place, "-s", "TYPE", "-o", "value", device];
  const { status, output } = await runTool("blkid", args, signal);
  const fs = output.trim();
  return status === 0 && fs !== "" ? fs : null;
}
