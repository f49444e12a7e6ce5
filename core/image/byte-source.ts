/** Bytes that a parser asks for, and how numbers lie in them. */
import { type Extent, inPieces } from "./extents.ts";

/** A disk, or a part of one. `read` answers exactly `length` bytes; asking beyond `size` is a bug. */
export interface ByteSource {
  readonly size: number;
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** A part of a source, from `start` on. */
export const partOf = (source: ByteSource, start: number, size: number): ByteSource => ({
  size: Math.max(0, Math.min(size, source.size - start)),
  read: (offset, length) => source.read(start + offset, length),
});

/** What lies in several pieces of a source, one after another. */
export function piecesOf(source: ByteSource, pieces: readonly Extent[]): ByteSource {
  return {
    size: pieces.reduce((sum, { length }) => sum + length, 0),
    async read(offset, length) {
      const out = new Uint8Array(length);
      let done = 0;
      for (const { start, length: count } of inPieces([{ start: offset, length }], pieces)) {
        out.set(await source.read(start, count), done);
        done += count;
      }
      return out;
    },
  };
}

/** Little endian. Beyond the end there are zeros. */
export const u16 = (data: Uint8Array, at: number): number =>
  (data[at] ?? 0) | ((data[at + 1] ?? 0) << 8);

export const u32 = (data: Uint8Array, at: number): number =>
  (u16(data, at) | (u16(data, at + 2) << 16)) >>> 0;

/** Exact up to 2^53; what is larger is no safe integer. */
export const u64 = (data: Uint8Array, at: number): number =>
  u32(data, at) + u32(data, at + 4) * 2 ** 32;

/** Of numbers below 2^31. */
export const isPowerOfTwo = (value: number): boolean => value > 0 && (value & (value - 1)) === 0;

/** One character for each byte. */
export function ascii(data: Uint8Array, at: number, length: number): string {
  let text = "";
  for (const byte of data.subarray(at, at + length)) text += String.fromCharCode(byte);
  return text;
}
