/** LVM made smaller: file systems, the logical volumes that they are in, and the physical volume below. */
import { assert, type Decoded, RoomcastError } from "../../core/errors.ts";
import type { Extent } from "../../core/image/extents.ts";
import { inOnePiece, type PhysicalVolume, readPhysicalVolume } from "../../core/image/lvm.ts";
import { groupWrites, readGroup, roomOf, type VolumeGroup } from "../../core/image/lvm-group.ts";
import {
  type Squeezed,
  type SqueezePlace,
  type SqueezeUnit,
  squeeze,
} from "../../core/image/squeeze.ts";
import { runTool } from "../disk/tool.ts";
import { type Shrinkable, type ShrinkVolume, type ShrinkWork, sourceIn } from "./shrink-work.ts";
import { requireWhole, shrinkables } from "./shrinkable.ts";

/** A logical volume, or a part of one that keeps its place. */
interface Piece {
  readonly unit: SqueezeUnit;
  readonly volume: ShrinkVolume;
  readonly name: string;
  /** null: it keeps its size. */
  readonly shrinkable: Shrinkable | null;
}

/** Fails with the reason for which the physical volume keeps its size. */
export async function openVolumes(
  volume: ShrinkVolume,
  work: ShrinkWork,
): Promise<Decoded<Shrinkable>> {
  const { what, size } = volume;
  const source = sourceIn(work, volume);
  const left = (reason: string): Decoded<Shrinkable> => ({
    ok: false,
    reason: `${what} (LVM) keeps its size: ${reason}`,
  });
  const physical = await readPhysicalVolume(source);
  if (!physical.ok) return left(physical.reason);
  const group = await readGroup(source);
  if (!group.ok) return left(group.reason);
  const rewritten = groupWrites(group.value, size, []);
  if (!rewritten.ok) return left(rewritten.reason);
  const found = await piecesOf(physical.value, group.value, volume, work);
  return { ok: true, value: new Volumes({ group: group.value, volume, work, ...found }) };
}

async function piecesOf(
  { logicalVolumes }: PhysicalVolume,
  group: VolumeGroup,
  pv: ShrinkVolume,
  work: ShrinkWork,
): Promise<{ pieces: Piece[]; reasons: string[] }> {
  const pieces: Piece[] = [];
  const reasons: string[] = [];
  const add = async (name: string, { start, length }: Extent, isWhole: boolean): Promise<void> => {
    const place = { start: pv.start + start, size: length };
    const fs = isWhole ? await probed(place, work) : "";
    const volume = { ...place, what: `volume ${group.name}/${name}`, fs };
    const opened = (await shrinkables[fs]?.(volume, work)) ?? null;
    if (opened?.ok === false) reasons.push(opened.reason);
    const unit: SqueezeUnit = {
      key: pieces.length,
      start: start - group.start,
      size: length,
      least: length,
      lead: 0,
      isFixed: !isWhole,
    };
    pieces.push({ name, volume, unit, shrinkable: opened?.ok ? opened.value : null });
  };
  for (const each of logicalVolumes) {
    const whole = each.isLinear ? inOnePiece(each) : null;
    if (whole !== null) await add(each.name, whole, true);
    else for (const part of each.parts) await add(each.name, part, false);
  }
  pieces.sort((a, b) => a.unit.start - b.unit.start);
  return { pieces, reasons };
}

/** By blkid; nothing when it knows none. */
async function probed(
  { start, size }: SqueezePlace,
  { file, signal }: ShrinkWork,
): Promise<string> {
  const place = ["-O", String(start), "-S", String(size)];
  const args = ["-p", ...place, "-s", "TYPE", "-o", "value", file.path];
  return (await runTool("blkid", args, signal)).output.trim();
}

class Volumes implements Shrinkable {
  private readonly group: VolumeGroup;
  private readonly volume: ShrinkVolume;
  private readonly work: ShrinkWork;
  private readonly pieces: readonly Piece[];
  /** Why volumes keep their sizes, in words. */
  readonly reasons: readonly string[];

  constructor(opened: {
    group: VolumeGroup;
    volume: ShrinkVolume;
    work: ShrinkWork;
    pieces: readonly Piece[];
    reasons: readonly string[];
  }) {
    this.group = opened.group;
    this.volume = opened.volume;
    this.work = opened.work;
    this.pieces = opened.pieces;
    this.reasons = opened.reasons;
  }

  get least(): number {
    const planned = this.plan(0);
    const end = planned.kind === "too-large" ? planned.leastEnd : 0;
    return Math.min(this.volume.size, this.group.start + end);
  }

  async reaches(bytes: number): Promise<boolean> {
    for (;;) {
      const planned = this.plan(bytes);
      if (planned.kind === "too-large") return false;
      let areReached = true;
      for (const { unit, shrinkable } of this.pieces) {
        const { size } = placeIn(planned.places, unit);
        if (size === unit.size || shrinkable === null) continue;
        areReached = (await shrinkable.reaches(size)) && areReached;
      }
      if (areReached) return true;
    }
  }

  async shrink(bytes: number): Promise<void> {
    const { group, volume, work } = this;
    const planned = this.plan(bytes);
    assert(planned.kind === "fits", "it was found to reach this size");
    const moved: ShrinkVolume[] = [];
    const changed = [];
    for (const { name, unit, volume: own, shrinkable } of this.pieces) {
      const place = placeIn(planned.places, unit);
      if (place.start === unit.start && place.size === unit.size) continue;
      if (place.size < unit.size) await shrinkable?.shrink(place.size);
      const to = volume.start + group.start + place.start;
      await work.file.moveDown({ from: own.start, to, size: place.size }, work.signal, () => {});
      changed.push({ name, ...place });
      moved.push({ ...own, start: to, size: place.size });
    }
    const end = group.start + roomOf(group, bytes);
    await work.file.clear({ start: volume.start + end, length: volume.size - end });
    const writes = groupWrites(group, bytes, changed);
    if (!writes.ok) {
      const next = "choose a size that leaves the partition with LVM as it is";
      throw new RoomcastError("failed", `${volume.what}: ${writes.reason}`, next);
    }
    for (const { offset, data } of writes.value) {
      await work.file.write(volume.start + offset, data);
    }
    await work.file.sync();
    for (const each of moved) await requireWhole(work, each);
  }

  private plan(bytes: number): Squeezed {
    const { group, pieces } = this;
    const able = pieces.filter(({ shrinkable }) => shrinkable !== null);
    const order = able.toSorted(
      (a, b) =>
        Number(a.volume.fs === "swap") - Number(b.volume.fs === "swap") ||
        b.unit.size - a.unit.size,
    );
    return squeeze({
      units: pieces.map(({ unit, shrinkable }) => ({
        ...unit,
        least: shrinkable === null ? unit.size : Math.min(unit.size, shrinkable.least),
      })),
      order: order.map(({ unit }) => unit.key),
      endBytes: roomOf(group, bytes),
      gridBytes: group.extentBytes,
    });
  }
}

const placeIn = (places: ReadonlyMap<number, SqueezePlace>, { key }: SqueezeUnit): SqueezePlace =>
  places.get(key) as SqueezePlace;
