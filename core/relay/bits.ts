/** Bitmaps: bit `i & 7` of byte `i >> 3`. */

export const bitAt = (bits: Uint8Array, index: number): boolean =>
  ((bits[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;

export function setBit(bits: Uint8Array, index: number): void {
  bits[index >> 3] = (bits[index >> 3] as number) | (1 << (index & 7));
}

export function clearBit(bits: Uint8Array, index: number): void {
  bits[index >> 3] = (bits[index >> 3] as number) & ~(1 << (index & 7));
}

/** A bitmap of `count` ones. */
export function allBits(count: number): Uint8Array {
  const bits = new Uint8Array((count + 7) >> 3).fill(255);
  if ((count & 7) !== 0) bits[bits.length - 1] = (1 << (count & 7)) - 1;
  return bits;
}

/** XORs `source[from…]` into `target[at…]`, `length` bytes. */
export function xorInto(
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  from: number,
  length: number,
): void {
  for (let offset = 0; offset < length; offset++) {
    target[at + offset] = (target[at + offset] as number) ^ (source[from + offset] as number);
  }
}
