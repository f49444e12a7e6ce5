/** The chunks of one image, for a cast: read by a thread of its own beside the server's. */
import { join } from "node:path";
import type { ChunkSource } from "../../core/ports.ts";
import { readCatalogue } from "./catalogue.ts";
import { checkHere } from "./checkers.ts";
import { readChunkOf } from "./chunk-reader.ts";
import { nodeFiles } from "./files.ts";
import { readIndex, readManifest } from "./image-files.ts";
import { Packs } from "./packs.ts";

export interface CastSourceConfig {
  /** The store's folder, as `openImageStore` has it. */
  readonly directory: string;
  readonly imageId: string;
}

/** Rejects with `not-found`, or `bad-input` when manifest or index are damaged. */
export async function openChunkSource(config: unknown): Promise<ChunkSource> {
  const { directory, imageId } = config as CastSourceConfig;
  const folder = join(directory, "images");
  const manifest = await readManifest(nodeFiles, folder, imageId);
  const index = await readIndex(nodeFiles, folder, manifest, checkHere);
  const packs = await Packs.open(join(directory, "packs"), nodeFiles);
  const catalogue = readCatalogue(directory);
  const ports = {
    find: (sha256: Uint8Array) => catalogue.find(sha256),
    read: packs.read.bind(packs),
  };
  return {
    async read(entryIndex) {
      return (await readChunkOf(manifest, index, entryIndex, ports)).stored;
    },
    async close() {
      await packs.close();
      catalogue.close();
    },
  };
}
