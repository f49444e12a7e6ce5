/** The files in which a server remembers what it heard of its campus. */
import { basename } from "node:path";
import { storeError } from "../store/faults.ts";
import type { StoreFiles } from "../store/files.ts";

/** Empty where there is no such file, or it cannot be read: then what was known is lost. */
export const readKeptText = async (path: string, disk: Pick<StoreFiles, "read">): Promise<string> =>
  Buffer.from(await disk.read(path).catch(() => new Uint8Array())).toString("utf8");

/** Durable when it resolves. */
export const writeKeptText = (
  path: string,
  disk: Pick<StoreFiles, "writeDurably">,
  text: string,
): Promise<void> =>
  disk.writeDurably(path, text).catch((cause: unknown) => {
    throw storeError(`writing ${basename(path)}`, cause);
  });
