import { chmod, lstat, mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { RoomcastError } from "../../core/errors.ts";

/** What group and others may do with a file. */
const othersBits = 0o077;

/** What the server keeps in its data folder. A folder in which there is something else is not closed as a whole. */
const ownNames =
  /^(state\.db(-wal|-shm)?|store|drivers|windows|roomcast\.sock|.*\.key(\.new)?|lost\+found)$/;

/** Whether the server keeps something in its data folder under this name. */
export const isOwnName = (name: string): boolean => ownNames.test(name);

/**
 * Makes the data folder, or takes one that is there. What the server keeps in it (tokens' hashes, PINs,
 * keys, images, the local socket) is the owner's alone from then on, and so is the folder, unless something
 * of others is in it. Answers what was mended, in words. Throws `refused` for a folder of another user, and
 * `failed` when it cannot be mended.
 */
export async function openDataFolder(folder: string): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const found = await stat(folder);
  const names = await readdir(folder);
  const owner = process.getuid?.();
  if (found.uid !== owner) {
    throw new RoomcastError(
      "refused",
      `${folder} belongs to another user, who could change what the server keeps there`,
      `name another folder with --data, or take this one: chown ${owner} ${folder}`,
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
  const own = names.filter(isOwnName);
  if (own.length === names.length) await mend(folder, found.mode);
  for (const name of own) {
    const path = join(folder, name);
    const entry = await lstat(path);
    // A link's own mode means nothing, and what it leads to is somebody else's affair.
    if (!entry.isSymbolicLink()) await mend(path, entry.mode);
  }
  return mended;
}

const isOpen = (mode: number): boolean => (mode & othersBits) !== 0;
