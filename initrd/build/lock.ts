/** One build at a time in a cache folder. */
import { open } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { RoomcastError } from "../../core/errors.ts";
import { lockFile } from "../../core/node/disk-calls.ts";

/** A first build takes a few minutes; a wait longer than this is a build that hangs. */
const patienceMs = 20 * 60 * 1000;
const pollMs = 250;

/**
 * Waits until no other process holds the file, and holds it until disposed or until this process ends.
 * Rejects with `conflict` when the other does not end.
 */
export async function holdLock(
  path: string,
  log: (line: string) => void,
): Promise<AsyncDisposable> {
  const file = await open(path, "a");
  for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += pollMs) {
    if (await lockFile(file.fd)) return file;
    if (waitedMs === 0) log("waiting for another build");
    await delay(pollMs);
  }
  await file.close();
  throw new RoomcastError(
    "conflict",
    "another build of the boot image does not end",
    `see which process holds ${path}, and end it`,
  );
}
