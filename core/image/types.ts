/**
 * An image is an immutable manifest (canonical JSON) and an index: 48 bytes for each chunk that is
 * kept, in the order of the disk. A chunk that no file system uses has no entry.
 */

/** The order and the codec numbers are part of the format. */
export const codec = { raw: 0, zstd: 1, zero: 2 } as const;
export type Codec = (typeof codec)[keyof typeof codec];

/** Length of one index entry. See `docs/image-format.md` for its layout. */
export const indexEntryBytes = 48;

export interface IndexEntry {
  /** Place on the disk's 1 MiB grid. */
  readonly chunkIndex: number;
  readonly codec: Codec;
  /** Bytes in the store and on the wire; 0 for `codec.zero`, at most the chunk's raw length. */
  readonly storedLength: number;
  /** CRC-32C of the stored bytes. */
  readonly crc32c: number;
  /** SHA-256 of the raw bytes: 32 bytes. */
  readonly sha256: Uint8Array;
}

export interface PartitionRecord {
  /** As the table numbers it, from 1; 0 for a file system that fills the disk without a table. */
  readonly index: number;
  /** The table's own type: a GUID in lower case, or `0x83` for MBR. */
  readonly type: string;
  /** As blkid names it (`ext4`, `ntfs`, `vfat`, `swap`, `LVM2_member`…), or null. */
  readonly fs: string | null;
  readonly label: string | null;
  readonly uuid: string | null;
  readonly start: number;
  readonly size: number;
  readonly usedBytes: number;
  readonly mode: "used" | "raw" | "skipped";
}

export interface Manifest {
  readonly format: "roomcast-image";
  /** 2: as 1, and its file holds its own hash (`encodeManifestFile`). 3: as 2, of a fitted image. A draft says 1. */
  readonly formatVersion: 1 | 2 | 3;
  /** 16 hex digits, random. */
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly capturedAt: string;
  /** The PC and disk it came from, in words, and the version of roomcast that read it. */
  readonly source: string;
  readonly diskBytes: number;
  readonly logicalSector: number;
  readonly chunkBytes: number;
  readonly chunkCount: number;
  readonly usedBytes: number;
  readonly storedBytes: number;
  readonly partitionTable: "gpt" | "mbr" | "none";
  readonly partitions: readonly PartitionRecord[];
  /** RFC 6962 Merkle tree hash over the index entries, hex. */
  readonly rootHash: string;
  readonly warnings: readonly string[];
  /** Of a fitted image: the id of the image that was made to fit a smaller disk, whose name and version it has. */
  readonly fitOf?: string;
  /** With `fitOf`: the disk's size as somebody wrote it (`240GB`). */
  readonly fitSize?: string;
}

/** What a capture knows before the server gives the image its id, version and time. */
export type ManifestDraft = Omit<
  Manifest,
  "id" | "name" | "version" | "capturedAt" | "storedBytes" | "fitOf" | "fitSize"
>;
