/** A partition out of a stream that partclone wrote. */
import { crc32 } from "node:zlib";
import { RoomcastError } from "../../core/errors.ts";
import {
  decodePartcloneHeader,
  type PartcloneHeader,
  partcloneBitmapBytes,
  partcloneExtents,
  partcloneHeaderBytes,
  partcloneProbeBytes,
} from "../../core/image/partclone.ts";
import { type ByteReader, damagedSource } from "./byte-reader.ts";
import type { ForwardVolume, Piece } from "./forward-disk.ts";

export interface PartcloneVolume extends ForwardVolume {
  readonly header: PartcloneHeader;
}

/** Bytes of blocks that are read at once, if no checksum asks for other runs. */
const runBytes = 1024 * 1024;
/** A checksum over more bytes would need too much memory, and is refused. */
const stripLimit = 256 * 1024 * 1024;

/** CRC-32 with the seed 0xffffffff, and not inverted at the end. */
const bareCrc = (data: Uint8Array, before = 0xffff_ffff): number =>
  ~crc32(data, ~before >>> 0) >>> 0;

const firstByteTable = new Uint32Array(256).map((_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** Version 0001's: it takes the first byte of the block as often as the block has bytes. */
function crc0001(block: Uint8Array, before: number): number {
  const byte = block[0] as number;
  let crc = before;
  for (let count = 0; count < block.length; count++) {
    crc = (crc >>> 8) ^ (firstByteTable[(crc ^ byte) & 0xff] as number);
  }
  return crc >>> 0;
}

/** How the images of other tools begin. */
const foreignMagics = [
  ["\0ntfsclone-image", "ntfsclone"],
  ["PaRtImAgE-VoLuMe", "partimage"],
] as const;

/** Reads header and bitmap; the blocks follow as `pieces` is read. Rejects with `bad-input`. */
export async function openPartclone(reader: ByteReader, what: string): Promise<PartcloneVolume> {
  const begin = await reader.peek(partcloneProbeBytes);
  const other = foreignMagics.find(([magic]) => begin.toString("latin1").startsWith(magic));
  if (other !== undefined) {
    throw new RoomcastError(
      "bad-input",
      `${what} was saved by ${other[1]}, which cannot be read`,
      `restore it with ${other[1]} onto a (virtual) disk, and capture or import that`,
    );
  }
  const length = partcloneHeaderBytes(begin);
  if (!length.ok) throw damagedSource(what, length.reason);
  const decoded = decodePartcloneHeader(await reader.take(length.value), bareCrc);
  if (!decoded.ok) throw damagedSource(what, decoded.reason);
  const header = decoded.value;
  if (header.blocksPerChecksum * header.blockBytes > stripLimit) {
    throw damagedSource(what, "its checksums are too far apart");
  }
  const bitmap = await reader.take(partcloneBitmapBytes(header));
  if (header.bitmapCheck === "crc") {
    const stored = (await reader.take(4)).readUInt32LE();
    if (stored !== bareCrc(bitmap)) throw damagedSource(what, "its bitmap does not match its sum");
  } else if (header.bitmapCheck === "magic") {
    const magic = (await reader.take(8)).toString("latin1");
    if (magic !== "BiTmAgIc") throw damagedSource(what, "its bitmap has no end");
  }
  const used = partcloneExtents(header, bitmap);
  return { header, used, pieces: () => blocksOf(reader, header, used, what) };
}

async function* blocksOf(
  reader: ByteReader,
  header: PartcloneHeader,
  used: readonly { readonly start: number; readonly length: number }[],
  what: string,
): AsyncGenerator<Piece> {
  const { blockBytes, checksum, blocksPerChecksum, reseeds } = header;
  const stripBlocks = checksum === "none" ? Math.max(1, runBytes / blockBytes) : blocksPerChecksum;
  let blocksLeft = used.reduce((sum, { length }) => sum + length, 0) / blockBytes;
  let crc = 0xffff_ffff;
  let sumBytes = checksum === "crc-0001" && blocksLeft > 1 ? 0 : 4;
  let extent = 0;
  let done = 0;
  while (blocksLeft > 0) {
    const count = Math.min(stripBlocks, blocksLeft);
    const strip = await reader.take(count * blockBytes);
    blocksLeft -= count;
    if (checksum !== "none") {
      crc = checksum === "crc" ? bareCrc(strip, crc) : crc0001(strip, crc);
      if (sumBytes === 0) sumBytes = await sumBytesOf(reader, blockBytes, crc);
      const stored = (await reader.take(sumBytes)).readUInt32LE();
      if (stored !== crc) throw damagedSource(what, "blocks do not match their checksum");
      if (reseeds) crc = 0xffff_ffff;
    }
    for (let at = 0; at < strip.length; ) {
      const { start, length } = used[extent] as (typeof used)[number];
      const run = Math.min(strip.length - at, length - done);
      yield { offset: start + done, data: strip.subarray(at, at + run) };
      at += run;
      done += run;
      if (done === length) {
        extent++;
        done = 0;
      }
    }
  }
  await reader.end();
}

/**
 * Partclone before 0.3.0 wrote its sums of 4 bytes as 8 on some machines, and nothing says so: the
 * second block's sum fits at one place or the other. The reader stands at the first sum.
 */
async function sumBytesOf(reader: ByteReader, blockBytes: number, crc: number): Promise<4 | 8> {
  const ahead = await reader.peek(8 + blockBytes + 4);
  const at = 8 + blockBytes;
  if (ahead.length < at + 4) return 4;
  return ahead.readUInt32LE(at) === crc0001(ahead.subarray(8, at), crc) ? 8 : 4;
}
