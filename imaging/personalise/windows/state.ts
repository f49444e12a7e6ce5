/** What a Windows says of how it was prepared to be cloned. */
import { readFile } from "node:fs/promises";
import { RoomcastError } from "../../../core/errors.ts";
import { readHive } from "./edit-hive.ts";
import type { HiveKey } from "./hive.ts";
import { contentOf, find, withNtfs } from "./ntfs.ts";

/** Where the hive is that every Windows has. */
export const systemHive = ["Windows", "System32", "config", "SYSTEM"] as const;
const stateFile = ["Windows", "Setup", "State", "State.ini"] as const;
/** It has two lines. */
const stateLimitBytes = 4096;

/** What it means that a Windows was not generalised; begins with it as the subject. */
export const notGeneralised =
  "Windows was not generalised (`sysprep /generalize /oobe /shutdown`): all its clones share one machine " +
  "SID. Windows 11 24H2, Windows Server 2025 and later refuse Kerberos and NTLM logons between such PCs " +
  "since their updates of August and September 2025 (event 6167 of LsaSrv)";

/**
 * Whether the Windows below `root` has gone through `sysprep /generalize` and was not started since: Microsoft
 * documents `State.ini` for that, beside a value of the registry that says the same.
 */
export async function isGeneralised(root: string): Promise<boolean> {
  const content = await contentOf(root, stateFile, stateLimitBytes);
  // Some write it in UTF-16: without its zeros it reads the same.
  const text = new TextDecoder("latin1").decode(content ?? new Uint8Array()).replaceAll("\0", "");
  return /^\s*ImageState\s*=\s*IMAGE_STATE_GENERALIZE_RESEAL_TO_(OOBE|AUDIT)\s*$/im.test(text);
}

/** The hive SYSTEM of the Windows below `root`; rejects as `readHive` does. */
export async function openSystemHive(
  root: string,
): Promise<{ readonly path: string; readonly file: Buffer; readonly hive: HiveKey }> {
  const path = await find(root, ...systemHive);
  if (path === null) throw new RoomcastError("failed", "its registry is gone", "restore it again");
  const file = await readFile(path);
  return { path, file, hive: readHive(file) };
}

/**
 * What is to be told of a Windows on an NTFS volume when it is captured; null: nothing, or there is none,
 * or it cannot be looked at here. Nothing is written.
 */
export async function windowsDoubt(device: string, signal: AbortSignal): Promise<string | null> {
  try {
    return await withNtfs(device, { write: false, signal }, async (root) => {
      if ((await find(root, ...systemHive)) === null) return null;
      return (await isGeneralised(root)) ? null : notGeneralised;
    });
  } catch {
    signal.throwIfAborted();
    return null;
  }
}
