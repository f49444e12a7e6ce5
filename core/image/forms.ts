/**
 * The forms in which the chunks of an image are stored now: bytes 4 to 16 of an index entry, for each entry. The
 * index has those of the commit, and what an image is does not change with them (docs/image-format.md).
 */
import type { Decoded } from "../errors.ts";
import { hashOffset } from "./index-codec.ts";
import { putU32 } from "./little-endian.ts";
import { type Hash, rootHashOf } from "./merkle.ts";
import { codec, type IndexEntry, indexEntryBytes } from "./types.ts";

/** Of one form: codec, 3 bytes of 0, stored length, CRC-32C. */
export const formBytes = 12;
/** Where an index entry has its form. */
export const formOffset = 4;
/** zstd that saves less than 3 % of a raw chunk is not worth inflating. */
export const worthwhile = 0.97;

/** How one chunk is stored. */
export type Form = Pick<IndexEntry, "codec" | "storedLength" | "crc32c">;

/** The forms that an index names. */
export function formsOf(index: Uint8Array): Uint8Array {
  const count = index.length / indexEntryBytes;
  const forms = new Uint8Array(count * formBytes);
  for (let entry = 0; entry < count; entry++) {
    const at = entry * indexEntryBytes + formOffset;
    for (let byte = 0; byte < formBytes; byte++)
      forms[entry * formBytes + byte] = index[at + byte] as number;
  }
  return forms;
}

/** Writes the form of one entry to those of an index. */
export function writeForm(forms: Uint8Array, entry: number, form: Form): void {
  const at = entry * formBytes;
  forms[at] = form.codec;
  putU32(forms, at + 4, form.storedLength);
  putU32(forms, at + 8, form.crc32c);
}

/** The index with other forms of the same chunks. The entries are still to be decoded. */
export function withForms(index: Uint8Array, forms: Uint8Array): Decoded<Uint8Array> {
  if (forms.length * indexEntryBytes !== index.length * formBytes)
    return { ok: false, reason: "its forms are not as many as its chunks" };
  const formed = new Uint8Array(index);
  for (let entry = 0; entry * formBytes < forms.length; entry++) {
    const from = entry * formBytes;
    const at = entry * indexEntryBytes + formOffset;
    if ((forms[from] === codec.zero) !== (index[at] === codec.zero))
      return { ok: false, reason: `entry ${entry}: zeros are stored in another form` };
    for (let byte = 0; byte < formBytes; byte++) formed[at + byte] = forms[from + byte] as number;
  }
  return { ok: true, value: formed };
}

/** Whether a chunk is stored in the same form in both. */
export const isSameForm = (one: Form, other: Form): boolean =>
  one.codec === other.codec &&
  one.storedLength === other.storedLength &&
  one.crc32c === other.crc32c;

/** The root hash of the image with this index, were its chunks what `contents` says; in any form. */
export function rootHashOfContents(
  index: Uint8Array,
  contents: readonly Pick<IndexEntry, "sha256">[],
  hash: Hash,
): string {
  const found = new Uint8Array(index);
  for (const [entry, { sha256 }] of contents.entries())
    found.set(sha256, entry * indexEntryBytes + hashOffset);
  return rootHashOf(found, hash);
}
