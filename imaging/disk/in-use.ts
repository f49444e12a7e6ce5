import { readFileSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { deviceNumber } from "./disk.ts";
import { names, type Roots, readText, target } from "./sysfs.ts";

/**
 * What has a disk, or one of its partitions, or a file, in use, in words; null when nothing that the
 * kernel knows of. Opening a disk exclusively finds the rest.
 */
export function usedBy(path: string, roots: Roots): string | null {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return null;
  if (!found.isBlockDevice()) {
    const [loop] = loopsOver([path], roots);
    return loop === undefined ? null : `attached as /dev/${loop}`;
  }
  const folder = target(`${roots.sys}/dev/block/${deviceNumber(found.rdev)}`);
  return folder === null ? null : diskUsedBy(folder, roots);
}

/**
 * What may change a disk or a file while it is read, in words, or null. A file that is only attached
 * to a loop device is at rest.
 */
export function changedBy(path: string, roots: Roots): string | null {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return usedBy(path, roots);
  for (const loop of loopsOver([path], roots)) {
    const used = diskUsedBy(`${roots.sys}/block/${loop}`, roots);
    if (used !== null) return `/dev/${loop} over it is ${used}`;
  }
  return null;
}

/** `folder`: the disk's in sysfs. A loop device over it, or over what it is one itself of, counts as well. */
export function diskUsedBy(folder: string, roots: Roots): string | null {
  const seen = new Set<string>();
  const ask = (each: string): string | null => {
    const name = basename(each);
    if (seen.has(name)) return null;
    seen.add(name);
    const used = itselfUsedBy(each, roots);
    if (used !== null) return name === basename(folder) ? used : `/dev/${name} is ${used}`;
    const backing = readText(`${each}/loop/backing_file`);
    const below = backing === null ? [] : [backing];
    const own = partsOf(each).map((part) => `/dev/${basename(part)}`);
    for (const loop of loopsOver([...own, ...below], roots)) {
      const found = ask(`${roots.sys}/block/${loop}`);
      if (found !== null) return found;
    }
    const disk = below.map((path) => diskFolderOf(path, roots)).find((path) => path !== null);
    return disk === undefined || disk === null ? null : ask(disk);
  };
  return ask(folder);
}

/** The disk and its partitions, in sysfs. */
function partsOf(folder: string): string[] {
  const disk = basename(folder);
  const partitions = names(folder).filter((name) => name.startsWith(disk));
  return [folder, ...partitions.map((name) => `${folder}/${name}`)];
}

/** Of the block device that a loop device lies over; null of a file. */
function diskFolderOf(path: string, roots: Roots): string | null {
  if (!path.startsWith("/dev/")) return null;
  const folder = target(`${roots.sys}/class/block/${basename(path)}`);
  return folder === null || readText(`${folder}/partition`) === null ? folder : dirname(folder);
}

/** Names of the loop devices over one of these files or devices, by whatever path they were attached. */
function loopsOver(paths: readonly string[], roots: Roots): string[] {
  const wanted = new Set(paths.flatMap((path) => [path, target(path) ?? path, identity(path)]));
  return names(`${roots.sys}/block`).filter((name) => {
    const backing = readText(`${roots.sys}/block/${name}/loop/backing_file`);
    return backing !== null && (wanted.has(backing) || wanted.has(identity(backing)));
  });
}

/** The same of every path to a file or a device. */
function identity(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return path;
  return found.isBlockDevice() ? `device ${found.rdev}` : `file ${found.dev} ${found.ino}`;
}

function itselfUsedBy(folder: string, roots: Roots): string | null {
  const parts = partsOf(folder);
  const numbers = new Set(parts.map((part) => readText(`${part}/dev`)));
  const paths = new Set(parts.map((part) => `/dev/${basename(part)}`));

  for (const line of lines(`${roots.proc}/self/mountinfo`)) {
    // proc(5): 3rd field major:minor, 5th mount point; after the dash the 2nd is the source.
    const [fields = "", rest = ""] = line.split(" - ");
    const [, , number = "", , where] = fields.split(" ");
    const source = rest.split(" ")[1] ?? "";
    if (numbers.has(number) || paths.has(source)) return `mounted at ${where}`;
  }
  for (const line of lines(`${roots.proc}/swaps`)) {
    const [source = ""] = line.split(/\s/);
    if (paths.has(source)) return "swap space";
  }
  for (const part of parts) {
    const [holder] = names(`${part}/holders`);
    if (holder !== undefined) return `${basename(part)} is part of ${holder} (RAID, LVM or LUKS)`;
  }
  return null;
}

function lines(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch {
    return [];
  }
}
