/** The gate's key: made at the first start, kept in the data folder, pinned by every PC. */
import type { KeyObject } from "node:crypto";
import { readFile, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { errorText, RoomcastError } from "../../core/errors.ts";
import { gateKeyFile, nextGateKeyFile } from "../../core/node/gate-pin.ts";
import { pemOf, spkiOf } from "../../core/node/key-forms.ts";
import { newKey, readKey } from "../../core/node/p256.ts";
import { pinOf } from "../../core/node/pin.ts";
import { syncDirectory } from "../../core/node/sync-directory.ts";
import { writeDurably } from "../../core/node/write-durably.ts";
import { selfSigned } from "./certificate.ts";

export interface GateKey {
  /** SHA-256 of the public key, as the boot line has it. */
  readonly pin: string;
  /** When it was made; ISO 8601. */
  readonly since: string;
  /** Key and certificate in PEM. */
  readonly key: string;
  readonly cert: string;
}

/**
 * The key that the gate shows, and during a rotation the one that takes its place: PCs hear of both before
 * the second is shown, so that none of them meets a key that it does not know.
 */
export class GateKeys {
  private readonly folder: string;
  private shown: GateKey;
  private coming: GateKey | null;

  private constructor(folder: string, shown: GateKey, coming: GateKey | null) {
    this.folder = folder;
    this.shown = shown;
    this.coming = coming;
  }

  /** Reads the keys from the data folder, or makes the first. Rejects with `bad-input` for a broken file. */
  static async open(folder: string): Promise<GateKeys> {
    const shown = await keptKey(folder, gateKeyFile);
    const coming = await keptKey(folder, nextGateKeyFile);
    return new GateKeys(folder, shown ?? (await makeKey(folder, gateKeyFile)), coming);
  }

  get current(): GateKey {
    return this.shown;
  }

  get next(): GateKey | null {
    return this.coming;
  }

  /** What PCs are to pin, the key that is shown first. */
  get pins(): readonly [string, ...string[]] {
    return this.coming === null ? [this.shown.pin] : [this.shown.pin, this.coming.pin];
  }

  /** Makes the key that takes the present one's place; rejects with `conflict` when there is one. */
  async rotate(): Promise<void> {
    if (this.coming !== null) {
      const next =
        "show it with `roomcast trust show`, or let it take its place with `roomcast trust rotate --finish`";
      throw new RoomcastError("conflict", "there is a next key already", next);
    }
    this.coming = await makeKey(this.folder, nextGateKeyFile);
  }

  /** Shows the next key from now on, and forgets the present one; rejects with `conflict` without a next. */
  async finish(): Promise<void> {
    if (this.coming === null) {
      const next = "make one with `roomcast trust rotate`, and give the PCs time to hear of it";
      throw new RoomcastError("conflict", "there is no next key", next);
    }
    await rename(join(this.folder, nextGateKeyFile), join(this.folder, gateKeyFile));
    await syncDirectory(this.folder);
    this.shown = this.coming;
    this.coming = null;
  }
}

/** Null when there is no such file. */
async function keptKey(folder: string, name: string): Promise<GateKey | null> {
  const path = join(folder, name);
  try {
    const key = readKey(await readFile(path, "utf8"));
    return gateKey(key, (await stat(path)).mtime);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw new RoomcastError(
      "bad-input",
      `${path} is not a key of the gate: ${errorText(cause)}`,
      "put it back from a backup; without one remove it, and restart every PC that runs from this server",
      { cause },
    );
  }
}

/** Whole or not at all: a PC may have pinned it a moment later. */
async function makeKey(folder: string, name: string): Promise<GateKey> {
  const key = newKey();
  await writeDurably(join(folder, name), pemOf(key));
  return gateKey(key, new Date());
}

function gateKey(key: KeyObject, since: Date): GateKey {
  const pin = pinOf(spkiOf(key));
  return { pin, since: since.toISOString(), key: pemOf(key), cert: selfSigned(key) };
}
