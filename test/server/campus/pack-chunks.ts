/** Packs for tests: chunks that tell each other apart, and a key. */
import { codec, type IndexEntry } from "../../../core/image/types.ts";
import { PackBuilder } from "../../../server/campus/pack-object.ts";
import { Seal, saltBytes } from "../../../server/campus/seal.ts";
import { entryOf } from "../store/write-image.ts";

export const keyOf = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
export const seal = new Seal(keyOf(7));
export const saltOf = (fill: number): Uint8Array => new Uint8Array(saltBytes).fill(fill);
/** Both ways in which a campus keeps its packs. */
export const both = [null, seal] as const;

export interface Chunk {
  readonly entry: IndexEntry;
  readonly stored: Uint8Array;
}

/** Its stored bytes stand for a compressed form: nobody inflates them here. */
export function chunkOf(fill: number, storedLength: number): Chunk {
  const stored = new Uint8Array(storedLength).fill(fill);
  return { entry: { ...entryOf(fill, stored), codec: codec.zstd }, stored };
}

export function packOf(chunks: readonly Chunk[], sealedBy: Seal | null, salt = saltOf(1)) {
  const builder = new PackBuilder(sealedBy === null ? null : { seal: sealedBy, salt });
  for (const { entry, stored } of chunks) builder.add(entry, stored);
  return builder.finish();
}
