import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { syncDirectory } from "./sync-directory.ts";

/** Writes a file whole or not at all, on the disk when it resolves, readable by its owner alone from the start. */
export async function writeDurably(path: string, data: string | Uint8Array): Promise<void> {
  const unfinished = `${path}.new`;
  {
    await using file = await open(unfinished, "w", 0o600);
    await file.writeFile(data);
    await file.sync();
  }
  await rename(unfinished, path);
  await syncDirectory(dirname(path));
}
