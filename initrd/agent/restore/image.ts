import { createHash } from "node:crypto";
import { RoomcastError } from "../../../core/errors.ts";
import { decodeIndex } from "../../../core/image/index-codec.ts";
import { decodeManifest } from "../../../core/image/manifest.ts";
import {
  type Hash,
  rootHashOfEntries,
  rootHashOf as rootOfIndex,
} from "../../../core/image/merkle.ts";
import { bootCriticalEntryIndexes } from "../../../core/image/plan.ts";
import { type IndexEntry, indexEntryBytes, type Manifest } from "../../../core/image/types.ts";
import type { ServerFiles } from "../http.ts";

/** All that a restore needs to know of an image before its chunks come. */
export interface RestoreImage {
  readonly manifest: Manifest;
  /** The index as it is stored, and decoded. */
  readonly index: Uint8Array;
  readonly entries: readonly IndexEntry[];
  /** Places in the index of the chunks that make the disk bootable: they are written last. */
  readonly critical: readonly number[];
}

const sha256: Hash = (data) => new Uint8Array(createHash("sha256").update(data).digest());

/** The root hash of these entries, hex; for what was read back from a disk. */
export const rootHashOf = (entries: readonly IndexEntry[]): string =>
  rootHashOfEntries(entries, sha256);

/** Fetches manifest and index; rejects with `bad-input` when they are damaged or do not belong together. */
export async function fetchImage(files: ServerFiles, imageId: string): Promise<RestoreImage> {
  const refuse = (why: string): RoomcastError =>
    new RoomcastError(
      "bad-input",
      `the image that the server sent is damaged: ${why}`,
      "check it on the server with `roomcast image verify`",
    );
  const manifest = decodeManifest(new TextDecoder().decode(await files.manifest(imageId)));
  if (!manifest.ok) throw refuse(`manifest: ${manifest.reason}`);
  const { diskBytes, chunkCount, rootHash } = manifest.value;
  const index = await files.index(imageId, chunkCount * indexEntryBytes);
  const entries = decodeIndex(index, diskBytes);
  if (!entries.ok) throw refuse(`index: ${entries.reason}`);
  if (entries.value.length !== chunkCount) throw refuse("the index is not as long as it should be");
  if (rootOfIndex(index, sha256) !== rootHash) throw refuse("the index has another root hash");
  return {
    manifest: manifest.value,
    index,
    entries: entries.value,
    critical: bootCriticalEntryIndexes(manifest.value, entries.value),
  };
}
