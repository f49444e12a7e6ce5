/** A folder for large files that are of no use when the work is over, however it ends. */
import { lstatSync, readdirSync } from "node:fs";
import { type FileHandle, mkdir, mkdtemp, open, readFile, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { RoomcastError } from "../../core/errors.ts";
import { lockFile } from "../../core/node/disk-calls.ts";
import { sizeText } from "../../core/screen/format.ts";
import { names, readText, systemRoots } from "../../imaging/disk/sysfs.ts";
import { runTool } from "../../imaging/disk/tool.ts";

export interface WorkFolder extends AsyncDisposable {
  readonly path: string;
  /** Rejects with `no-space`, with both numbers. */
  requireSpace(bytes: number): Promise<void>;
}

const prefix = "work-";

/** `parent` is made where it is not there. What processes left in it that are gone is removed. */
export async function openWorkFolder(parent: string): Promise<WorkFolder> {
  await mkdir(parent, { recursive: true, mode: 0o700 });
  requireOwn(parent);
  await sweep(parent);
  const { path, lock } = await newFolder(parent);
  return {
    path,
    async requireSpace(bytes) {
      const { bavail, bsize } = await statfs(path);
      if (bytes <= bavail * bsize) return;
      throw new RoomcastError(
        "no-space",
        `the work takes up to ${sizeText(bytes)} in ${parent} meanwhile, but only ${sizeText(bavail * bsize)} are free`,
        "free space there, or run the command on a machine with more (`--server`)",
      );
    },
    async [Symbol.asyncDispose]() {
      await remove(path);
      await lock.close();
    },
  };
}

/** Another process that sweeps may take it for one that was left, until it is locked: then another one is made. */
async function newFolder(
  parent: string,
): Promise<{ readonly path: string; readonly lock: FileHandle }> {
  for (;;) {
    const path = await mkdtemp(join(parent, prefix));
    const lock = await openFolder(path);
    if (lock === null) continue;
    // Who has locked it removes it; and one that was removed can be locked all the same.
    const isOurs =
      (await lockFile(lock.fd)) && lstatSync(path, { throwIfNoEntry: false }) !== undefined;
    if (isOurs) return { path, lock };
    await lock.close();
  }
}

/** Null: it was removed. */
const openFolder = (path: string): Promise<FileHandle | null> =>
  open(path, "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });

/** A disk has secrets, and in `/var/tmp` everybody may make folders. */
function requireOwn(path: string): void {
  const found = lstatSync(path);
  if (found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o022) === 0) return;
  throw new RoomcastError(
    "refused",
    `${path} is not a folder that only you may write to`,
    "remove it, or have its owner remove it",
  );
}

async function sweep(parent: string): Promise<void> {
  for (const name of readdirSync(parent)) {
    const path = join(parent, name);
    const found = lstatSync(path, { throwIfNoEntry: false });
    const isOwn = found?.isDirectory() && found.uid === process.getuid?.();
    if (!name.startsWith(prefix) || !isOwn) continue;
    await using lock = await openFolder(path);
    if (lock !== null && (await lockFile(lock.fd))) await remove(path);
  }
}

/** With what a process that was killed has left of the kernel's: mounts, and loop devices over its files. */
async function remove(path: string): Promise<void> {
  const { signal } = new AbortController();
  for (const name of names(`${systemRoots.sys}/block`)) {
    const file = readText(`${systemRoots.sys}/block/${name}/loop/backing_file`)?.trim();
    if (!file?.startsWith(`${path}/`)) continue;
    const device = `/dev/${name}`;
    if ((await mountedDevices()).has(device)) await runTool("umount", [device], signal);
    await runTool("losetup", ["-d", device], signal);
  }
  await rm(path, { recursive: true, force: true });
}

/** Documentation/filesystems/proc.rst, mountinfo: the source follows the type, behind a lone dash. */
async function mountedDevices(): Promise<Set<string>> {
  const lines = (await readFile("/proc/self/mountinfo", "utf8")).split("\n");
  return new Set(lines.map((line) => line.split(" - ")[1]?.split(" ")[1] ?? ""));
}
