import type { CastEntries } from "../../cast/ends.ts";
import { unknownLength } from "../../cast/entries.ts";
import { RoomcastError } from "../../errors.ts";
import { indexEntryBytes } from "../../image/types.ts";
import { chunkBytes } from "../../units/units.ts";
import { readU32 } from "../../wire/cast.ts";

/** Offset of `storedLength` in an index entry (`core/image/index-codec.ts`). */
const storedLengthOffset = 8;

/** The stored length of each entry. Throws a RoomcastError when the index file is none. */
export function storedLengthsOf(index: CastEntries): Uint32Array {
  if (!(index instanceof Uint8Array)) return new Uint32Array(index.entryCount).fill(unknownLength);
  const lengths = new Uint32Array(Math.floor(index.length / indexEntryBytes));
  for (let entry = 0; entry < lengths.length; entry++)
    lengths[entry] = readU32(index, entry * indexEntryBytes + storedLengthOffset);
  if (index.length % indexEntryBytes !== 0 || lengths.some((length) => length > chunkBytes)) {
    throw new RoomcastError(
      "bad-input",
      "the image's index is damaged",
      "run `roomcast image verify` on the server",
    );
  }
  return lengths;
}
