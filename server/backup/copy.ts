/** Copies that are hashed on their way, durable, and readable by their owner alone. */
import { createHash } from "node:crypto";
import { mkdir, open, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { BackupFile } from "./list.ts";

const partBytes = 1024 * 1024;

/** `path`: below `to`. Rejects as the file system does. */
export async function copyHashed(from: string, to: string, path: string): Promise<BackupFile> {
  const target = join(to, path);
  // What is not there leaves no folder for itself.
  await using source = await open(from, "r");
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  await using file = await open(target, "wx", 0o600);
  const hash = createHash("sha256");
  const part = Buffer.alloc(partBytes);
  let size = 0;
  for (;;) {
    const { bytesRead } = await source.read(part, 0, part.length, size);
    if (bytesRead === 0) break;
    const read = part.subarray(0, bytesRead);
    hash.update(read);
    await file.writeFile(read);
    size += bytesRead;
  }
  await file.sync();
  return { path, size, sha256: hash.digest("hex") };
}

/** The paths of the plain files below a folder, from `path` on; none when it is not there. */
export async function filesBelow(folder: string, path: string): Promise<string[]> {
  const entries = await readdir(join(folder, path), { withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return [];
      throw error;
    },
  );
  const found: string[] = [];
  for (const entry of entries) {
    const below = join(path, entry.name);
    if (entry.isDirectory()) found.push(...(await filesBelow(folder, below)));
    else if (entry.isFile()) found.push(below);
  }
  return found;
}
