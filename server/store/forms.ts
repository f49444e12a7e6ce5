/** In which forms the store has the chunks of an index now. */
import { type Form, formBytes, formsOf, writeForm } from "../../core/image/forms.ts";
import { hashAt } from "../../core/image/index-codec.ts";
import { codec, indexEntryBytes } from "../../core/image/types.ts";

/** Entries that are looked up before other work has its turn: a millisecond. */
const entriesAtOnce = 256;

/** A chunk that is in no pack keeps the form of the index: whoever reads it is told that it is lost. */
export async function currentForms(
  index: Uint8Array,
  formsHere: (hashes: readonly Uint8Array[]) => readonly (Form | null)[],
  pause: () => Promise<void>,
): Promise<Uint8Array> {
  const forms = formsOf(index);
  const entryCount = forms.length / formBytes;
  for (let from = 0; from < entryCount; from += entriesAtOnce) {
    await pause();
    const entries: number[] = [];
    for (let entry = from; entry < Math.min(entryCount, from + entriesAtOnce); entry++)
      if (forms[entry * formBytes] !== codec.zero) entries.push(entry);
    const here = formsHere(entries.map((entry) => hashAt(index, entry * indexEntryBytes)));
    for (const [at, entry] of entries.entries()) {
      const form = here[at] ?? null;
      if (form !== null) writeForm(forms, entry, form);
    }
  }
  return forms;
}
