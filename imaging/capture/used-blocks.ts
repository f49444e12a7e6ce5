/** Which bytes of a partition are in use: by its file system, or by those in its LVM or BSD slice. */
import { bsdPartitions, freeBsdSlice } from "../../core/image/bsd-label.ts";
import { type ByteSource, partOf, piecesOf } from "../../core/image/byte-source.ts";
import { type Extent, endOf, inPieces, shifted, union } from "../../core/image/extents.ts";
import { isBitLocker } from "../../core/image/file-system-state.ts";
import type { TablePartition } from "../../core/image/found-table.ts";
import { biosBoot, microsoftReserved } from "../../core/image/layout.ts";
import { readPhysicalVolume } from "../../core/image/lvm.ts";
import type { PartitionRecord } from "../../core/image/types.ts";
import type { BlockDevice } from "../../core/ports.ts";
import { sourceOf } from "../disk/disk.ts";
import { partitionDevice } from "../disk/partition-device.ts";
import { runTool } from "../disk/tool.ts";
import { deviceless, fileSystemUse } from "./file-system-use.ts";

export interface FoundUse {
  readonly record: Pick<PartitionRecord, "fs" | "label" | "uuid" | "mode">;
  /** Relative to the partition; null: all of it. */
  readonly used: readonly Extent[] | null;
  readonly warnings: readonly string[];
}

interface Volume {
  /** On the disk, in bytes. */
  readonly start: number;
  readonly size: number;
  /** As in `TablePartition`; -1 for what lies inside of a partition. */
  readonly index: number;
  /** In words, to begin a sentence. */
  readonly what: string;
}

interface Probe {
  readonly raw: boolean;
  readonly signal: AbortSignal;
}

/** Rejects with `refused` when an image of the partition would be wrong, and as `signal` says. */
export async function findUse(
  disk: BlockDevice,
  { start, size, index, type }: TablePartition,
  options: Probe,
): Promise<FoundUse> {
  const what = index === 0 ? "the disk" : `partition ${index}`;
  const volume = { start, size, index, what };
  if (!options.raw && type === freeBsdSlice) {
    const inner = await sliceUse(disk, volume, options);
    if (inner !== null) return inner;
  }
  const found = await volumeUse(disk, volume, options);
  const isBare = found.record.fs === null && bareTypes.has(type);
  return isBare ? { ...found, warnings: [] } : found;
}

/** Hold no file system by what they are for: Microsoft reserved, BIOS boot. They are small. */
const bareTypes: ReadonlySet<string> = new Set([microsoftReserved, biosBoot]);

async function volumeUse(disk: BlockDevice, volume: Volume, options: Probe): Promise<FoundUse> {
  const { what, size } = volume;
  const { raw, signal } = options;
  const device = await partitionDevice(disk.path, volume, { write: false, signal });
  if (device === null) {
    const record = { fs: null, label: null, uuid: null, mode: "raw" } as const;
    return { record, used: null, warnings: [`${what}: no device for it, taken whole`] };
  }
  try {
    const source = partOf(sourceOf(disk), volume.start, size);
    const known = await identify(device.path, source, signal);
    const { fs } = known;
    const whole = (why: string | null): FoundUse => ({
      record: { ...known, mode: "raw" },
      used: null,
      warnings: why === null ? [] : [`${what} (${fs ?? "unknown"}), taken whole: ${why}`],
    });
    if (raw) return whole(null);
    if (fs === null) return whole("it holds no file system that is known");
    if (fs === "LVM2_member") {
      const inner = await lvmUse(disk, { ...volume, source }, options);
      if (typeof inner === "string") return whole(inner);
      const label = known.label ?? inner.name;
      return { ...inner, record: { ...known, label, mode: "used" } };
    }
    const use = await fileSystemUse({ fs, what, device: device.path, source }, signal);
    if (use.used === null) return whole(use.why);
    const warnings = use.doubts.map((doubt) => `${what} (${fs}): ${doubt}`);
    return { record: { ...known, mode: "used" }, used: use.used, warnings };
  } finally {
    await device.release();
  }
}

async function identify(device: string, source: ByteSource, signal: AbortSignal) {
  const probe = await runTool("blkid", ["-p", "-o", "export", device], signal);
  const fields = new Map(
    probe.output.split("\n").map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
  );
  const text = (name: string, limit: number): string | null =>
    fields.get(name)?.replaceAll("\\", "").slice(0, limit) ?? null;
  const isLocked = source.size >= 512 && isBitLocker(await source.read(0, 512));
  return {
    fs: isLocked ? "BitLocker" : text("TYPE", 64),
    label: text("LABEL", 256),
    uuid: text("UUID", 64),
  };
}

interface InnerUse {
  readonly used: readonly Extent[];
  readonly warnings: readonly string[];
}

/** The logical volumes of a physical one, each by what it holds; or why that is unknown. */
async function lvmUse(
  disk: BlockDevice,
  volume: Volume & { readonly source: ByteSource },
  options: Probe,
): Promise<(InnerUse & { readonly name: string }) | string> {
  const decoded = await readPhysicalVolume(volume.source);
  if (!decoded.ok) return decoded.reason;
  const { name, area, logicalVolumes } = decoded.value;
  const used: Extent[] = [...outside(area, volume.size)];
  const warnings: string[] = [];
  for (const { name: volumeName, parts, isLinear } of logicalVolumes) {
    const pieces = joined(parts);
    const what = `${volume.what}, volume ${name}/${volumeName}`;
    const [piece, ...others] = pieces;
    if (!isLinear || piece === undefined) {
      used.push(...pieces);
      warnings.push(`${what}, taken whole: it is not linear`);
    } else if (others.length === 0) {
      const inner = await innerUse(disk, volume, piece, what, options);
      used.push(...inner.used);
      warnings.push(...inner.warnings);
    } else {
      const inner = await deviceless(piecesOf(volume.source, pieces));
      used.push(...(inner === null ? pieces : inPieces(inner, pieces)));
      if (inner === null) warnings.push(`${what}, taken whole: it lies in several pieces`);
    }
  }
  return { name, used: union(used), warnings };
}

/** The partitions of a FreeBSD slice; null when it has no label. */
async function sliceUse(
  disk: BlockDevice,
  volume: Volume,
  options: Probe,
): Promise<FoundUse | null> {
  const decoded = await bsdPartitions(partOf(sourceOf(disk), volume.start, volume.size));
  if (!decoded.ok) return null;
  const used: Extent[] = [];
  const warnings: string[] = [];
  let at = 0;
  for (const part of decoded.value) {
    // One of its partitions covers another: what either holds is unknown.
    if (part.start < at) return null;
    used.push({ start: at, length: part.start - at });
    at = endOf(part);
    const inner = await innerUse(disk, volume, part, `${volume.what}, BSD partition`, options);
    used.push(...inner.used);
    warnings.push(...inner.warnings);
  }
  used.push({ start: at, length: volume.size - at });
  const record = { fs: "bsd", label: null, uuid: null, mode: "used" } as const;
  return { record, used: union(used), warnings };
}

async function innerUse(
  disk: BlockDevice,
  outer: Volume,
  part: Extent,
  what: string,
  options: Probe,
): Promise<InnerUse> {
  const start = outer.start + part.start;
  const inner = await volumeUse(disk, { start, size: part.length, index: -1, what }, options);
  return {
    used: inner.used === null ? [part] : shifted(inner.used, part.start),
    warnings: inner.warnings,
  };
}

/** What of `size` bytes lies before and after the area. */
const outside = (area: Extent, size: number): Extent[] => [
  { start: 0, length: area.start },
  { start: endOf(area), length: size - endOf(area) },
];

/** Parts that follow one another on the disk as they do in the volume are one. */
function joined(parts: readonly Extent[]): Extent[] {
  const out: Extent[] = [];
  for (const part of parts) {
    const last = out.at(-1);
    if (last !== undefined && endOf(last) === part.start) {
      out[out.length - 1] = { start: last.start, length: last.length + part.length };
    } else out.push(part);
  }
  return out;
}
