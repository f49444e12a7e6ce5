/** The bytes of an image's disk before it is on any disk: chunk by chunk, from where they are sure to be right. */
import { RoomcastError } from "../../core/errors.ts";
import type { ByteSource } from "../../core/image/byte-source.ts";
import { codec, type IndexEntry } from "../../core/image/types.ts";
import { chunkCalls } from "../../core/node/chunk-calls.ts";
import { chunkBytes, chunkLengthAt } from "../../core/units/units.ts";
import { checkedChunk } from "./chunk-check.ts";

export interface ImageChunks {
  readonly diskBytes: number;
  readonly entries: readonly IndexEntry[];
  /** The stored bytes of an entry. */
  fetch(entryIndex: number): Promise<Uint8Array>;
}

/** What no chunk holds is zeros. Reads reject with `bad-input` where a chunk is not what the index says. */
export function imageSource({ diskBytes, entries, fetch }: ImageChunks): ByteSource {
  /** Made when something is read: for most restores nothing is. */
  let entryIndexes: ReadonlyMap<number, number> | null = null;
  // Those who look at a partition ask for its first chunk many times.
  let last: { readonly chunkIndex: number; readonly raw: Uint8Array } | null = null;
  const rawOf = async (chunkIndex: number): Promise<Uint8Array> => {
    if (last?.chunkIndex === chunkIndex) return last.raw;
    const length = chunkLengthAt(chunkIndex, diskBytes);
    let raw: Uint8Array | null = new Uint8Array(length);
    entryIndexes ??= new Map(entries.map(({ chunkIndex: each }, at) => [each, at]));
    const entryIndex = entryIndexes.get(chunkIndex);
    const entry = entryIndex === undefined ? undefined : entries[entryIndex];
    if (entryIndex !== undefined && entry !== undefined && entry.codec !== codec.zero) {
      raw = await checkedChunk(entry, length, await fetch(entryIndex), raw, chunkCalls);
    }
    if (raw === null) throw damaged(chunkIndex);
    last = { chunkIndex, raw };
    return raw;
  };
  return {
    size: diskBytes,
    async read(offset, length) {
      const out = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const at = offset + done;
        const skip = at % chunkBytes;
        const raw = await rawOf((at - skip) / chunkBytes);
        const piece = raw.subarray(skip, skip + length - done);
        if (piece.length === 0) throw new Error(`byte ${at} lies beyond the image's disk`);
        out.set(piece, done);
        done += piece.length;
      }
      return out;
    },
  };
}

const damaged = (chunkIndex: number): RoomcastError =>
  new RoomcastError(
    "bad-input",
    `chunk ${chunkIndex} of the image does not match its hash`,
    "run `roomcast image verify` on the server",
  );
