/** The chunks of one image, for a cast: read by a thread of its own beside the server's. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { RoomcastError } from "../../core/errors.ts";
import { decodeManifest } from "../../core/image/manifest.ts";
import type { ChunkSource } from "../../core/ports.ts";
import { readCatalogue } from "./catalogue.ts";
import { readChunkOf } from "./chunk-reader.ts";
import { readIndex } from "./image-files.ts";
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
  const text = await readFile(join(folder, `${imageId}.json`), "utf8").catch((cause: unknown) => {
    const next = "see `roomcast image list`";
    throw new RoomcastError("not-found", `there is no image ${imageId}`, next, { cause });
  });
  const manifest = decodeManifest(text);
  if (!manifest.ok) {
    const what = `the manifest of image ${imageId} is damaged: ${manifest.reason}`;
    throw new RoomcastError("bad-input", what, "capture it again");
  }
  const index = await readIndex(folder, manifest.value);
  const packs = await Packs.open(join(directory, "packs"));
  const catalogue = readCatalogue(directory);
  const ports = {
    find: (sha256: Uint8Array) => catalogue.find(sha256),
    read: packs.read.bind(packs),
  };
  return {
    read: (entryIndex) => readChunkOf(manifest.value, index, entryIndex, ports),
    async close() {
      await packs.close();
      catalogue.close();
    },
  };
}
