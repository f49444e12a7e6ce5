/**
 * Chunks as frames of zstd (RFC 8878): those of a disk, one behind the other, are a file that every zstd
 * reads. What the store holds compressed is such a frame already.
 */
import { putU32 } from "./little-endian.ts";

/** RFC 8878, 3.1.1.2.3: a block holds at most so much, or as much as the window, in bytes. */
const blockLimit = 128 * 1024;
/** Magic, descriptor and the content's size. */
const headerBytes = 9;
const blockHeaderBytes = 3;

const blocksIn = (length: number): number => Math.ceil(length / blockLimit);

/** How long `rawFrame` makes it, in bytes. */
export const rawFrameBytes = (length: number): number =>
  headerBytes + blocksIn(length) * blockHeaderBytes + length;

/** How long `zeroFrame` makes it, in bytes. */
export const zeroFrameBytes = (length: number): number =>
  headerBytes + blocksIn(length) * (blockHeaderBytes + 1);

/** These bytes as they are; at least one. */
export function rawFrame(data: Uint8Array): Uint8Array {
  const out = framed(rawFrameBytes(data.length), data.length);
  let at = headerBytes;
  for (let from = 0; from < data.length; from += blockLimit) {
    const block = data.subarray(from, from + blockLimit);
    at = putBlockHeader(out, at, {
      type: 0,
      length: block.length,
      isLast: from + blockLimit >= data.length,
    });
    out.set(block, at);
    at += block.length;
  }
  return out;
}

/** So many zeros; at least one. */
export function zeroFrame(length: number): Uint8Array {
  const out = framed(zeroFrameBytes(length), length);
  let at = headerBytes;
  for (let from = 0; from < length; from += blockLimit) {
    const block = Math.min(blockLimit, length - from);
    // One byte, which is repeated: a zero, as it is in the frame anyway.
    at = putBlockHeader(out, at, { type: 1, length: block, isLast: from + block >= length }) + 1;
  }
  return out;
}

/** RFC 8878, 3.1.1.1: a single segment, whose size follows in four bytes; no checksum and no dictionary. */
function framed(frameBytes: number, contentBytes: number): Uint8Array {
  const out = new Uint8Array(frameBytes);
  putU32(out, 0, 0xfd2fb528);
  out[4] = 0xa0;
  putU32(out, 5, contentBytes);
  return out;
}

/** RFC 8878, 3.1.1.2: whether it is the last, its type (0 raw, 1 one byte repeated), its size. Answers where the block is. */
function putBlockHeader(
  out: Uint8Array,
  at: number,
  { type, length, isLast }: { type: 0 | 1; length: number; isLast: boolean },
): number {
  const header = (length << 3) | (type << 1) | (isLast ? 1 : 0);
  out[at] = header & 0xff;
  out[at + 1] = (header >> 8) & 0xff;
  out[at + 2] = header >> 16;
  return at + blockHeaderBytes;
}
