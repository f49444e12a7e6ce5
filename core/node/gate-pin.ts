import { createPublicKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { errorText, RoomcastError } from "../errors.ts";
import { pinOf } from "./pin.ts";

/** The gate's private key, in the data folder. */
export const gateKeyFile = "gate.key";
/** That of the key that takes its place, while PCs learn of it. */
export const nextGateKeyFile = "gate-next.key";

/**
 * The pins of the gate's keys of a data folder: the one that is shown, and during a rotation the next; null
 * before the server's first start. Rejects with `refused` when a key cannot be read.
 */
export async function gatePins(dataFolder: string): Promise<readonly [string, ...string[]] | null> {
  const shown = await pinIn(join(dataFolder, gateKeyFile));
  const next = await pinIn(join(dataFolder, nextGateKeyFile));
  if (shown === null) return null;
  return next === null ? [shown] : [shown, next];
}

async function pinIn(path: string): Promise<string | null> {
  try {
    const pem = await readFile(path, "utf8");
    return pinOf(createPublicKey(pem).export({ type: "spki", format: "der" }));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    const why = `the gate's key cannot be read: ${errorText(cause)}`;
    throw new RoomcastError("refused", why, "run it as root", { cause });
  }
}
