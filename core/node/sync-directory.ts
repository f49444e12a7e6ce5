import { open } from "node:fs/promises";

/** Makes the creation, renaming and removal of the files in a folder durable. */
export async function syncDirectory(path: string): Promise<void> {
  await using handle = await open(path, "r");
  await handle.sync();
}
