/** `make initrd`: builds `build/boot/`. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { exitStatus, RoomcastError } from "../../core/errors.ts";
import { buildBootImage } from "./image.ts";
import { holdLock } from "./lock.ts";

const repository = join(import.meta.dirname, "..", "..");
const cacheFolder = join(repository, "build", "cache");
const log = (line: string): void => console.log(`initrd: ${line}`);

try {
  await mkdir(cacheFolder, { recursive: true });
  await using _ = await holdLock(join(cacheFolder, "lock"), log);
  const outcome = await buildBootImage({
    repository,
    agentMain: join(repository, "initrd", "agent", "main.ts"),
    cacheFolder,
    outFolder: join(repository, "build", "boot"),
    log,
  });
  log(outcome === "built" ? "build/boot is ready" : "build/boot is up to date");
} catch (error) {
  if (!(error instanceof RoomcastError)) throw error;
  console.error(`initrd: ${error.message}; ${error.next}`);
  process.exitCode = exitStatus(error.code);
}
