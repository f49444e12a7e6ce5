/**
 * The seal of a packet: a keyed tag of 32 bits over its header and payload, by which strangers' packets
 * are told from the sender's. The packet is summed under a key (`word-sum.ts`), and the sum, the length
 * and the header go through HalfSipHash-1-3 (Aumasson and Bernstein's SipHash on 32-bit words).
 * Decision 0021 says why these.
 */
import { headerBytes, readU32, sealBytes, writeU32 } from "../wire/cast.ts";
import { sumKeyWords, wordSum } from "./word-sum.ts";

export const sealKeyBytes = 8;

/** Seals packets with one key, and says whether their seals are right. */
export class PacketSeal {
  private readonly k0: number;
  private readonly k1: number;
  private readonly sumKey: Int32Array;
  /** Sum, header, length. */
  private readonly block = new Int32Array(2 + headerBytes / 4 + 1);
  private readonly head = this.block.subarray(0, -1);

  /** `key`: `sealKeyBytes` bytes. */
  constructor(key: Uint8Array) {
    this.k0 = readU32(key, 0) | 0;
    this.k1 = readU32(key, 4) | 0;
    // Of single words, which no block is: nobody meets a word of this key as a seal.
    this.sumKey = Int32Array.from({ length: sumKeyWords }, (_, index) =>
      halfSipHash(Int32Array.of(index), this.k0, this.k1),
    );
  }

  /** Writes the seal behind the rest of the packet. */
  write(packet: Uint8Array, offset: number, length: number): void {
    writeU32(packet, offset + length - sealBytes, this.of(packet, offset, length));
  }

  fits(packet: Uint8Array, offset: number, length: number): boolean {
    return readU32(packet, offset + length - sealBytes) === this.of(packet, offset, length) >>> 0;
  }

  private of(packet: Uint8Array, offset: number, length: number): number {
    const { block, head, k0, k1 } = this;
    wordSum(packet, offset, length - sealBytes, this.sumKey, head);
    block[block.length - 1] = length;
    return halfSipHash(block, k0, k1);
  }
}

/** HalfSipHash-1-3 of little-endian words, as a signed number of 32 bits. */
export function halfSipHash(words: Int32Array, k0: number, k1: number): number {
  // Without `| 0` the loop would count in floating point, at four times the cost.
  let v0 = k0 | 0;
  let v1 = k1 | 0;
  let v2 = 0x6c79_6765 ^ k0;
  let v3 = 0x7465_6462 ^ k1;
  // Written out, because a call for each word would take several times as long.
  for (let index = 0; index < words.length; index++) {
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
  const last = (words.length & 0x3f) << 26;
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
