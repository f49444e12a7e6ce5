/**
 * The seal of a packet: a keyed tag over its header and payload, by which strangers' packets are told
 * from the sender's. HalfSipHash-1-3 with 32 bits of output (Aumasson and Bernstein's SipHash on 32-bit
 * words); decision 0021 says why this one.
 */
import { readU32, sealBytes, writeU32 } from "../wire/cast.ts";

export const sealKeyBytes = 8;

/** Seals packets with one key, and says whether their seals are right. A packet is whole words long. */
export class PacketSeal {
  private readonly k0: number;
  private readonly k1: number;
  /** The buffer seen last as words: packets come and go in the same one. */
  private words: Int32Array = new Int32Array(0);

  /** `key`: `sealKeyBytes` bytes. */
  constructor(key: Uint8Array) {
    this.k0 = readU32(key, 0) | 0;
    this.k1 = readU32(key, 4) | 0;
  }

  /** Writes the seal behind the rest of the packet. */
  write(packet: Uint8Array, offset: number, length: number): void {
    writeU32(packet, offset + length - sealBytes, this.of(packet, offset, length));
  }

  fits(packet: Uint8Array, offset: number, length: number): boolean {
    return readU32(packet, offset + length - sealBytes) === this.of(packet, offset, length) >>> 0;
  }

  private of(packet: Uint8Array, offset: number, length: number): number {
    const start = packet.byteOffset + offset;
    const count = (length - sealBytes) >> 2;
    // Words can be read at multiples of four only.
    if ((start & 3) !== 0) {
      const aligned = new Uint8Array(packet.subarray(offset, offset + length));
      return halfSipHash(new Int32Array(aligned.buffer, 0, count), 0, count, this.k0, this.k1);
    }
    if (this.words.buffer !== packet.buffer)
      this.words = new Int32Array(packet.buffer, 0, packet.buffer.byteLength >> 2);
    return halfSipHash(this.words, start >> 2, count, this.k0, this.k1);
  }
}

/** HalfSipHash-1-3 of `count` little-endian words from word `at`, as a signed number of 32 bits. */
export function halfSipHash(
  words: Int32Array,
  at: number,
  count: number,
  k0: number,
  k1: number,
): number {
  // Without `| 0` the loop would count in floating point, at four times the cost.
  let v0 = k0 | 0;
  let v1 = k1 | 0;
  let v2 = 0x6c79_6765 ^ k0;
  let v3 = 0x7465_6462 ^ k1;
  const end = at + count;
  // Written out, because a call for each word would take several times as long.
  for (let index = at; index < end; index++) {
    const word = words[index] as number;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  // Of a whole number of words, the last block is the length alone: bits 24–31, in bytes modulo 256.
  const last = (count & 0x3f) << 26;
  v3 ^= last;
  // A round for that block, then three to finish.
  for (let round = 0; round < 4; round++) {
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    if (round === 0) {
      v0 ^= last;
      v2 ^= 0xff;
    }
  }
  return v1 ^ v3;
}
