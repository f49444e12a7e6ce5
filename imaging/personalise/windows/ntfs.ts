/** Files of an NTFS volume, through NTFS-3G: mounted for as long as the work takes. */
import { lstat, mkdir, mkdtemp, readdir, readFile, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RoomcastError } from "../../../core/errors.ts";
import { runTool, untilItEnds } from "../../disk/tool.ts";
import { closeFolder } from "./write.ts";

export const shutDown =
  "start the master, run `powercfg /h off` and `shutdown /s /f /t 0` in Windows, and capture again";

/** What ntfs-3g.probe(8) ends with when the volume must not be written to. */
const refusals: Readonly<Record<number, string>> = {
  14: "Windows is hibernated on it, as fast startup does at each shutdown",
  15: "it was not shut down cleanly, and changes wait in its log",
};

/**
 * Nothing of the mounted volume is run, no link in it leads anywhere, and no name that Windows could not
 * take is made.
 */
const mountOptions = "norecover,noatime,nosuid,nodev,noexec,windows_names,streams_interface=none";

/**
 * Runs `work` with the folder in which the volume is mounted; it is unmounted afterwards whatever happens.
 * Rejects with `refused` for one that is hibernated or unclean, or cannot be written to when it has to be.
 */
export async function withNtfs<T>(
  device: string,
  { write, signal }: { readonly write: boolean; readonly signal: AbortSignal },
  work: (root: string) => Promise<T>,
): Promise<T> {
  // Where the module is part of the kernel, or loads by itself, this is of no use and no harm.
  await runTool("modprobe", ["-q", "fuse"], signal);
  if (write) await requireClean(device, signal);
  const root = await mkdtemp(join(tmpdir(), "roomcast-ntfs-"));
  try {
    await mount(device, root, write);
    const done = await work(root).catch(async (error: unknown) => {
      await unmount(root).catch(() => {});
      throw error;
    });
    await unmount(root);
    return done;
  } finally {
    await rmdir(root).catch(() => {});
  }
}

/** To its end, whatever is stopped meanwhile: what is mounted has to be known. */
async function mount(device: string, root: string, write: boolean): Promise<void> {
  const options = `${write ? "rw" : "ro"},${mountOptions}`;
  const { status, complaint } = await runTool(
    "ntfs-3g",
    ["-o", options, device, root],
    untilItEnds(),
  );
  if (status !== 0) throw unmountable(`ntfs-3g ended with ${status}: ${complaint}`);
  // NTFS-3G takes what it cannot write to all the same, to be read.
  if (!write || !(await isReadOnly(root))) return;
  await unmount(root);
  const next = "see whether the disk is write-protected";
  throw new RoomcastError("refused", "the disk takes no writes to this volume", next);
}

async function unmount(root: string): Promise<void> {
  const { status, complaint } = await runTool("umount", [root], untilItEnds());
  if (status !== 0) throw unmountable(`umount ended with ${status}: ${complaint}`);
}

/**
 * The path of what the names lead to, whatever their case, as it is spelled there; null when there is
 * nothing. Folders on the way are folders: a junction or another reparse point is as good as nothing.
 */
export async function find(root: string, ...names: readonly string[]): Promise<string | null> {
  let at = root;
  for (const name of names) {
    if (!(await lstat(at)).isDirectory()) return null;
    const found = spelled(await readdir(at), name);
    if (found === undefined) return null;
    at = join(at, found);
  }
  const found = await lstat(at);
  return found.isFile() || found.isDirectory() ? at : null;
}

/** A file's bytes; null when there is none, or more than `limitBytes` of them. */
export async function contentOf(
  root: string,
  names: readonly string[],
  limitBytes: number,
): Promise<Uint8Array | null> {
  const path = await find(root, ...names);
  if (path === null) return null;
  const found = await lstat(path);
  return found.isFile() && found.size <= limitBytes ? readFile(path) : null;
}

/**
 * Makes the folders that are missing, for administrators alone, and answers the path of the last. Rejects
 * at what is no folder.
 */
export async function makeFolders(root: string, names: readonly string[]): Promise<string> {
  let at = root;
  for (const name of names) {
    const found = spelled(await readdir(at), name);
    const next = join(at, found ?? name);
    if (found === undefined) {
      await mkdir(next);
      await closeFolder(next);
    } else if (!(await lstat(next)).isDirectory()) {
      const what = `${asWindows(root, next)} is no folder`;
      throw new RoomcastError("refused", what, "remove it on the master and capture again");
    }
    at = next;
  }
  return at;
}

/** As Windows names it, on its own volume: `C:\Windows\…`. */
export const asWindows = (root: string, path: string): string =>
  `C:${path.slice(root.length).replaceAll("/", "\\")}`;

/** The exact spelling first: others than Windows may have made two names that differ in case alone. */
const spelled = (names: readonly string[], name: string): string | undefined =>
  names.find((each) => each === name) ??
  names.find((each) => each.toLowerCase() === name.toLowerCase());

async function requireClean(device: string, signal: AbortSignal): Promise<void> {
  const { status, complaint } = await runTool("ntfs-3g.probe", ["-w", device], signal);
  if (status === 0) return;
  const reason = refusals[status];
  if (reason !== undefined) throw new RoomcastError("refused", reason, shutDown);
  throw unmountable(`ntfs-3g.probe ended with ${status}: ${complaint}`);
}

async function isReadOnly(root: string): Promise<boolean> {
  const mounts = await readFile("/proc/self/mounts", "utf8");
  const line = mounts.split("\n").find((each) => each.split(" ")[1] === root);
  return line?.split(" ")[3]?.split(",").includes("ro") ?? true;
}

const unmountable = (what: string): RoomcastError =>
  new RoomcastError(
    "failed",
    what,
    "let Windows check it on the master (`chkdsk /f`), and capture again",
  );
