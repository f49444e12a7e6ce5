import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { deviceNumber } from "./disk.ts";
import { names, type Roots, readText, target } from "./sysfs.ts";

/**
 * What has a disk, or one of its partitions, or a file, in use, in words; null when nothing that the
 * kernel knows of. Opening a disk exclusively finds the rest.
 */
export function usedBy(path: string, roots: Roots): string | null {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return null;
  if (!found.isBlockDevice()) return attachedAs(target(path) ?? path, roots);
  const folder = target(`${roots.sys}/dev/block/${deviceNumber(found.rdev)}`);
  return folder === null ? null : diskUsedBy(folder, roots);
}

/** `folder`: the disk's in sysfs. */
export function diskUsedBy(folder: string, roots: Roots): string | null {
  const disk = basename(folder);
  const partitions = names(folder).filter((name) => name.startsWith(disk));
  const parts = [folder, ...partitions.map((name) => `${folder}/${name}`)];
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

function attachedAs(file: string, roots: Roots): string | null {
  for (const name of names(`${roots.sys}/block`)) {
    if (readText(`${roots.sys}/block/${name}/loop/backing_file`) === file) {
      return `attached as /dev/${name}`;
    }
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
