/**
 * A disk as Clonezilla saves it: `disk`, `parts`, `sda-pt.sf` (sfdisk's dump), `sda-mbr`,
 * `sda-hidden-data-after-mbr`, `sda-gpt-1st`, `sda-ebr`s, and for each partition
 * `sda1.ext4-ptcl-img.gz.aa…`, `sda1.dd-img.aa…`, or `swappt-sda2.info`.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { RoomcastError } from "../../core/errors.ts";
import { placeGpt } from "../../core/image/gpt-writer.ts";
import { ebrChain, isExtended, mbrSector, type PlacedBytes } from "../../core/image/mbr-writer.ts";
import { type DumpedPartition, decodeSfdiskDump } from "../../core/image/sfdisk-dump.ts";
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

export const isClonezilla = (names: ReadonlySet<string>): boolean =>
  names.has("parts") && (names.has("disk") || [...names].some((name) => name.endsWith("-pt.sf")));

/**
 * `wanted`: which of several disks, `sda` for instance, or null; `without`: partitions that may lack;
 * `diskSize`: of the disk in bytes, null for what the folder says.
 * Rejects with `bad-input`.
 */
export async function readClonezilla(
  folder: string,
  names: ReadonlySet<string>,
  wanted: string | null,
  without: ReadonlySet<number>,
  diskSize: number | null,
): Promise<FolderDisk> {
  const disks = [...names].flatMap((name) => /^(\S+)-pt\.sf$/.exec(name)?.[1] ?? []).sort();
  const name = wanted ?? (disks.length === 1 ? disks[0] : undefined);
  if (name === undefined || !disks.includes(name)) {
    throw new RoomcastError(
      "bad-input",
      `${folder} has ${disks.length === 0 ? "no disk's partition table (sda-pt.sf)" : `the disks ${disks.join(", ")}`}`,
      disks.length === 0
        ? "save the whole disk in Clonezilla (savedisk)"
        : "choose one with --disk",
    );
  }
  const source = `Clonezilla ${folder}, ${name}`;
  const lvm = await textOf(folder, names, "lvm_vg_dev.list");
  if (lvm.split("\n").some((line) => line.includes(`/dev/${name}`))) {
    throw new RoomcastError(
      "bad-input",
      `${source}: it holds LVM, whose volumes Clonezilla saved one by one`,
      "restore it with Clonezilla onto a (virtual) disk, and capture or import that",
    );
  }
  const dump = decodeSfdiskDump(await textOf(folder, names, `${name}-pt.sf`));
  if (!dump.ok) throw damagedSource(`${name}-pt.sf`, dump.reason);
  const { partitions: listed, kind } = dump.value;
  const parted = await textOf(folder, names, `${name}-pt.parted`);
  const logicalSector =
    dump.value.logicalSector ??
    Number(/^Sector size \(logical\/physical\): (\d+)B/m.exec(parted)?.[1] ?? 512);
  const warnings: string[] = [];
  const bytesOf = (file: string): Promise<Buffer> =>
    names.has(file) ? readFile(join(folder, file)) : Promise.resolve(Buffer.alloc(0));

  const mbr = await bytesOf(`${name}-mbr`);
  const hidden = await bytesOf(`${name}-hidden-data-after-mbr`);
  const placed: PlacedBytes[] = [{ offset: 512, data: hidden }];
  let diskBytes: number;
  if (kind === "gpt") {
    if (!names.has(`${name}-gpt-1st`)) throw missingFile(source, `${name}-gpt-1st`);
    const first = await bytesOf(`${name}-gpt-1st`);
    const gpt = placeGpt({
      header: first.subarray(logicalSector, 2 * logicalSector),
      entries: first.subarray(2 * logicalSector),
      logicalSector,
      layout: null,
    });
    if (!gpt.ok) throw damagedSource(`${name}-gpt-1st`, gpt.reason);
    ({ diskBytes } = gpt.value);
    requireNoDiskSize(diskSize, source);
    const protective = mbr.length >= 512 ? mbr : first;
    placed.push({ offset: 0, data: protective.subarray(0, 512) }, ...gpt.value.pieces);
  } else {
    if (!names.has(`${name}-mbr`)) throw missingFile(source, `${name}-mbr`);
    if (mbr.length < 512) throw damagedSource(`${name}-mbr`, "it is no whole sector");
    placed.push({ offset: 0, data: mbrSector(mbr, listed) });
    const chain = ebrChain(listed, logicalSector);
    if (chain === null) throw damagedSource(`${name}-pt.sf`, "its logical partitions do not fit");
    placed.push(...chain);
    const sectors = /^Disk \S+: (\d+)s$/m.exec(parted)?.[1];
    const end = Math.max(...listed.map(({ start, count }) => start + count)) * logicalSector;
    requireDiskSize(diskSize, { end, logicalSector, source });
    const told = diskSize ?? (sectors === undefined ? null : Number(sectors) * logicalSector);
    diskBytes = told ?? Math.ceil(end / mib) * mib;
    if (told === null) warnings.push(unknownDiskSize);
  }

  const blkid = await textOf(folder, names, "blkid.list");
  const parts = (await textOf(folder, names, "parts")).split(/\s+/);
  const partitions: SavedPartition[] = [];
  requireListed(without, listed, source);
  for (const partition of listed.filter((each) => !isExtended(each))) {
    const { index, device, start, count, type } = partition;
    const { content, fs } = without.has(index)
      ? notThere
      : await contentOf(folder, names, partition);
    if (content.kind === "nothing") {
      if (parts.includes(device) && !without.has(index))
        throw damagedSource(source, `${device} was saved, and is not there`);
      warnings.push(
        `partition ${index} (${device}) is not taken from the folder: nothing is kept of it`,
      );
    }
    const tags = tagsOf(blkid, device);
    const label = tags.get("LABEL") ?? null;
    const uuid = tags.get("UUID") ?? null;
    const place = { start: start * logicalSector, size: count * logicalSector };
    partitions.push({ index, type, ...place, fs, label, uuid, content });
  }
  return { source, diskBytes, logicalSector, table: kind, placed, partitions, warnings };
}

const notThere: { content: SavedContent; fs: null } = { content: { kind: "nothing" }, fs: null };

async function contentOf(
  folder: string,
  names: ReadonlySet<string>,
  { device }: DumpedPartition,
): Promise<{ content: SavedContent; fs: string | null }> {
  const own = [...names].filter((name) => name.startsWith(`${device}.`)).sort();
  const [first] = own;
  if (first === undefined) {
    if (!names.has(`swappt-${device}.info`)) return notThere;
    const text = await readFile(join(folder, `swappt-${device}.info`), "utf8");
    const field = (name: string): string =>
      new RegExp(`^${name}="(.*)"`, "m").exec(text)?.[1] ?? "";
    return { content: { kind: "swap", uuid: field("UUID"), label: field("LABEL") }, fs: "swap" };
  }
  const [stem = "", fs, dd] = /^[^.]+\.(?:(\S+)-ptcl-img|(dd)-img)(?=\.|$)/.exec(first) ?? [];
  if ((fs ?? dd) === undefined || own.some((name) => !name.startsWith(stem))) {
    const tool = /\.ntfs-img(\.|$)/.test(first)
      ? "by ntfsclone"
      : /\.\d{3}$/.test(first)
        ? "by partimage"
        : "neither by partclone nor by dd";
    throw new RoomcastError(
      "bad-input",
      `${join(folder, first)} was saved ${tool}, which cannot be read`,
      "save it again in Clonezilla with the default, -q2 (partclone)",
    );
  }
  requireSequence(own, folder);
  const files = own.map((name) => join(folder, name));
  // partclone.dd writes a partition's bytes and no header.
  const isWhole = dd !== undefined || fs === "dd";
  return {
    content: { kind: isWhole ? "whole" : "partclone", files },
    fs: isWhole ? null : (fs ?? null),
  };
}

/**
 * Split files count up without a gap: `.aa`, `.ab`… A last one that lacks is found by the stream's end. One that is
 * not split ends as its compression does.
 */
function requireSequence(names: readonly string[], folder: string): void {
  if (names.length < 2 && !/\.(?!gz$|xz$)[a-z]{2}$/.test(names[0] ?? "")) return;
  let expected = "aa";
  for (const name of names) {
    if (!name.endsWith(`.${expected}`)) {
      throw damagedSource(join(folder, name), `its part .${expected} is not there`);
    }
    const [high = 97, low = 97] = [expected.charCodeAt(0), expected.charCodeAt(1)];
    expected = low < 122 ? String.fromCharCode(high, low + 1) : String.fromCharCode(high + 1, 97);
  }
}

/** The line of `blkid`: `/dev/sda1: LABEL="x" UUID="y"`. */
function tagsOf(blkid: string, device: string): Map<string, string> {
  const line = blkid.split("\n").find((each) => each.startsWith(`/dev/${device}:`)) ?? "";
  return new Map(
    [...line.matchAll(/(?:^|\s)([A-Z_]+)="([^"]*)"/g)].map(([, key = "", value = ""]) => [
      key,
      value,
    ]),
  );
}

const textOf = (folder: string, names: ReadonlySet<string>, name: string): Promise<string> =>
  names.has(name) ? readFile(join(folder, name), "utf8") : Promise.resolve("");
