import type { CastEntries } from "../../../core/cast/ends.ts";
import { RoomcastError } from "../../../core/errors.ts";
import { rootHashOfContents, withForms } from "../../../core/image/forms.ts";
import { decodeHead } from "../../../core/image/image-head.ts";
import { decodeIndex } from "../../../core/image/index-codec.ts";
import { decodeLivePlan } from "../../../core/image/live-plan.ts";
import { decodeManifest } from "../../../core/image/manifest.ts";
import { rootHashOf, rootHashOfEntries } from "../../../core/image/merkle.ts";
import { bootCriticalEntryIndexes } from "../../../core/image/plan.ts";
import {
  codec,
  type IndexEntry,
  indexEntryBytes,
  type Manifest,
} from "../../../core/image/types.ts";
import { writeSha256 } from "../../../core/node/hash.ts";
import type { ServerFiles } from "../link/http.ts";

/** All that a restore needs to know of an image before its chunks come. */
export interface RestoreImage {
  readonly manifest: Pick<
    Manifest,
    "diskBytes" | "logicalSector" | "partitionTable" | "partitions"
  >;
  /** Null where it is not known beforehand: of a live cast. */
  readonly rootHash: string | null;
  /**
   * The index with the forms in which the chunks come, and decoded. Of a live cast: only the entries'
   * `chunkIndex`.
   */
  readonly index: CastEntries;
  readonly entries: readonly IndexEntry[];
  /** Places in the index of the chunks that make the disk bootable: they are written last. */
  readonly critical: readonly number[];
  /** The root hash of the image, hex, were its entries what was read back from a disk. */
  rootHashOf(verified: readonly IndexEntry[]): string;
}

/** Fetches manifest, index and forms, in one piece; rejects with `bad-input` when they are damaged or do not belong together. */
export async function fetchImage(files: ServerFiles, imageId: string): Promise<RestoreImage> {
  const refuse = (why: string): RoomcastError =>
    new RoomcastError(
      "bad-input",
      `the image that the server sent is damaged: ${why}`,
      "check it on the server with `roomcast image verify`",
    );
  const head = decodeHead(await files.head(imageId));
  if (!head.ok) throw refuse(head.reason);
  const { index, forms } = head.value;
  const manifest = decodeManifest(new TextDecoder().decode(head.value.manifest));
  if (!manifest.ok) throw refuse(`manifest: ${manifest.reason}`);
  const { diskBytes, chunkCount, rootHash } = manifest.value;
  if (index.length !== chunkCount * indexEntryBytes)
    throw refuse("the index is not as long as it should be");
  if (rootHashOf(index, writeSha256) !== rootHash) throw refuse("the index has another root hash");
  const formed = withForms(index, forms);
  if (!formed.ok) throw refuse(`index: ${formed.reason}`);
  const entries = decodeIndex(formed.value, diskBytes);
  if (!entries.ok) throw refuse(`index: ${entries.reason}`);
  return {
    manifest: manifest.value,
    rootHash,
    index: formed.value,
    entries: entries.value,
    critical: bootCriticalEntryIndexes(manifest.value, entries.value),
    rootHashOf: (verified) => rootHashOfContents(index, verified, writeSha256),
  };
}

/** Fetches what a live cast will be of; its entries are announced later. Rejects as `fetchImage` does. */
export async function fetchLiveImage(files: ServerFiles, task: string): Promise<RestoreImage> {
  const plan = decodeLivePlan(new TextDecoder().decode(await files.livePlan(task)));
  if (!plan.ok) {
    const next = "start the cast again; should it happen again, update the server";
    throw new RoomcastError("bad-input", `the plan that the server sent: ${plan.reason}`, next);
  }
  const { manifest, chunkIndexes } = plan.value;
  const unknown = new Uint8Array(32);
  const entries = Array.from(
    chunkIndexes,
    (chunkIndex): IndexEntry => ({
      chunkIndex,
      codec: codec.raw,
      storedLength: 0,
      crc32c: 0,
      sha256: unknown,
    }),
  );
  return {
    manifest,
    rootHash: null,
    index: { entryCount: entries.length },
    entries,
    critical: bootCriticalEntryIndexes(manifest, entries),
    rootHashOf: (verified) => rootHashOfEntries(verified, writeSha256),
  };
}
