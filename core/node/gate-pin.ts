import { createPublicKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { errorText, RoomcastError } from "../errors.ts";
import { pinOf } from "./pin.ts";

/** The gate's private key, in the data folder. */
export const gateKeyFile = "gate.key";

/**
 * The pin of the gate's key of a data folder; null before the server's first start. Rejects with `refused` when
 * the key cannot be read.
 */
export async function gatePin(dataFolder: string): Promise<string | null> {
  const path = join(dataFolder, gateKeyFile);
  try {
    const pem = await readFile(path, "utf8");
    return pinOf(createPublicKey(pem).export({ type: "spki", format: "der" }));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    const why = `the gate's key cannot be read: ${errorText(cause)}`;
    throw new RoomcastError("refused", why, "run it as root", { cause });
  }
}
