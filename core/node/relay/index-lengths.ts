import { indexEntryBytes } from "../../image/types.ts";
import { u32At } from "../../wire/relay.ts";

/** Stored length of each entry of an index file; see `docs/image-format.md` for its layout. */
export function storedLengthsOf(index: Uint8Array): Uint32Array {
  const lengths = new Uint32Array(Math.floor(index.length / indexEntryBytes));
  for (let entry = 0; entry < lengths.length; entry++) {
    lengths[entry] = u32At(index, entry * indexEntryBytes + 8);
  }
  return lengths;
}
