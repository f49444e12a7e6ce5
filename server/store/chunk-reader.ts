import { errorText, RoomcastError } from "../../core/errors.ts";
import { crc32c } from "../../core/image/crc32c.ts";
import { decodeEntry } from "../../core/image/index-codec.ts";
import { imageName } from "../../core/image/manifest.ts";
import { codec, type IndexEntry, indexEntryBytes, type Manifest } from "../../core/image/types.ts";
import type { StoredChunk } from "./pack-job.ts";
import { type ChunkPlace, isSamePlace } from "./packs.ts";

export interface ChunkReaderPorts {
  find(sha256: Uint8Array): ChunkPlace | undefined;
  read(place: ChunkPlace): Promise<Uint8Array>;
}

/** The chunk of an index entry in its form of now, checked against its CRC; `bad-input` names image and chunk. */
export async function readChunkOf(
  image: Manifest,
  index: Uint8Array,
  entryIndex: number,
  ports: ChunkReaderPorts,
): Promise<StoredChunk> {
  const isThere = Number.isInteger(entryIndex) && entryIndex >= 0;
  const decoded = isThere ? decodeEntry(index, entryIndex * indexEntryBytes) : null;
  if (decoded?.ok !== true) {
    const what = `image ${imageName(image)} has no index entry ${entryIndex}`;
    throw new RoomcastError("not-found", what, "fetch the image's index again");
  }
  const entry = decoded.value;
  try {
    const found = await readStored(entry, ports);
    if (crc32c(found.stored) !== found.entry.crc32c)
      throw new Error("its bytes do not match their CRC");
    return found;
  } catch (cause) {
    const why = errorText(cause);
    throw new RoomcastError(
      "bad-input",
      `image ${imageName(image)}: chunk ${entry.chunkIndex} is damaged in the store: ${why}`,
      "run `roomcast image verify`, check the disk that holds the data folder, and capture it again",
      { cause },
    );
  }
}

/** The same, unchecked; rejects with an Error that says only what is wrong. */
export async function readStored(entry: IndexEntry, ports: ChunkReaderPorts): Promise<StoredChunk> {
  if (entry.codec === codec.zero) return { entry, stored: new Uint8Array() };
  for (;;) {
    const place = ports.find(entry.sha256);
    if (place === undefined) throw new Error("it is in no pack");
    const read = await ports.read(place).then(
      (stored) => ({ stored }),
      (fault: unknown) => ({ fault }),
    );
    // Packed anew meanwhile: what was read may have been erased.
    if (!isSamePlace(ports.find(entry.sha256), place)) continue;
    if ("fault" in read) throw read.fault;
    return { entry: { ...place.entry, chunkIndex: entry.chunkIndex }, stored: read.stored };
  }
}
