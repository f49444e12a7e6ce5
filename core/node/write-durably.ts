import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { syncDirectory } from "./sync-directory.ts";

export interface FileAccess {
  /** By default its owner alone may read it. */
  readonly mode?: number;
  /** By default whom this process runs as. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/** Writes a file whole or not at all, on the disk when it resolves. Until it has its mode its owner alone may read it. */
export async function writeDurably(
  path: string,
  data: string | Uint8Array,
  { mode = 0o600, owner }: FileAccess = {},
): Promise<void> {
  const unfinished = `${path}.new`;
  {
    await using file = await open(unfinished, "w", 0o600);
    if (owner !== undefined) await file.chown(owner.uid, owner.gid);
    // By a call of its own, since the umask would take from what `open` is given.
    if (mode !== 0o600) await file.chmod(mode);
    await file.writeFile(data);
    await file.sync();
  }
  await rename(unfinished, path);
  await syncDirectory(dirname(path));
}
