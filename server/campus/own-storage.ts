/**
 * Whether a storage is the one that the campus put its objects into. One that has nothing of them is another one, or was
 * emptied: nobody shall take all that the campus has for lost, and put it there, because a bucket's name is wrong.
 */
import { RoomcastError } from "../../core/errors.ts";
import { imageObjectName } from "./pack-object.ts";
import type { ObjectStore } from "./ports.ts";

/** Images that are looked for. */
const lookedFor = 16;

/** `images`: ids of those that the campus has. Rejects with `failed`, and with `away`. */
export async function requireOwnStorage(
  images: readonly string[],
  objects: Pick<ObjectStore, "size">,
): Promise<void> {
  if (images.length === 0) return;
  for (const id of images.slice(0, lookedFor))
    if ((await objects.size(imageObjectName(id, "manifest"))) !== null) return;
  throw new RoomcastError(
    "failed",
    "the storage has nothing of the campus's images: it is another one, or everything in it is lost",
    "check [store.s3] endpoint and bucket; if the storage was emptied, run `roomcast image verify --repair` on each server that has images",
  );
}
