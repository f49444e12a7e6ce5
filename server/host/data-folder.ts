import { chmod, lstat, mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { RoomcastError } from "../../core/errors.ts";

/** What group and others may do with a file. */
const othersBits = 0o077;

/** What may be in a folder in which no server has run: a file system of its own, and one for the images. */
const beforeFirstStart: ReadonlySet<string> = new Set(["lost+found", "store"]);

/**
 * Makes the data folder, or takes one that is there: the folder, and the files in it (tokens' hashes, PINs,
 * keys, the local socket), are the owner's alone from then on. Answers what was mended, in words. Throws
 * `refused` for a folder that is not the server's own, and `failed` when it cannot be mended.
 */
export async function openDataFolder(folder: string): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const found = await stat(folder);
  const names = await readdir(folder);
  const owner = process.getuid?.();
  const isOurs = names.includes("state.db") || names.every((name) => beforeFirstStart.has(name));
  if (found.uid !== owner || (isOpen(found.mode) && !isOurs)) {
    throw new RoomcastError(
      "refused",
      `${folder} is not a folder of the server alone: ${found.uid === owner ? "others may open it" : "it belongs to another user"}`,
      `name a folder of its own with --data, or make it one: chown ${owner} ${folder} && chmod 700 ${folder}`,
    );
  }
  const mended: string[] = [];
  const mend = async (path: string, mode: number): Promise<void> => {
    if (!isOpen(mode)) return;
    try {
      await chmod(path, mode & 0o777 & ~othersBits);
    } catch (cause) {
      const next = `run: chmod go-rwx ${path}`;
      throw new RoomcastError("failed", `${path} is open to other users`, next, { cause });
    }
    mended.push(`${path} was open to other users: it is the owner's alone now`);
  };
  await mend(folder, found.mode);
  for (const name of names) {
    const path = join(folder, name);
    const entry = await lstat(path);
    // A link's own mode means nothing, and what it leads to is somebody else's affair.
    if (!entry.isSymbolicLink()) await mend(path, entry.mode);
  }
  return mended;
}

const isOpen = (mode: number): boolean => (mode & othersBits) !== 0;
