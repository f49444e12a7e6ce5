/** The configuration's file, as the commands write it that make one or change it. */
import { copyFile, mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { writeDurably } from "../../core/node/write-durably.ts";

/** Whole or not at all; readable by the service, writable by root. One that is there is kept as FILE.old. */
export async function writeConfiguration(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await copyFile(path, `${path}.old`).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
  await writeDurably(path, text, { mode: 0o644 });
}
