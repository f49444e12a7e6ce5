/** Bitmaps: bit `i & 7` of byte `i >> 3`. */

export const bitmapBytes = (count: number): number => (count + 7) >> 3;

export const bitAt = (bits: Uint8Array, index: number): boolean =>
  ((bits[index >> 3] as number) & (1 << (index & 7))) !== 0;

export function setBit(bits: Uint8Array, index: number): void {
  bits[index >> 3] = (bits[index >> 3] as number) | (1 << (index & 7));
}

export function clearBit(bits: Uint8Array, index: number): void {
  bits[index >> 3] = (bits[index >> 3] as number) & ~(1 << (index & 7));
}
