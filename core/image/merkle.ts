/** The image's root hash: RFC 6962 section 2.1, Merkle Hash Trees; a leaf is an index entry. */

import { encodeIndex } from "./index-codec.ts";
import type { IndexEntry } from "./types.ts";
import { indexEntryBytes } from "./types.ts";

/** Writes SHA-256 of `data` to the 32 bytes of `into` from `at` on. */
export type Hash = (data: Uint8Array, into: Uint8Array, at: number) => void;

const hashBytes = 32;
/** Of one leaf more than an index can have. */
const deepest = 33;

/** Merkle tree hash of the entries of a whole index, as lower-case hex. */
export function rootHashOf(index: Uint8Array, hash: Hash): string {
  const leaf = new Uint8Array(1 + indexEntryBytes);
  const node = new Uint8Array(1 + 2 * hashBytes);
  node[0] = 1;
  // Of subtrees that are complete, the largest first.
  const sums = new Uint8Array(deepest * hashBytes);
  let sumCount = 0;
  const join = (): void => {
    const left = (sumCount - 2) * hashBytes;
    copy(sums, left, node);
    hash(node, sums, left);
    sumCount--;
  };
  let leafCount = 0;
  for (let offset = 0; offset < index.length; offset += indexEntryBytes) {
    copy(index, offset, leaf);
    hash(leaf, sums, sumCount++ * hashBytes);
    leafCount++;
    for (let subtrees = leafCount; subtrees % 2 === 0; subtrees /= 2) join();
  }
  if (leafCount === 0) hash(new Uint8Array(), sums, sumCount++);
  while (sumCount > 1) join();
  return toHex(sums.subarray(0, hashBytes));
}

/** Fills `into` behind its first byte. For so few bytes, `set` of a part takes longer than the hash. */
function copy(from: Uint8Array, at: number, into: Uint8Array): void {
  for (let byte = 1; byte < into.length; byte++) into[byte] = from[at + byte - 1] as number;
}

/** As `rootHashOf`, of entries. */
export const rootHashOfEntries = (entries: readonly IndexEntry[], hash: Hash): string =>
  rootHashOf(encodeIndex(entries), hash);

/** Lower-case hex. */
export function toHex(data: Uint8Array): string {
  let text = "";
  for (const byte of data) text += byte.toString(16).padStart(2, "0");
  return text;
}
