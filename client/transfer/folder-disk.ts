/** A disk out of the folder that another tool keeps it in: its table, and a file or more for each partition. */
import { RoomcastError } from "../../core/errors.ts";
import type { Extent } from "../../core/image/extents.ts";
import type { PlacedBytes } from "../../core/image/mbr-writer.ts";
import type { PartcloneHeader } from "../../core/image/partclone.ts";
import type { PartitionTable } from "../../core/image/partition-table.ts";
import { planCapture } from "../../core/image/plan.ts";
import type { PartitionRecord } from "../../core/image/types.ts";
import type { DiskMap } from "../../imaging/capture/disk-map.ts";
import { ByteReader, damagedSource, readFiles } from "./byte-reader.ts";
import { compressionOf, decompressed } from "./compression.ts";
import { ForwardDisk, type ForwardVolume, type Piece, type PlacedVolume } from "./forward-disk.ts";
import { openPartclone } from "./partclone-volume.ts";
import { swapHeader } from "./swap-header.ts";

export type SavedContent =
  /** Files that make one stream when joined, compressed or not. */
  | { readonly kind: "partclone" | "whole"; readonly files: readonly string[] }
  | { readonly kind: "swap"; readonly uuid: string; readonly label: string }
  /** The folder has nothing of it. */
  | { readonly kind: "nothing" };

export interface SavedPartition
  extends Pick<PartitionRecord, "index" | "type" | "start" | "size" | "fs" | "label" | "uuid"> {
  readonly content: SavedContent;
}

export interface FolderDisk {
  /** In words, for the image's source. */
  readonly source: string;
  readonly diskBytes: number;
  readonly logicalSector: number;
  readonly table: "gpt" | "mbr";
  /** Table, boot loader, EBRs; a later one lies over an earlier one. */
  readonly placed: readonly PlacedBytes[];
  readonly partitions: readonly SavedPartition[];
  readonly warnings: readonly string[];
}

export interface OpenFolderDisk extends AsyncDisposable {
  readonly disk: ForwardDisk;
  readonly map: DiskMap;
}

/** What of a table a plan that is made already still needs. */
export const emptyTable = (kind: PartitionTable["kind"]): PartitionTable => ({
  kind,
  partitions: [],
  warnings: [],
  doubtful: new Set(),
  extended: null,
  active: new Set(),
});

/** Longer than any boot loader's place before the first partition. */
const headLimit = 64 * 1024 * 1024;

/** Opens every file, reads what is in use, and plans. */
export async function openFolderDisk(folder: FolderDisk): Promise<OpenFolderDisk> {
  const { diskBytes, logicalSector, table } = folder;
  const partitions = folder.partitions.toSorted((one, other) => one.start - other.start);
  let end = 0;
  for (const { index, start, size } of partitions) {
    if (start < end || start + size > diskBytes) {
      throw damagedSource(folder.source, `partition ${index} overlaps another, or leaves the disk`);
    }
    end = start + size;
  }
  await using opened = new AsyncDisposableStack();
  const volumes: PlacedVolume[] = outside(folder.placed, partitions[0]?.start ?? diskBytes);
  const records: PartitionRecord[] = [];
  const warnings = [...folder.warnings];
  for (const partition of partitions) {
    const { content, start, size, ...named } = partition;
    const volume = await openContent(partition, folder, opened);
    for (const doubt of volume.doubts) warnings.push(`partition ${named.index}: ${doubt}`);
    const usedBytes = volume.used?.reduce((sum, { length }) => sum + length, 0) ?? size;
    if ((volume.used?.at(-1)?.start ?? 0) >= size) {
      throw damagedSource(folder.source, `partition ${named.index}'s data is larger than it`);
    }
    volumes.push({ ...volume, start, size });
    const mode = content.kind === "nothing" ? "skipped" : volume.used === null ? "raw" : "used";
    records.push({ ...named, fs: volume.fs ?? named.fs, start, size, usedBytes, mode });
  }
  const disk = opened.use(
    new ForwardDisk({ path: folder.source, size: diskBytes, logicalSector, volumes }),
  );
  const plan = planCapture(
    diskBytes,
    volumes
      .filter((volume) => partitions.some(({ start }) => start === volume.start))
      .map(({ start, size, used }) => ({ start, size, used })),
  );
  const owned = opened.move();
  return {
    disk,
    map: { plan, table: emptyTable(table), partitions: records, warnings },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

type OpenContent = ForwardVolume & {
  readonly fs: string | null;
  /** What is to be said of it. */
  readonly doubts: readonly string[];
};

async function openContent(
  { index, size, content, fs }: SavedPartition,
  { source }: FolderDisk,
  opened: AsyncDisposableStack,
): Promise<OpenContent> {
  const what = `partition ${index} of ${source}`;
  switch (content.kind) {
    case "nothing":
      return { used: [], fs, doubts: [], async *pieces() {} };
    case "swap": {
      const data = swapHeader({ ...content, size });
      return { ...fixed(data), used: [{ start: 0, length: data.length }], fs: "swap", doubts: [] };
    }
    case "whole": {
      const { reader, hasSum } = await openStream(content.files, what, () => {});
      opened.defer(() => reader.close());
      return {
        used: null,
        fs,
        doubts: hasSum ? [] : [unseen],
        pieces: () => wholeOf(reader, size),
      };
    }
    case "partclone": {
      const { reader, hasSum } = await openStream(content.files, what, () => {});
      opened.defer(() => reader.close());
      const volume = await openPartclone(reader, what);
      const named = { fs: fs ?? nameOf(volume.header.fs), doubts: doubtsOf(volume.header, hasSum) };
      return volume.header.fs === "NTFS"
        ? { ...(await withBackupBootSector(volume, size, reader, what)), ...named }
        : { ...volume, ...named };
    }
  }
}

const unseen = "it was saved without checksums, so that damage in it cannot be seen";

/** What is to be said of an image that partclone made. `hasSum`: its compression has one. */
export function doubtsOf({ checksum, fs }: PartcloneHeader, hasSum: boolean): string[] {
  const doubts = checksum === "none" && !hasSum ? [unseen] : [];
  const isLeaky = fs === "FAT12" || fs === "EXFAT";
  if (isLeaky) doubts.push(`partclone leaves out clusters of ${fs}: compare its files`);
  return doubts;
}

export interface OpenStream {
  readonly reader: ByteReader;
  /** Its compression tells damage. */
  readonly hasSum: boolean;
}

/** The joined files, inflated when they are compressed. `onBytes`: bytes read of the files. */
export async function openStream(
  files: readonly string[],
  what: string,
  onBytes: (count: number) => void,
): Promise<OpenStream> {
  const joined = new ByteReader(readFiles(files, onBytes), what);
  const compression = compressionOf(await joined.peek(8));
  if (compression === undefined) return { reader: joined, hasSum: false };
  const reader = new ByteReader(decompressed(restOf(joined), compression, what), what);
  return { reader, hasSum: true };
}

/** Partitions that an operator wants to leave empty, of those that a table lists. */
export function requireListed(
  without: ReadonlySet<number>,
  listed: readonly { readonly index: number }[],
  source: string,
): void {
  for (const index of without) {
    if (listed.some((each) => each.index === index)) continue;
    throw new RoomcastError(
      "usage",
      `${source} has no partition ${index}`,
      `it has ${listed.map((each) => each.index).join(", ")}`,
    );
  }
}

const partBytes = 1024 * 1024;

async function* restOf(reader: ByteReader): AsyncGenerator<Buffer> {
  try {
    for (;;) {
      const part = await reader.takeUpTo(partBytes);
      if (part.length === 0) return;
      yield part;
    }
  } finally {
    await reader.close();
  }
}

async function* wholeOf(reader: ByteReader, size: number): AsyncGenerator<Piece> {
  for (let offset = 0; offset < size; ) {
    const data = await reader.take(Math.min(partBytes, size - offset));
    yield { offset, data };
    offset += data.length;
  }
  await reader.end();
}

function fixed(data: Uint8Array): ForwardVolume {
  return {
    used: null,
    async *pieces() {
      yield { offset: 0, data };
    },
  };
}

/** What lies before the first partition as one volume, and the rest each as its own. */
function outside(placed: readonly PlacedBytes[], firstStart: number): PlacedVolume[] {
  const head = new Uint8Array(Math.min(firstStart, headLimit));
  const volumes: PlacedVolume[] = [];
  for (const { offset, data } of placed) {
    if (offset < head.length) head.set(data.subarray(0, head.length - offset), offset);
    else volumes.push({ ...fixed(data), start: offset, size: data.length });
  }
  return [{ ...fixed(head), start: 0, size: head.length }, ...volumes];
}

/** As blkid names what partclone names. */
const names: Readonly<Record<string, string>> = {
  EXTFS: "ext4",
  NTFS: "ntfs",
  FAT12: "vfat",
  FAT16: "vfat",
  FAT32: "vfat",
  EXFAT: "exfat",
  XFS: "xfs",
  BTRFS: "btrfs",
  F2FS: "f2fs",
  HFS_Plus: "hfsplus",
  REISERFS: "reiserfs",
  JFS: "jfs",
  UFS: "ufs",
};
const nameOf = (partcloneName: string): string | null => names[partcloneName] ?? null;

/**
 * Partclone leaves out what lies behind the last cluster of an NTFS: the copy of its boot sector, in
 * the sector whose number is the volume's count of sectors.
 */
async function withBackupBootSector(
  volume: ForwardVolume & { readonly header: { readonly blockBytes: number } },
  size: number,
  reader: ByteReader,
  what: string,
): Promise<ForwardVolume> {
  // The boot sector is in use, so the first block that follows is it.
  const boot = Buffer.from((await reader.peek(512)).subarray(0, 512));
  if (boot.length < 512) throw damagedSource(what, "it ends early");
  const sectorBytes = boot.readUInt16LE(11);
  const backupAt = Number(boot.readBigUInt64LE(40)) * sectorBytes;
  const last: Extent | undefined = volume.used?.at(-1);
  const fits =
    backupAt + sectorBytes <= size && backupAt >= (last?.start ?? 0) + (last?.length ?? 0);
  if (boot.toString("latin1", 3, 7) !== "NTFS" || sectorBytes < 512 || !fits) return volume;
  return {
    used: [...(volume.used ?? []), { start: backupAt, length: boot.length }],
    async *pieces() {
      yield* volume.pieces();
      yield { offset: backupAt, data: boot };
    },
  };
}

/** Said of a disk with an MBR, which does not tell how large it is. */
export const unknownDiskSize =
  "the folder does not say how large the disk is: the image ends with the last partition; --disk-size says it";

/** Rejects with `usage` a size that the partitions do not fit in, or no disk has. */
export function requireDiskSize(
  diskSize: number | null,
  disk: { readonly end: number; readonly logicalSector: number; readonly source: string },
): void {
  const { end, logicalSector, source } = disk;
  if (diskSize === null || (diskSize >= end && diskSize % logicalSector === 0)) return;
  const why =
    diskSize < end
      ? `its last partition ends at ${end}`
      : `it is no whole number of sectors of ${logicalSector} bytes`;
  throw new RoomcastError(
    "usage",
    `${source}: the disk cannot have ${diskSize} bytes: ${why}`,
    "look at the disk's size on the PC that it was saved from (`lsblk --bytes`)",
  );
}

/** Rejects with `usage` when a size is given for a disk that tells its own. */
export function requireNoDiskSize(diskSize: number | null, source: string): void {
  if (diskSize === null) return;
  throw new RoomcastError(
    "usage",
    `${source} says itself how large its disk is`,
    "leave out --disk-size",
  );
}
