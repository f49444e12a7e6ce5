import { stat } from "node:fs/promises";
import { RoomcastError } from "../../core/errors.ts";
import type { CampusSettings } from "./ends.ts";

/**
 * The server runs as whoever owns its data folder, and reads the secrets then; who migrates is root, and reads them all.
 * Throws `refused` for one of another user. What is not there is told by whoever reads it.
 */
export async function requireOwnSecrets(
  { database, storage, seal }: CampusSettings,
  dataFolder: string,
): Promise<void> {
  const { uid } = await stat(dataFolder);
  if (uid === 0) return;
  for (const path of [
    database.passwordFile,
    storage.accessKeyFile,
    storage.secretKeyFile,
    seal ?? undefined,
  ]) {
    const found = path === undefined ? null : await stat(path).catch(() => null);
    if (found === null || found.uid === uid) continue;
    throw new RoomcastError(
      "refused",
      `${path} belongs to another user than the server runs as, which could not read it`,
      `run: chown --reference=${dataFolder} ${path}`,
    );
  }
}
