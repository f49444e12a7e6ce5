/**
 * The part of a seal that is done for each word of a packet: the sum, modulo 2^64, over its pairs of
 * 32-bit words, of the product of both, each with a word of key added to it modulo 2^32. It is the sum NH
 * of UMAC (Black and others, 1999; RFC 4418, section 5.2, which pairs the words otherwise): two packets that
 * differ meet in one sum for one key in 2^32. JavaScript has no products of 64 bits, WebAssembly has.
 */
import { packetLimit } from "../wire/cast.ts";

/** What is summed at a time, in bytes; a shorter rest is filled up with zeros. */
const blockBytes = 32;
/** Where in the program's memory a shorter rest, the key and the packets are, in bytes; the sum is at its start. */
const restAt = 32;
const keyAt = 64;
const packetsAt = 2048;
const pageBytes = 65536;

/** Of the longest packet. */
export const sumKeyWords = Math.ceil(packetLimit / blockBytes) * (blockBytes / 4);

/** `word-sum.wat`, assembled; a test does that anew and compares. */
export const sumProgram = Uint8Array.from(
  [
    "0061736d0100000001080160047f7f7f7f00021301077061636b657473066d656d6f72790200010302010007",
    "07010373756d00000a8c0201890202017e027f2000200120006b4160716a2105034003402000200549044020",
    "04200028020020022802006aad200028020420022802046aad7e7c21042004200028020820022802086aad20",
    "0028020c200228020c6aad7e7c21042004200028021020022802106aad200028021420022802146aad7e7c21",
    "042004200028021820022802186aad200028021c200228021c6aad7e7c2104200241206a2102200041206a21",
    "000c010b0b200020014904402003420037030020034200370308200342003703102003420037031820032106",
    "034020062000280200360200200641046a2106200041046a22002001490d000b20032100200341206a210520",
    "0521010c010b0b410020043703000b",
  ].flatMap((line) => line.match(/../g) ?? []),
  (pair) => Number.parseInt(pair, 16),
);

/** What of it is used here: `core` knows neither Node's types nor a browser's. */
declare const WebAssembly: {
  readonly Memory: new (pages: {
    readonly initial: number;
    readonly maximum: number;
  }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (program: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: object,
  ) => { readonly exports: { sum(at: number, end: number, key: number, rest: number): void } };
};

const module = new WebAssembly.Module(sumProgram);

/** The program over memory of its own. */
class SumProgram {
  readonly packets: Uint8Array;
  readonly words: Int32Array;
  readonly sum: (at: number, end: number, key: number, rest: number) => void;
  /** Whose key is in the memory. */
  private loaded: Int32Array | null = null;

  constructor(byteCount: number) {
    const pages = Math.ceil((packetsAt + byteCount) / pageBytes);
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.packets = new Uint8Array(memory.buffer, packetsAt, byteCount);
    this.words = new Int32Array(memory.buffer);
    this.sum = new WebAssembly.Instance(module, { packets: { memory } }).exports.sum;
  }

  load(key: Int32Array): void {
    if (this.loaded === key) return;
    this.words.set(key, keyAt / 4);
    this.loaded = key;
  }
}

const programs = new WeakMap<Uint8Array, SumProgram>();
/** For packets that lie elsewhere. */
const own = new SumProgram(packetLimit);
let recent = own;

/** Memory for `byteCount` bytes of packets: from places in it that are multiples of 4, they are summed where they are. */
export function packetMemory(byteCount: number): Uint8Array {
  const program = new SumProgram(byteCount);
  programs.set(program.packets, program);
  return program.packets;
}

/**
 * Leaves in `into` the sum, low word first, and the packet's first words as far as `into` has room.
 * `key` has `sumKeyWords` words and is not changed afterwards. `length` is a number of whole words, as many
 * as `into` has room for and at most `packetLimit` bytes.
 */
export function wordSum(
  packet: Uint8Array,
  offset: number,
  length: number,
  key: Int32Array,
  into: Int32Array,
): void {
  let at = packetsAt;
  if (packet !== recent.packets) recent = programs.get(packet) ?? own;
  if (packet === recent.packets && (offset & 3) === 0) {
    at += offset;
  } else {
    recent = own;
    own.packets.set(packet.subarray(offset, offset + length));
  }
  recent.load(key);
  recent.sum(at, at + length, keyAt, restAt);
  const { words } = recent;
  into[0] = words[0] as number;
  into[1] = words[1] as number;
  for (let index = 2; index < into.length; index++)
    into[index] = words[(at >> 2) + index - 2] as number;
}
