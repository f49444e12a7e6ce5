/** The chunks of one image, for a cast: read by a thread of its own beside the server's. */
import { join } from "node:path";
import type { Manifest } from "../../core/image/types.ts";
import type { ChunkSource } from "../../core/ports.ts";
import { readCatalogue } from "./catalogue.ts";
import { readChunkOf } from "./chunk-reader.ts";
import { nodeFiles } from "./files.ts";
import { Packs } from "./packs.ts";

export interface CastSourceConfig {
  /** The store's folder, as `openImageStore` has it. */
  readonly directory: string;
  readonly image: Manifest;
  /** Its index, which was checked, in any form. */
  readonly index: Uint8Array;
}

/** The chunks in their forms of now; a read rejects as `readChunkOf`. */
export async function openChunkSource(config: unknown): Promise<ChunkSource> {
  const { directory, image, index } = config as CastSourceConfig;
  const packs = await Packs.open(join(directory, "packs"), nodeFiles);
  const catalogue = readCatalogue(directory);
  const ports = {
    find: (sha256: Uint8Array) => catalogue.find(sha256),
    read: packs.read.bind(packs),
  };
  return {
    async read(entryIndex) {
      return (await readChunkOf(image, index, entryIndex, ports)).stored;
    },
    async close() {
      await packs.close();
      catalogue.close();
    },
  };
}
