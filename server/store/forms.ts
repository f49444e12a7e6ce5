/** In which forms the store has the chunks of an index now. */
import { formBytes, formsOf } from "../../core/image/forms.ts";
import { encodeEntry } from "../../core/image/index-codec.ts";
import { codec, indexEntryBytes } from "../../core/image/types.ts";
import type { ChunkPlace } from "./packs.ts";

/** Entries that are looked up before other work has its turn: a few milliseconds. */
const entriesAtOnce = 256;

/** A chunk that is in no pack keeps the form of the index: whoever reads it is told that it is lost. */
export async function currentForms(
  index: Uint8Array,
  placeOf: (hash: Uint8Array) => ChunkPlace | undefined,
  pause: () => Promise<void>,
): Promise<Uint8Array> {
  const forms = formsOf(index);
  for (let entry = 0; entry * formBytes < forms.length; entry++) {
    const at = entry * indexEntryBytes;
    if (entry % entriesAtOnce === 0) await pause();
    if (index[at + 4] === codec.zero) continue;
    const place = placeOf(index.subarray(at + 16, at + indexEntryBytes));
    if (place !== undefined) forms.set(formsOf(encodeEntry(place.entry)), entry * formBytes);
  }
  return forms;
}
