/**
 * A disk as FOG saves it: `d1.partitions` (sfdisk's dump), `d1.mbr` (the sectors before the first
 * partition; of a GPT, sgdisk's backup), `d1.grub.mbr`, `d1.original.swapuuids`, and `d1p1.img` or
 * `d1p1.img.000…` for each partition.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { RoomcastError } from "../../core/errors.ts";
import { placeGpt } from "../../core/image/gpt-writer.ts";
import { ebrChain, isExtended, mbrSector, type PlacedBytes } from "../../core/image/mbr-writer.ts";
import { decodeSfdiskDump } from "../../core/image/sfdisk-dump.ts";
import { damagedSource, missingFile } from "./byte-reader.ts";
import {
  type FolderDisk,
  requireDiskSize,
  requireListed,
  requireNoDiskSize,
  type SavedContent,
  type SavedPartition,
  unknownDiskSize,
} from "./folder-disk.ts";

const mib = 1024 * 1024;

export const isFog = (names: ReadonlySet<string>): boolean =>
  [...names].some((name) => /^d\d+\.mbr$/.test(name));

/**
 * `wanted`: which of several disks, `1` or `d1` for instance, or null; `without`: partitions that may
 * lack; `diskSize`: of the disk in bytes, null for what the folder says. Rejects with `bad-input`.
 */
export async function readFog(
  folder: string,
  names: ReadonlySet<string>,
  wanted: string | null,
  without: ReadonlySet<number>,
  diskSize: number | null,
): Promise<FolderDisk> {
  const disks = [...names].flatMap((name) => /^d(\d+)\.mbr$/.exec(name)?.[1] ?? []).sort();
  const number = wanted?.replace(/^d/, "") ?? (disks.length === 1 ? disks[0] : undefined);
  if (number === undefined || !disks.includes(number)) {
    const listed = disks.map((each) => `d${each}`).join(", ");
    throw new RoomcastError(
      "bad-input",
      `${folder} has the disks ${listed}`,
      "choose one with --disk",
    );
  }
  const name = `d${number}`;
  const source = `FOG ${folder}, ${name}`;
  const tableFile = names.has(`${name}.partitions`)
    ? `${name}.partitions`
    : `${name}.original.partitions`;
  if (!names.has(tableFile)) throw missingFile(source, `${name}.partitions`);
  const dump = decodeSfdiskDump(await readFile(join(folder, tableFile), "utf8"));
  if (!dump.ok) throw damagedSource(join(folder, tableFile), dump.reason);
  const { partitions: listed, kind } = dump.value;
  const logicalSector = dump.value.logicalSector ?? 512;
  const warnings: string[] = [];
  const mbr = await readFile(join(folder, `${name}.mbr`));
  const placed: PlacedBytes[] = [];
  let diskBytes: number;
  if (kind === "gpt") {
    // sgdisk(8), --backup: the protective MBR, the header, the backup header, the entries.
    const gpt = placeGpt({
      header: mbr.subarray(logicalSector, 2 * logicalSector),
      entries: mbr.subarray(3 * logicalSector),
      logicalSector,
      // The backup may be of the table as it was shrunk for the capture.
      layout: listed,
    });
    if (!gpt.ok) throw damagedSource(join(folder, `${name}.mbr`), gpt.reason);
    ({ diskBytes } = gpt.value);
    requireNoDiskSize(diskSize, source);
    const grub = names.has(`${name}.grub.mbr`)
      ? await readFile(join(folder, `${name}.grub.mbr`))
      : mbr;
    const first = Buffer.from(mbr.subarray(0, 512));
    // The boot code only: the rest of that file is of the table as it was then.
    grub.copy(first, 0, 0, 440);
    placed.push({ offset: 0, data: first }, ...gpt.value.pieces);
  } else {
    if (mbr.length < 512)
      throw damagedSource(join(folder, `${name}.mbr`), "it is shorter than a sector");
    placed.push({ offset: 0, data: mbr }, { offset: 0, data: mbrSector(mbr, listed) });
    const chain = ebrChain(listed, logicalSector);
    if (chain === null)
      throw damagedSource(join(folder, tableFile), "its logical partitions do not fit");
    placed.push(...chain);
    const sized = names.has(`${name}.size`)
      ? Number((await readFile(join(folder, `${name}.size`), "utf8")).split(":")[1])
      : Number.NaN;
    const end = Math.max(...listed.map(({ start, count }) => start + count)) * logicalSector;
    requireDiskSize(diskSize, { end, logicalSector, source });
    const told = [diskSize, sized, dump.value.diskBytes].find(
      (each) =>
        each !== null && Number.isSafeInteger(each) && each >= end && each % logicalSector === 0,
    );
    diskBytes = told ?? Math.ceil(end / mib) * mib;
    if (told === undefined || told === null) warnings.push(unknownDiskSize);
  }
  const swapUuids = names.has(`${name}.original.swapuuids`)
    ? await readFile(join(folder, `${name}.original.swapuuids`), "utf8")
    : "";
  const partitions: SavedPartition[] = [];
  requireListed(without, listed, source);
  for (const { index, start, count, type } of listed.filter((each) => !isExtended(each))) {
    const content: SavedContent = without.has(index)
      ? { kind: "nothing" }
      : contentOf(folder, names, `${name}p${index}`, swapUuids, index);
    if (content.kind === "nothing") {
      // FOG saves all but swap space, of which it keeps the UUID where there is one.
      if (!without.has(index) && !swapTypes.has(type)) {
        throw new RoomcastError(
          "bad-input",
          `${source}: partition ${index} (${name}p${index}.img) is missing`,
          `look for it on the FOG server, or import the disk with that partition empty: --without ${index}`,
        );
      }
      warnings.push(`partition ${index} is not taken from the folder, and so not in the image`);
    }
    const place = { start: start * logicalSector, size: count * logicalSector };
    partitions.push({ index, type, ...place, fs: null, label: null, uuid: null, content });
  }
  return { source, diskBytes, logicalSector, table: kind, placed, partitions, warnings };
}

/** Linux swap, in a GPT and in an MBR. */
const swapTypes: ReadonlySet<string> = new Set(["0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", "0x82"]);

function contentOf(
  folder: string,
  names: ReadonlySet<string>,
  base: string,
  swapUuids: string,
  index: number,
): SavedContent {
  if ([...names].some((name) => name.startsWith(`${base}.lvm`))) {
    throw new RoomcastError(
      "bad-input",
      `${join(folder, base)}: it holds LVM, whose volumes FOG saved one by one`,
      "restore it with FOG onto a (virtual) disk, and capture or import that",
    );
  }
  const parts = [...names].filter((name) => name.startsWith(`${base}.img.`)).sort();
  const own = names.has(`${base}.img`) ? [`${base}.img`] : parts;
  for (const [at, name] of own.entries()) {
    const suffix = `.${String(at).padStart(3, "0")}`;
    if (name !== `${base}.img` && !name.endsWith(suffix)) {
      throw damagedSource(join(folder, name), `its part ${suffix} is missing`);
    }
  }
  if (own.length > 0) return { kind: "partclone", files: own.map((name) => join(folder, name)) };
  const uuid = new RegExp(`^${index} (\\S+)`, "m").exec(swapUuids)?.[1];
  return uuid === undefined ? { kind: "nothing" } : { kind: "swap", uuid, label: "" };
}
