/** Mark and sweep: which stored chunks and packs no image and no writer needs. */
import { indexEntryBytes } from "../../core/image/types.ts";
import { hashKey } from "../../core/node/hash.ts";
import type { ChunkPlace } from "./packs.ts";

/** The hashes that indexes name, as `hashKey`. Other work has its turn (`pause`) after each image. */
export async function markLive(
  indexes: AsyncIterable<Uint8Array>,
  pause: () => Promise<void>,
): Promise<Set<string>> {
  const live = new Set<string>();
  for await (const index of indexes) {
    for (let at = 0; at < index.length; at += indexEntryBytes) {
      live.add(hashKey(index.subarray(at + 16, at + indexEntryBytes)));
    }
    await pause();
  }
  return live;
}

export interface Dead {
  readonly places: readonly ChunkPlace[];
  /** Of what is alive: every other pack may go whole. */
  readonly livePacks: ReadonlySet<number>;
}

/** Splits the stored chunks. It does not wait for anything, so that no writer learns meanwhile that a dead chunk is stored. */
export function findDead(stored: Iterable<ChunkPlace>, isLive: (hash: string) => boolean): Dead {
  const places: ChunkPlace[] = [];
  const livePacks = new Set<number>();
  for (const place of stored) {
    if (isLive(hashKey(place.entry.sha256))) livePacks.add(place.pack);
    else places.push(place);
  }
  return { places, livePacks };
}
