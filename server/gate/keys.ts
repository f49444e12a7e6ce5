/** The gate's key: made at the first start, kept in the data folder, pinned by every PC. */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { errorText, RoomcastError } from "../../core/errors.ts";
import { pinOf } from "../../core/node/pin.ts";
import { syncDirectory } from "../../core/node/sync-directory.ts";
import { selfSigned } from "./certificate.ts";

export interface GateKey {
  /** SHA-256 of the public key, as the boot line has it. */
  readonly pin: string;
  /** Key and certificate in PEM. */
  readonly key: string;
  readonly cert: string;
}

const fileName = "gate.key";

/** Reads the gate's key from the data folder, or makes it there. Rejects with `bad-input` for a broken file. */
export async function openGateKey(folder: string): Promise<GateKey> {
  const path = join(folder, fileName);
  const pem = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  return gateKey(pem === null ? await makeKey(folder) : readKey(path, pem));
}

function readKey(path: string, pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyDetails?.namedCurve === "prime256v1") return key;
    throw new Error("it is no key of the curve P-256");
  } catch (cause) {
    throw new RoomcastError(
      "bad-input",
      `${path} is not the gate's key: ${errorText(cause)}`,
      "put it back from a backup; without one remove it, and restart every PC that runs from this server",
      { cause },
    );
  }
}

/** Whole or not at all: a PC may have pinned it a moment later. */
async function makeKey(folder: string): Promise<KeyObject> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const unfinished = join(folder, `${fileName}.new`);
  {
    await using file = await open(unfinished, "w", 0o600);
    await file.writeFile(pemOf(privateKey));
    await file.sync();
  }
  await rename(unfinished, join(folder, fileName));
  await syncDirectory(folder);
  return privateKey;
}

const pemOf = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }) as string;

function gateKey(key: KeyObject): GateKey {
  const pin = pinOf(createPublicKey(key).export({ type: "spki", format: "der" }));
  return { pin, key: pemOf(key), cert: selfSigned(key) };
}
