/** The image's root hash: RFC 6962 section 2.1, Merkle Hash Trees; a leaf is an index entry. */

import { encodeIndex } from "./index-codec.ts";
import type { IndexEntry } from "./types.ts";
import { indexEntryBytes } from "./types.ts";

/** SHA-256, 32 bytes. */
export type Hash = (data: Uint8Array) => Uint8Array;

/** Merkle tree hash of the entries of a whole index, as lower-case hex. */
export function rootHashOf(index: Uint8Array, hash: Hash): string {
  const leaf = new Uint8Array(1 + indexEntryBytes);
  const node = new Uint8Array(1 + 64);
  node[0] = 1;
  // Subtrees that are complete, the largest first; a binary counter of leaves.
  const stack: { size: number; sum: Uint8Array }[] = [];
  const join = (left: Uint8Array, right: Uint8Array): Uint8Array => {
    node.set(left, 1);
    node.set(right, 33);
    return hash(node);
  };
  for (let offset = 0; offset < index.length; offset += indexEntryBytes) {
    leaf.set(index.subarray(offset, offset + indexEntryBytes), 1);
    let top = { size: 1, sum: hash(leaf) };
    while (stack.at(-1)?.size === top.size) {
      const left = stack.pop() as typeof top;
      top = { size: top.size * 2, sum: join(left.sum, top.sum) };
    }
    stack.push(top);
  }
  let sum = stack.pop()?.sum ?? hash(new Uint8Array());
  for (let left = stack.pop(); left !== undefined; left = stack.pop()) sum = join(left.sum, sum);
  return toHex(sum);
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
