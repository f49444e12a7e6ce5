import { createHash } from "node:crypto";
import { crc32c } from "../../../core/image/crc32c.ts";
import { encodeIndex } from "../../../core/image/index-codec.ts";
import { rootHashOf } from "../../../core/image/merkle.ts";
import {
  codec,
  type IndexEntry,
  type Manifest,
  type ManifestDraft,
} from "../../../core/image/types.ts";
import { writeSha256 } from "../../../core/node/hash.ts";
import type { ImageStore } from "../../../server/store/image-store.ts";

export const mib = 1 << 20;
export const sha256 = (data: Uint8Array) =>
  new Uint8Array(createHash("sha256").update(data).digest());
export const entryOf = (chunkIndex: number, data: Uint8Array): IndexEntry => ({
  chunkIndex,
  codec: codec.raw,
  storedLength: data.length,
  crc32c: crc32c(data),
  sha256: sha256(data),
});

/** Commits an image of whole chunks, as they are. */
export async function write(
  store: ImageStore,
  chunks: Uint8Array[],
  name = "lab",
  more: Partial<ManifestDraft> = {},
): Promise<Manifest> {
  const writer = store.beginImage(name);
  const entries = chunks.map((data, at) => entryOf(at, data));
  for (const [at, entry] of entries.entries()) await writer.put(entry, chunks[at] as Uint8Array);
  const index = encodeIndex(entries);
  return writer.commit({ ...draftOf(index, chunks.length), ...more }, index);
}

export const draftOf = (index: Uint8Array, chunkCount: number): ManifestDraft => ({
  format: "roomcast-image",
  formatVersion: 1,
  source: "test",
  diskBytes: chunkCount * mib,
  logicalSector: 512,
  chunkBytes: mib,
  chunkCount,
  usedBytes: chunkCount * mib,
  partitionTable: "none",
  partitions: [],
  rootHash: rootHashOf(index, writeSha256),
  warnings: [],
});
