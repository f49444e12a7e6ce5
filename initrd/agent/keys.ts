/** The keys of PCs without a TPM, and of hosts that run agents. */
import { type KeyObject, sign } from "node:crypto";
import { lstat, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { errorText, RoomcastError } from "../../core/errors.ts";
import { pemOf, spkiOf } from "../../core/node/key-forms.ts";
import { newKey, readKey } from "../../core/node/p256.ts";
import { syncDirectory } from "../../core/node/sync-directory.ts";
import type { Prover } from "../../core/trust/prover.ts";
import type { KeyKind } from "../../core/wire/login.ts";

/** A key that is gone when the agent ends: the PC is whoever an operator says it is, until then. */
export const memoryProver = (): Prover => proverOf(newKey(), "memory");

/**
 * The key in this file, which is made if it is not there. Rejects with `bad-input` for a file that is no
 * key, and with `refused` for one that others may read.
 */
export async function fileProver(path: string): Promise<Prover> {
  const key = (await keptKey(path)) ?? (await makeKey(path));
  return proverOf(key, "file");
}

function proverOf(key: KeyObject, kind: Exclude<KeyKind, "tpm">): Prover {
  return {
    kind,
    spki: spkiOf(key),
    prove: async (digest) => ({
      quote: null,
      signature: sign("sha256", digest, { key, dsaEncoding: "ieee-p1363" }),
    }),
  };
}

async function keptKey(path: string): Promise<KeyObject | null> {
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (found === null) return null;
  if ((found.mode & 0o077) !== 0) {
    throw new RoomcastError(
      "refused",
      `the key ${path} can be read by others`,
      `chmod 600 ${path}, or remove it: the agent then makes another one, and an operator admits it`,
    );
  }
  try {
    return readKey(await readFile(path, "utf8"));
  } catch (cause) {
    throw new RoomcastError(
      "bad-input",
      `${path} is no key of an agent: ${errorText(cause)}`,
      "remove it: the agent then makes another one, and an operator admits it",
      { cause },
    );
  }
}

/** Whole or not at all, and readable by its owner alone from the start. */
async function makeKey(path: string): Promise<KeyObject> {
  const folder = dirname(path);
  const key = newKey();
  const unfinished = join(folder, `.${basename(path)}.${process.pid}`);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await rm(unfinished, { force: true });
    {
      await using file = await open(unfinished, "wx", 0o600);
      await file.writeFile(pemOf(key));
      await file.sync();
    }
    await rename(unfinished, path);
    await syncDirectory(folder);
    return key;
  } catch (cause) {
    throw new RoomcastError(
      "failed",
      `the agent's key cannot be kept in ${path}: ${errorText(cause)}`,
      "name a file that can be written with --key",
      { cause },
    );
  }
}
