/** Puts the images of a server that stood alone into a campus. Killed at any moment, it goes on when it is done again. */
import { randomBytes } from "node:crypto";
import { imageName } from "../../core/image/manifest.ts";
import type { Manifest } from "../../core/image/types.ts";
import { hostTime } from "../campus/host-time.ts";
import { packObjectName } from "../campus/pack-object.ts";
import { saltBytes } from "../campus/seal.ts";
import { uploadImage } from "../campus/upload.ts";
import { nodeFiles } from "../store/files.ts";
import type { CampusEnds } from "./ends.ts";
import type { Island } from "./island.ts";
import type { MovePlan } from "./plan.ts";

export interface MoveOptions {
  readonly signal: AbortSignal;
  /** Stored bytes that were put, of all. */
  progress(done: number, total: number): void;
  /** Why it waits, or what it passed over, in words. */
  note(text: string): void;
}

/** The images that the campus has now. One that the server deletes meanwhile is passed over. Rejects with the signal's reason. */
export async function moveIn(
  island: Island,
  { lacking, bytes }: Pick<MovePlan, "lacking" | "bytes">,
  { registry, objects, seal, images }: Pick<CampusEnds, "registry" | "objects" | "seal" | "images">,
  { signal, progress, note }: MoveOptions,
): Promise<Manifest[]> {
  const moved: Manifest[] = [];
  let done = 0;
  for (const image of lacking) {
    signal.throwIfAborted();
    try {
      await uploadImage(
        image,
        {
          ...{ registry, objects, seal, time: hostTime },
          salt: () => randomBytes(saltBytes),
          index: (id) => island.index(id),
          async storedChunk(id, entry) {
            const found = await island.storedChunk(id, entry);
            done += found.stored.length;
            progress(Math.min(done, bytes), bytes);
            return found;
          },
          // Nobody else changes what is known: this process only moves.
          exclusively: (work) => work(),
          isLacking: () => true,
          committed: async () => {},
          shared: () => images.map(({ manifest: { id } }) => id),
          lost: (pack) =>
            note(
              `the storage has lost ${packObjectName(pack)}: what this server has of it is put there again`,
            ),
          waits: (reason) => {
            if (reason !== null) note(`${imageName(image)} waits: ${reason}`);
          },
          pause: () => nodeFiles.pause(),
        },
        signal,
      );
      moved.push(image);
    } catch (error) {
      signal.throwIfAborted();
      if (await island.stillHas(image.id)) throw error;
      note(`${imageName(image)} was deleted on this server meanwhile`);
    }
  }
  return moved;
}
