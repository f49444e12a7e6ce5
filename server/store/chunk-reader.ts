import { errorText, RoomcastError } from "../../core/errors.ts";
import { crc32c } from "../../core/image/crc32c.ts";
import { decodeEntry } from "../../core/image/index-codec.ts";
import { imageName } from "../../core/image/manifest.ts";
import { codec, type IndexEntry, indexEntryBytes, type Manifest } from "../../core/image/types.ts";
import type { ChunkPlace } from "./packs.ts";

export interface ChunkReaderPorts {
  find(sha256: Uint8Array): ChunkPlace | undefined;
  read(place: ChunkPlace): Promise<Uint8Array>;
}

/** The stored bytes of an index entry, checked against their CRC; `bad-input` names image and chunk. */
export async function readChunkOf(
  image: Manifest,
  index: Uint8Array,
  entryIndex: number,
  ports: ChunkReaderPorts,
): Promise<Uint8Array> {
  const isThere = Number.isInteger(entryIndex) && entryIndex >= 0;
  const decoded = isThere ? decodeEntry(index, entryIndex * indexEntryBytes) : null;
  if (decoded?.ok !== true) {
    const what = `image ${imageName(image)} has no index entry ${entryIndex}`;
    throw new RoomcastError("not-found", what, "fetch the image's index again");
  }
  const entry = decoded.value;
  try {
    const stored = await readStored(entry, ports);
    if (crc32c(stored) !== entry.crc32c) throw new Error("its bytes do not match their CRC");
    return stored;
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

/** As they are stored, unchecked; rejects with an Error that says only what is wrong. */
export async function readStored(entry: IndexEntry, ports: ChunkReaderPorts): Promise<Uint8Array> {
  if (entry.codec === codec.zero) return new Uint8Array();
  const place = ports.find(entry.sha256);
  if (place === undefined) throw new Error("it is in no pack");
  if (place.entry.codec !== entry.codec || place.entry.storedLength !== entry.storedLength) {
    throw new Error("it is stored in another form");
  }
  return ports.read(place);
}
