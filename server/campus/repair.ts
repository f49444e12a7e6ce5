/** Puts into the storage again what it has lost of images that are here. */
import { imageName } from "../../core/image/manifest.ts";
import type { Manifest } from "../../core/image/types.ts";
import type { FolderStore } from "../store/folder-store.ts";
import type { Damage } from "../store/verify.ts";
import { packOfObject } from "./pack-object.ts";
import { type AgainPorts, putAgain } from "./upload.ts";

export interface RepairPorts extends Omit<AgainPorts, "index" | "storedChunk"> {
  readonly folder: Pick<FolderStore, "isHere" | "index" | "storedChunk">;
  hold(imageId: string): Disposable;
}

/** `lost`: what was found of these images. Rejects with `away`, or as the signal. */
export async function repairLost(
  images: readonly Manifest[],
  lost: readonly Damage[],
  { folder, hold, ...ports }: RepairPorts,
  signal: AbortSignal,
): Promise<void> {
  const objects = new Set(lost.flatMap(({ pack }) => pack ?? []));
  const packs = new Set([...objects].flatMap((name) => packOfObject(name) ?? []));
  for (const image of images) {
    const isMeant = lost.some((damage) => damage.images.includes(imageName(image)));
    if (!isMeant || !folder.isHere(image.id)) continue;
    using _ = hold(image.id);
    const again: AgainPorts = {
      ...ports,
      index: (id) => folder.index(id),
      storedChunk: (id, entry) => folder.storedChunk(id, entry),
    };
    await putAgain(image, { packs, objects }, again, signal);
  }
}
