/** `make initrd`: builds `build/boot/`. `make kernel`: `--kernel NAME --from PACKAGE|FOLDER`. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { exitStatus, RoomcastError } from "../../core/errors.ts";
import { buildFurtherKernel } from "./further-kernel.ts";
import { buildBootImage } from "./image.ts";
import { holdLock } from "./lock.ts";

const repository = join(import.meta.dirname, "..", "..");
const cacheFolder = join(repository, "build", "cache");
const outFolder = join(repository, "build", "boot");
const { values } = parseArgs({ options: { kernel: { type: "string" }, from: { type: "string" } } });
const log = (line: string): void => console.log(`initrd: ${line}`);

try {
  await mkdir(cacheFolder, { recursive: true });
  await using _ = await holdLock(join(cacheFolder, "lock"), log);
  if (values.kernel !== undefined && values.from !== undefined) {
    await buildFurtherKernel({
      name: values.kernel,
      from: values.from,
      cacheFolder,
      outFolder,
      log,
    });
  } else {
    const agentMain = join(repository, "initrd", "agent", "main.ts");
    const outcome = await buildBootImage({ repository, agentMain, cacheFolder, outFolder, log });
    log(outcome === "built" ? "build/boot is ready" : "build/boot is up to date");
  }
} catch (error) {
  if (!(error instanceof RoomcastError)) throw error;
  console.error(`initrd: ${error.message}; ${error.next}`);
  process.exitCode = exitStatus(error.code);
}
