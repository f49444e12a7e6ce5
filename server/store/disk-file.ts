/** An image's disk as one file, compressed as its chunks are stored: hardly anything is computed for it. */
import { assert, RoomcastError } from "../../core/errors.ts";
import { withForms } from "../../core/image/forms.ts";
import { decodeEntry } from "../../core/image/index-codec.ts";
import { codec, type IndexEntry, indexEntryBytes, type Manifest } from "../../core/image/types.ts";
import { rawFrame, rawFrameBytes, zeroFrame, zeroFrameBytes } from "../../core/image/zstd-frame.ts";
import { chunkCountOf, chunkLengthAt } from "../../core/units/units.ts";
import type { ImageStore } from "./image-store.ts";

/** Frames of zeros are sent together, up to so many bytes: there may be half a million of them. */
const togetherBytes = 64 * 1024;

export interface DiskFile {
  readonly bytes: number;
  /** Rejects as `readChunk` does: a chunk that is damaged is not sent. */
  readonly parts: AsyncIterable<Uint8Array>;
}

/** The file for `zstd -d`. Rejects with `not-found`, or `bad-input` when the index is damaged. */
export async function zstdDiskFile(
  store: ImageStore,
  { id, diskBytes }: Pick<Manifest, "id" | "diskBytes">,
): Promise<DiskFile> {
  const forms = await store.forms(id);
  const formed = withForms(await store.index(id), forms);
  assert(formed.ok, "the forms are the index's own");
  const index = formed.value;
  const chunkCount = chunkCountOf(diskBytes);
  let bytes = 0;
  for (const { length, entry } of chunksOf(index, diskBytes, chunkCount)) {
    bytes +=
      entry === null || entry.codec === codec.zero
        ? zeroFrameBytes(length)
        : entry.codec === codec.raw
          ? rawFrameBytes(length)
          : entry.storedLength;
  }
  const chunks = chunksOf(index, diskBytes, chunkCount);
  return { bytes, parts: partsOf(store, { id, forms }, chunks) };
}

async function* partsOf(
  store: ImageStore,
  { id, forms }: { readonly id: string; readonly forms: Uint8Array },
  chunks: Iterable<PlacedChunk>,
): AsyncGenerator<Uint8Array> {
  // So long is what was promised.
  using _ = store.holdForms();
  if (!Buffer.from(await store.forms(id)).equals(forms)) {
    const what = "the image was being packed anew";
    throw new RoomcastError("conflict", what, "fetch it again");
  }
  let zeros: Uint8Array[] = [];
  let zeroBytes = 0;
  for (const { length, entry } of chunks) {
    if (entry === null || entry.codec === codec.zero) {
      const frame = zeroFrame(length);
      zeros.push(frame);
      zeroBytes += frame.length;
      if (zeroBytes < togetherBytes) continue;
    }
    if (zeroBytes > 0) yield Buffer.concat(zeros);
    [zeros, zeroBytes] = [[], 0];
    if (entry === null || entry.codec === codec.zero) continue;
    const stored = await store.readChunk(id, entry.entryIndex);
    yield entry.codec === codec.raw ? rawFrame(stored) : stored;
  }
  if (zeroBytes > 0) yield Buffer.concat(zeros);
}

interface PlacedChunk {
  /** Raw, in bytes. */
  readonly length: number;
  /** Null: no file system uses it. */
  readonly entry: (IndexEntry & { readonly entryIndex: number }) | null;
}

/** All of the disk, in its order. The index is one that the store has checked. */
function* chunksOf(
  index: Uint8Array,
  diskBytes: number,
  chunkCount: number,
): Generator<PlacedChunk> {
  let entryIndex = 0;
  let next = entryAt(index, entryIndex);
  for (let chunkIndex = 0; chunkIndex < chunkCount; chunkIndex++) {
    const length = chunkLengthAt(chunkIndex, diskBytes);
    if (next?.chunkIndex !== chunkIndex) {
      yield { length, entry: null };
      continue;
    }
    yield { length, entry: { ...next, entryIndex } };
    next = entryAt(index, ++entryIndex);
  }
}

/** Null: there are no more. */
function entryAt(index: Uint8Array, entryIndex: number): IndexEntry | null {
  const at = entryIndex * indexEntryBytes;
  if (at >= index.length) return null;
  const decoded = decodeEntry(index, at);
  assert(decoded.ok, "an index that was read was looked into");
  return decoded.value;
}
