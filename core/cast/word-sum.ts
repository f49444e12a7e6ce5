/**
 * The part of a seal that is done for each word of a packet: the sum, modulo 2^64, over its pairs of
 * 32-bit words, of the product of both, each with a word of key added to it modulo 2^32. It is the sum NH
 * of UMAC (Black and others, 1999; RFC 4418, section 5.2, which pairs the words otherwise): two packets that
 * differ meet in one sum for one key in 2^32. JavaScript has no products of 64 bits, WebAssembly has.
 */
import { packetLimit } from "../wire/cast.ts";

/** What is summed at a time, in bytes; a shorter rest is filled up with zeros. */
const blockBytes = 32;
/** Where key and packet are in the program's memory, in bytes; the sum is at its start. */
const keyAt = 64;
const packetAt = 2048;

/** Of the longest packet. */
export const sumKeyWords = Math.ceil(packetLimit / blockBytes) * (blockBytes / 4);

/** `word-sum.wat`, assembled; a test does that anew and compares. */
export const sumProgram = Uint8Array.from(
  [
    "0061736d0100000001070160037f7f7f00030201000503010001071002066d656d6f727902000373756d0000",
    "0a9c0101990101017e03402003200028020020022802006aad200028020420022802046aad7e7c2103200320",
    "0028020820022802086aad200028020c200228020c6aad7e7c21032003200028021020022802106aad200028",
    "021420022802146aad7e7c21032003200028021820022802186aad200028021c200228021c6aad7e7c210320",
    "0241206a2102200041206a22002001490d000b410020033703000b",
  ].flatMap((line) => line.match(/../g) ?? []),
  (pair) => Number.parseInt(pair, 16),
);

/** What of it is used here: `core` knows neither Node's types nor a browser's. */
declare const WebAssembly: {
  readonly Module: new (program: Uint8Array) => object;
  readonly Instance: new (
    module: object,
  ) => {
    readonly exports: {
      readonly memory: { readonly buffer: ArrayBuffer };
      sum(at: number, end: number, key: number): void;
    };
  };
};

const program = new WebAssembly.Instance(new WebAssembly.Module(sumProgram)).exports;
const bytes = new Uint8Array(program.memory.buffer);
const words = new Int32Array(program.memory.buffer);
/** Whose key is in the program's memory. */
let loaded: Int32Array | null = null;

/**
 * Leaves in `into` the sum, low word first, and the packet's first words as far as `into` has room.
 * `key` has `sumKeyWords` words and is not changed afterwards; at most `packetLimit` bytes are summed.
 */
export function wordSum(
  packet: Uint8Array,
  offset: number,
  length: number,
  key: Int32Array,
  into: Int32Array,
): void {
  if (loaded !== key) {
    words.set(key, keyAt / 4);
    loaded = key;
  }
  const end = packetAt + Math.ceil(length / blockBytes) * blockBytes;
  bytes.set(packet.subarray(offset, offset + length), packetAt);
  bytes.fill(0, packetAt + length, end);
  program.sum(packetAt, end, keyAt);
  into[0] = words[0] as number;
  into[1] = words[1] as number;
  for (let index = 2; index < into.length; index++)
    into[index] = words[packetAt / 4 + index - 2] as number;
}
