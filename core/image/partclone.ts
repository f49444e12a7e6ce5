/**
 * The image of a partition as partclone writes it, versions 0001 and 0002 (partclone's
 * IMAGE_FORMATS.md): a header, a bitmap of the used blocks, and those blocks with checksums between.
 */
import type { Decoded } from "../errors.ts";
import { bitAt } from "../units/bits.ts";
import { ascii, u16, u32, u64 } from "./byte-source.ts";
import type { Extent } from "./extents.ts";

export interface PartcloneHeader {
  /** As partclone names it: `EXTFS`, `NTFS`, `raw`… */
  readonly fs: string;
  readonly deviceBytes: number;
  readonly blockBytes: number;
  readonly blockCount: number;
  /** Bytes from the file's beginning to the bitmap. */
  readonly headerBytes: number;
  /** One bit or one byte a block; `none`: every block is there. */
  readonly bitmap: "bit" | "byte" | "none";
  /** After the bitmap: its CRC, or the text `BiTmAgIc`. */
  readonly bitmapCheck: "crc" | "magic" | "none";
  /** `crc-0001`: the first byte of the block over and over, as version 0001 had it. */
  readonly checksum: "none" | "crc" | "crc-0001";
  /** Blocks that one checksum is over; 0 without checksums. */
  readonly blocksPerChecksum: number;
  /** Whether each checksum starts from the seed again. */
  readonly reseeds: boolean;
}

/** What has to be read to know which version it is and how long its header. */
export const partcloneProbeBytes = 36;
export const partcloneMagic = "partclone-image";
const headerBytes1 = 4160;
const headerBytes2 = 110;
/** ext4's largest block is 64 KiB, NTFS's cluster 2 MiB. */
const blockLimit = 2 * 1024 * 1024;
/** A bitmap of 2 Gi blocks takes 256 MiB: 8 TiB in blocks of 4 KiB. */
const blockCountLimit = 2 ** 31;

/** How long the header is, of its first `partcloneProbeBytes`. */
export function partcloneHeaderBytes(data: Uint8Array): Decoded<number> {
  if (ascii(data, 0, 15) !== partcloneMagic) return { ok: false, reason: "no partclone image" };
  const version = ascii(data, 30, 4);
  if (version === "0001") return { ok: true, value: headerBytes1 };
  if (version === "0002") return { ok: true, value: headerBytes2 };
  return { ok: false, reason: `partclone image version ${JSON.stringify(version)} is not known` };
}

/** `crc`: CRC-32 with the seed 0xffffffff, not inverted at the end. */
export function decodePartcloneHeader(
  data: Uint8Array,
  crc: (data: Uint8Array) => number,
): Decoded<PartcloneHeader> {
  const length = partcloneHeaderBytes(data);
  if (!length.ok) return length;
  if (data.length < length.value) return { ok: false, reason: "truncated" };
  const header = length.value === headerBytes1 ? version1(data) : version2(data, crc);
  if (!header.ok) return header;
  const { blockBytes, blockCount, deviceBytes } = header.value;
  if (blockBytes < 512 || blockBytes > blockLimit || (blockBytes & (blockBytes - 1)) !== 0) {
    return { ok: false, reason: `blocks of ${blockBytes} bytes` };
  }
  if (blockCount < 1 || blockCount > blockCountLimit) {
    return { ok: false, reason: `${blockCount} blocks` };
  }
  if (!Number.isSafeInteger(deviceBytes)) return { ok: false, reason: "a size out of range" };
  return header;
}

function version1(data: Uint8Array): Decoded<PartcloneHeader> {
  return {
    ok: true,
    value: {
      fs: text(data, 15, 15),
      blockBytes: u32(data, 36),
      deviceBytes: u64(data, 40),
      blockCount: u64(data, 48),
      headerBytes: headerBytes1,
      bitmap: "byte",
      bitmapCheck: "magic",
      checksum: "crc-0001",
      blocksPerChecksum: 1,
      reseeds: false,
    },
  };
}

const checksums = new Map([
  [0x00, "none"],
  [0x20, "crc"],
  [0xff, "crc-0001"],
] as const);
const bitmaps = new Map([
  [0x00, "none"],
  [0x01, "bit"],
  [0x08, "byte"],
] as const);

function version2(data: Uint8Array, crc: (data: Uint8Array) => number): Decoded<PartcloneHeader> {
  if (u16(data, 34) !== 0xc0de) return { ok: false, reason: "written on a big-endian machine" };
  if (crc(data.subarray(0, 106)) !== u32(data, 106)) {
    return { ok: false, reason: "the header does not match its checksum" };
  }
  const checksum = checksums.get(u16(data, 96) as 0);
  const bitmap = bitmaps.get(data[105] as 0);
  if (checksum === undefined) {
    return { ok: false, reason: `checksums of kind ${u16(data, 96)} are not known` };
  }
  if (bitmap === undefined) return { ok: false, reason: `a bitmap of kind ${data[105]}` };
  const blocksPerChecksum = checksum === "none" ? 0 : u32(data, 100);
  if (checksum !== "none" && (blocksPerChecksum < 1 || u16(data, 98) !== 4)) {
    return { ok: false, reason: "its checksums make no sense" };
  }
  return {
    ok: true,
    value: {
      fs: text(data, 36, 16),
      deviceBytes: u64(data, 52),
      blockCount: u64(data, 60),
      blockBytes: u32(data, 84),
      headerBytes: headerBytes2,
      bitmap,
      bitmapCheck: bitmap === "none" ? "none" : bitmap === "byte" ? "magic" : "crc",
      checksum,
      blocksPerChecksum,
      reseeds: data[104] === 1,
    },
  };
}

/** Bytes of the bitmap itself. */
export const partcloneBitmapBytes = ({ bitmap, blockCount }: PartcloneHeader): number =>
  bitmap === "none" ? 0 : bitmap === "bit" ? Math.ceil(blockCount / 8) : blockCount;

/** The used blocks, in bytes from the partition's start, merged. */
export function partcloneExtents(header: PartcloneHeader, bitmap: Uint8Array): Extent[] {
  const { blockCount, blockBytes } = header;
  if (header.bitmap === "none") return [{ start: 0, length: blockCount * blockBytes }];
  const isUsed =
    header.bitmap === "bit"
      ? (block: number) => bitAt(bitmap, block)
      : // Other values than 1 are in some images, of blocks that are not stored.
        (block: number) => bitmap[block] === 1;
  const extents: Extent[] = [];
  let first = -1;
  for (let block = 0; block <= blockCount; block++) {
    const used = block < blockCount && isUsed(block);
    if (used && first < 0) first = block;
    if (!used && first >= 0) {
      extents.push({ start: first * blockBytes, length: (block - first) * blockBytes });
      first = -1;
    }
  }
  return extents;
}

const text = (data: Uint8Array, at: number, length: number): string =>
  ascii(data, at, length).replace(/\0.*$/s, "");
