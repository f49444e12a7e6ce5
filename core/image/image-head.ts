/**
 * All that comes before an image's chunks, in one piece: the manifest as canonical JSON, a line feed (which that has
 * none of), the index, and the forms of its entries. A room asks for it at once, each PC with one request.
 */
import type { Decoded } from "../errors.ts";
import { formBytes } from "./forms.ts";
import { manifestLimit } from "./manifest.ts";
import { indexEntryBytes } from "./types.ts";

/** Of one disk: 16 TiB of it are kept. */
const entriesLimit = 16 * 1024 * 1024;
/** A longer one is refused. */
export const headLimit = manifestLimit + 1 + entriesLimit * (indexEntryBytes + formBytes);

export interface ImageHead {
  /** Its JSON as UTF-8. */
  readonly manifest: Uint8Array;
  /** As it was committed. */
  readonly index: Uint8Array;
  readonly forms: Uint8Array;
}

const lineFeed = 10;

export function encodeHead({ manifest, index, forms }: ImageHead): Uint8Array<ArrayBuffer> {
  const head = new Uint8Array(manifest.length + 1 + index.length + forms.length);
  head.set(manifest);
  head[manifest.length] = lineFeed;
  head.set(index, manifest.length + 1);
  head.set(forms, manifest.length + 1 + index.length);
  return head;
}

/** The parts of `head`, none of them looked into: there are as many forms as entries. */
export function decodeHead(head: Uint8Array): Decoded<ImageHead> {
  const end = head.indexOf(lineFeed);
  const entryCount = (head.length - end - 1) / (indexEntryBytes + formBytes);
  if (end < 0 || !Number.isInteger(entryCount)) return { ok: false, reason: "truncated" };
  const formsAt = end + 1 + entryCount * indexEntryBytes;
  const index = head.subarray(end + 1, formsAt);
  return {
    ok: true,
    value: { manifest: head.subarray(0, end), index, forms: head.subarray(formsAt) },
  };
}
