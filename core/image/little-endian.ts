/** Writes little-endian numbers into bytes; `byte-source.ts` reads them. */

export function putU16(out: Uint8Array, at: number, value: number): void {
  out[at] = value & 0xff;
  out[at + 1] = (value >>> 8) & 0xff;
}

export function putU32(out: Uint8Array, at: number, value: number): void {
  for (let index = 0; index < 4; index++) out[at + index] = (value >>> (8 * index)) & 0xff;
}

/** Exact up to 2^53. */
export function putU64(out: Uint8Array, at: number, value: number): void {
  putU32(out, at, value % 2 ** 32);
  putU32(out, at + 4, Math.floor(value / 2 ** 32));
}
