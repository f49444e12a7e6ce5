/** The chunks of a payload file as a cast's source: stored as they are. */
import { open } from "node:fs/promises";
import type { ChunkSource } from "../../core/ports.ts";
import { chunkBytes } from "../../core/units/units.ts";

export async function openChunkSource(config: unknown): Promise<ChunkSource> {
  const file = await open((config as { path: string }).path, "r");
  return {
    async read(entryIndex) {
      const stored = new Uint8Array(chunkBytes);
      await file.read(stored, 0, chunkBytes, entryIndex * chunkBytes);
      return stored;
    },
    close: () => file.close(),
  };
}
