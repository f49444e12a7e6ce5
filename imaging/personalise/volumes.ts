/**
 * The volumes of a restored disk: partitions, those of a FreeBSD slice, and linear logical volumes. No volume group is
 * made known to the kernel: a duplicate of the master's may be on another disk of this PC.
 */
import { bsdPartitions, freeBsdSlice } from "../../core/image/bsd-label.ts";
import { partOf } from "../../core/image/byte-source.ts";
import type { Extent } from "../../core/image/extents.ts";
import { isBitLocker } from "../../core/image/file-system-state.ts";
import type { TablePartition } from "../../core/image/found-table.ts";
import { inOnePiece, readPhysicalVolume } from "../../core/image/lvm.ts";
import { readPartitionTable } from "../../core/image/partition-table.ts";
import { openDisk, sourceOf } from "../disk/disk.ts";
import { type PartitionDevice, partitionDevice } from "../disk/partition-device.ts";
import { runTool } from "../disk/tool.ts";
import type { NamedVolume } from "./system.ts";

export interface FindOptions {
  readonly path: string;
  readonly signal: AbortSignal;
  /** A volume that cannot be looked into, and why. */
  left(name: string, reason: string): void;
}

/** Volumes, each with a device of its own until it is disposed of. */
export interface FoundVolumes extends AsyncDisposable {
  readonly volumes: readonly NamedVolume[];
}

/** What of the kind is on the disk, and nobody but its owner can read. */
const closed: Readonly<Record<string, string>> = {
  BitLocker: "BitLocker encrypts it, and no key of it is here: it is left alone",
  crypto_LUKS: "LUKS encrypts it, and no key of it is here: it is left alone",
  linux_raid_member: "it is part of a RAID, and is left alone",
};

const noDevice = "the kernel shows no device for it";

export async function findVolumes(options: FindOptions): Promise<FoundVolumes> {
  const devices: PartitionDevice[] = [];
  const volumes: NamedVolume[] = [];
  const release = async (): Promise<void> => {
    for (const device of devices.splice(0).reverse()) await device.release();
  };
  const add = async (name: string, device: PartitionDevice | null): Promise<string | null> => {
    if (device === null) options.left(name, noDevice);
    if (device === null) return null;
    devices.push(device);
    const probed = await probe(device.path, options.signal);
    const fs = probed.TYPE ?? "";
    const why = (await beginsAsBitLocker(device.path)) ? closed.BitLocker : closed[fs];
    if (why !== undefined) options.left(name, why);
    else if (fs !== "" && fs !== "LVM2_member") {
      const [uuid, label, partUuid] = [probed.UUID, probed.LABEL, probed.PART_ENTRY_UUID];
      const names = { uuid: uuid ?? null, label: label ?? null, partUuid: partUuid ?? null };
      volumes.push({ name, fs, device: device.path, ...names });
    }
    return fs;
  };
  try {
    for (const { name, ...partition } of await partitionsOf(options.path)) {
      const device = await partitionDevice(options.path, partition, { ...options, write: true });
      const fs = await add(name, device);
      if (device === null || fs !== "LVM2_member") continue;
      for (const [name, { start, length }] of await logicalVolumes(device.path, options.left)) {
        const place = { start, size: length, index: 1 };
        await add(name, await partitionDevice(device.path, place, { ...options, write: true }));
      }
    }
  } catch (error) {
    await release();
    throw error;
  }
  return { volumes, [Symbol.asyncDispose]: release };
}

interface NamedPartition extends TablePartition {
  /** `partition 2`, of FreeBSD `partition 1a` */
  readonly name: string;
}

/** As the table on the disk has them now, and labels in FreeBSD's slices; without a table the disk is one. */
async function partitionsOf(path: string): Promise<readonly NamedPartition[]> {
  await using disk = await openDisk(path, { write: false });
  const { size, logicalSector } = disk;
  const table = await readPartitionTable({ ...sourceOf(disk), diskBytes: size, logicalSector });
  if (table.kind === "none") return [{ name: "the disk", index: 0, type: "", start: 0, size }];
  const { partitions, extended } = table;
  const named: NamedPartition[] = [];
  for (const partition of partitions) {
    const { index, type, start, size } = partition;
    if (index === extended?.index) continue;
    const name = `partition ${index}`;
    const slice =
      type === freeBsdSlice ? await bsdPartitions(partOf(sourceOf(disk), start, size)) : null;
    if (!slice?.ok) named.push({ ...partition, name });
    else {
      for (const { letter, start: at, length } of slice.value) {
        named.push({ index, type, name: `${name}${letter}`, start: start + at, size: length });
      }
    }
  }
  return named;
}

/**
 * Those that can be looked into, with the group's name before their own, and where on the device each
 * lies. What has several pieces would want a device mapper, and nothing that puts volumes together is in
 * the boot image.
 */
async function logicalVolumes(
  device: string,
  left: FindOptions["left"],
): Promise<[string, Extent][]> {
  const physical = await (async () => {
    await using disk = await openDisk(device, { write: false });
    return await readPhysicalVolume(sourceOf(disk));
  })();
  if (!physical.ok) left("volume group", physical.reason);
  if (!physical.ok) return [];
  return physical.value.logicalVolumes.flatMap((volume): [string, Extent][] => {
    const name = `${physical.value.name}/${volume.name}`;
    const place = volume.isLinear ? inOnePiece(volume) : null;
    if (place !== null) return [[name, place]];
    left(name, "it does not lie on this disk in one piece, and is left as it was cast");
    return [];
  });
}

async function beginsAsBitLocker(device: string): Promise<boolean> {
  await using disk = await openDisk(device, { write: false });
  return disk.size >= 4096 && isBitLocker(await sourceOf(disk).read(0, 4096));
}

/** Names and values as blkid has them. */
async function probe(
  device: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const { output } = await runTool("blkid", ["-p", "-o", "export", device], signal);
  return Object.fromEntries(
    output.split("\n").flatMap((line) => {
      const at = line.indexOf("=");
      // What is not plain has a backslash before it.
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1).replace(/\\(.)/g, "$1")]];
    }),
  );
}
