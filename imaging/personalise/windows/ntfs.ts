/** Files of an NTFS volume, through NTFS-3G: mounted for as long as the work takes. */
import { lstat, mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { RoomcastError } from "../../../core/errors.ts";
import { runTool } from "../../disk/tool.ts";
import { Mounts } from "../mounts.ts";
import { closeFolder } from "./write.ts";

export const shutDown =
  "start the master, run `powercfg /h off` and `shutdown /s /f /t 0` in Windows, and capture again";

/** What ntfs-3g.probe(8) ends with when the volume must not be written to. */
const refusals: Readonly<Record<number, string>> = {
  14: "Windows is hibernated on it, as fast startup does at each shutdown",
  15: "it was not shut down cleanly, and changes wait in its log",
};

/**
 * Runs `work` with the folder in which the volume is mounted; it is unmounted afterwards whatever happens.
 * Rejects with `refused` for one that is hibernated or unclean, with `failed` for one that cannot be mounted
 * or, when it has to be, written to.
 */
export async function withNtfs<T>(
  device: string,
  { write, signal }: { readonly write: boolean; readonly signal: AbortSignal },
  work: (root: string) => Promise<T>,
): Promise<T> {
  if (write) await requireClean(device, signal);
  await using mounts = await Mounts.open();
  const refusal = await mounts.add({ fs: "ntfs", device }, mounts.root, { write, signal });
  if (refusal !== null) throw unmountable(refusal.reason);
  return await work(mounts.root);
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

const unmountable = (what: string): RoomcastError =>
  new RoomcastError(
    "failed",
    what,
    "see whether the disk is write-protected; else let Windows check it on the master (`chkdsk /f`), and capture again",
  );
