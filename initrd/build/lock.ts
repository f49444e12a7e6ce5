/** One build at a time in a cache folder. */
import { readFile, rm, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { RoomcastError } from "../../core/errors.ts";

/** A first build takes a few minutes; a wait longer than this is a build that hangs. */
const patienceMs = 20 * 60 * 1000;
const pollMs = 250;

/**
 * Waits until no other live process holds the lock file, and holds it until disposed. A lock whose
 * process is gone is taken over. Rejects with `conflict` when the other does not end.
 */
export async function holdLock(
  file: string,
  log: (line: string) => void,
): Promise<AsyncDisposable> {
  for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += pollMs) {
    try {
      await writeFile(file, `${process.pid}\n`, { flag: "wx" });
      return { [Symbol.asyncDispose]: () => rm(file, { force: true }) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const holder = Number(await readFile(file, "utf8").catch(() => ""));
    if (holder > 0 && !isAlive(holder)) await rm(file, { force: true });
    else if (waitedMs === 0) log(`waiting for the build of process ${holder}`);
    await delay(pollMs);
  }
  throw new RoomcastError(
    "conflict",
    "another build of the boot image does not end",
    `look at the process named in ${file}, end it, and remove the file`,
  );
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: there, but somebody else's.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
