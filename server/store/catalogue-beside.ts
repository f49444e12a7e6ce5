/** SQLite's check of a catalogue by a process of its own: it can be ended, which a thread amid a call of SQLite cannot. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { RoomcastError } from "../../core/errors.ts";

const program = new URL("./catalogue-check.ts", import.meta.url);

/** Rejects with `cancelled` once `signal` aborts, and with `failed` when the check itself comes to no end. */
export async function checkBeside(path: string, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) throw openingStopped();
  const child = fork(program, { serialization: "json" });
  const kill = (): void => void child.kill("SIGKILL");
  signal.addEventListener("abort", kill);
  try {
    let isSound: boolean | null = null;
    child.on("message", (said: boolean) => {
      isSound = said;
    });
    child.send(path);
    await once(child, "exit");
    if (signal.aborted) throw openingStopped();
    if (isSound === null) throw checkFailed();
    return isSound;
  } finally {
    signal.removeEventListener("abort", kill);
  }
}

export const openingStopped = (): RoomcastError =>
  new RoomcastError("cancelled", "the image store was not opened to its end", "start it again");

const checkFailed = (): RoomcastError =>
  new RoomcastError(
    "failed",
    "the catalogue of the image store could not be checked",
    "see the server's log, and check the disk that holds the data folder",
  );
