/** The configuration's file, as the commands write it that make one or change it. */
import { chmod, constants, copyFile, mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { writeDurably } from "../../core/node/write-durably.ts";

/** The folder of the file; what is made of it can be read by the service, whatever umask root has. */
export async function makeConfigFolder(path: string): Promise<void> {
  const folder = dirname(path);
  const made = await mkdir(folder, { recursive: true });
  if (made === undefined) return;
  for (let each = folder; each.length >= made.length; each = dirname(each))
    await chmod(each, 0o755);
}

/**
 * Whole or not at all; readable by the service, writable by root. One that is there is kept, as FILE.old or, where that
 * is there, as FILE.old.1 and so on. Answers where, or null.
 */
export async function writeConfiguration(path: string, text: string): Promise<string | null> {
  await makeConfigFolder(path);
  const kept = await keep(path);
  await writeDurably(path, text, { mode: 0o644 });
  return kept;
}

async function keep(path: string): Promise<string | null> {
  for (let number = 0; ; number++) {
    const to = number === 0 ? `${path}.old` : `${path}.old.${number}`;
    try {
      await copyFile(path, to, constants.COPYFILE_EXCL);
      return to;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") return null;
      if (code !== "EEXIST") throw error;
    }
  }
}
