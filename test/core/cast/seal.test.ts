import assert from "node:assert/strict";
import { test } from "node:test";
import { halfSipHash, PacketSeal } from "../../../core/cast/seal.ts";
import { seeded } from "../../sim/random.ts";

const wordsOf = (bytes: Uint8Array): Int32Array =>
  new Int32Array(new Uint8Array(bytes).buffer, 0, bytes.length >> 2);
/** 0, 1, 2 … */
const counting = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => index);

/**
 * HalfSipHash-1-3 of 0, 4, 8 … 60 counting bytes with the key 00 … 07: the values that Linux is tested
 * with (lib/test_siphash.c), every fourth of them.
 */
const vectors = [
  0x5814_c896, 0x7e05_9ea6, 0x5779_99b1, 0x6b28_096c, 0x8b31_d501, 0x911b_b605, 0x5715_0ad7,
  0x0a41_00d0, 0xbc6d_da8d, 0x7c46_fb7f, 0x0532_7eb2, 0x1179_5ab1, 0x0077_83eb, 0xc368_dda6,
  0x53ec_d77e, 0x88b4_c4cc,
];

test("the hash is HalfSipHash-1-3, by the values that others publish", () => {
  for (const [count, expected] of vectors.entries()) {
    const words = wordsOf(counting(count * 4));
    assert.equal(halfSipHash(words, 0x0302_0100, 0x0706_0504) >>> 0, expected, `${count}`);
  }
});

/** The same hash by bytes and for any number of rounds, as its authors describe it. */
function slowHash(bytes: Uint8Array, rounds: readonly [number, number]): number {
  const v = [0, 0, 0x6c79_6765, 0x7465_6462];
  const key = [0x0302_0100, 0x0706_0504];
  for (const [index, each] of [key[0], key[1], key[0], key[1]].entries())
    v[index] = ((v[index] as number) ^ (each as number)) >>> 0;
  const rotate = (value: number, by: number): number =>
    ((value << by) | (value >>> (32 - by))) >>> 0;
  const half = (a: number, b: number, by: number): void => {
    v[a] = ((v[a] as number) + (v[b] as number)) % 2 ** 32;
    v[b] = (rotate(v[b] as number, by) ^ (v[a] as number)) >>> 0;
  };
  const round = (): void => {
    half(0, 1, 5);
    v[0] = rotate(v[0] as number, 16);
    half(2, 3, 8);
    half(0, 3, 7);
    half(2, 1, 13);
    v[2] = rotate(v[2] as number, 16);
  };
  const padded = new Uint8Array((bytes.length & ~3) + 4);
  padded.set(bytes);
  padded[padded.length - 1] = bytes.length & 255;
  const view = new DataView(padded.buffer);
  for (let at = 0; at < padded.length; at += 4) {
    const word = view.getUint32(at, true);
    v[3] = ((v[3] as number) ^ word) >>> 0;
    for (let count = 0; count < rounds[0]; count++) round();
    v[0] = ((v[0] as number) ^ word) >>> 0;
  }
  v[2] = ((v[2] as number) ^ 0xff) >>> 0;
  for (let count = 0; count < rounds[1]; count++) round();
  return ((v[1] as number) ^ (v[3] as number)) >>> 0;
}

test("a plain version, which gives the authors' own values for 2-4, agrees on packets of every length", () => {
  // vectors_hsip32 of the reference implementation, little-endian.
  for (const [length, expected] of [
    [0, 0x5b9f_35a9],
    [1, 0xb85a_4727],
    [2, 0x03a6_62fa],
    [3, 0x04e7_fe8a],
    [4, 0x8946_6e2a],
    [5, 0x69b6_fac5],
  ] as const)
    assert.equal(slowHash(counting(length), [2, 4]), expected, `${length}`);
  const random = seeded(3);
  for (const length of [20, 256, 1424, 1468]) {
    const bytes = Uint8Array.from({ length }, () => random() * 256);
    const fast = halfSipHash(wordsOf(bytes), 0x0302_0100, 0x0706_0504) >>> 0;
    assert.equal(fast, slowHash(bytes, [1, 3]), `${length}`);
  }
});

test("a seal fits where it was written, at any place, and not with a bit or the key changed", () => {
  const random = seeded(4);
  const seal = new PacketSeal(counting(8));
  const other = new PacketSeal(Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 8));
  for (const place of [0, 4, 1, 1430]) {
    const bytes = Uint8Array.from({ length: 4000 }, () => random() * 256);
    // Part of a larger buffer, as packets are.
    const packets = bytes.subarray(3);
    const length = 1428;
    seal.write(packets, place, length);
    assert(seal.fits(packets, place, length), `${place}`);
    assert(seal.fits(new Uint8Array(packets.subarray(place)), 0, length));
    assert(!other.fits(packets, place, length));
    for (let round = 0; round < 200; round++) {
      const bit = Math.floor(random() * length * 8);
      const at = place + (bit >> 3);
      packets[at] = (packets[at] as number) ^ (1 << (bit & 7));
      assert(!seal.fits(packets, place, length), `bit ${bit}`);
      packets[at] = (packets[at] as number) ^ (1 << (bit & 7));
    }
  }
});
