/**
 * The part of a seal that is done for each word of a packet: the sum, modulo 2^64, over its pairs of
 * 32-bit words, of the product of both, each with a word of key added to it modulo 2^32. It is the sum NH
 * of UMAC (Black and others, 1999; RFC 4418, section 5.2, which pairs the words otherwise): two packets that
 * differ meet in one sum for one key in 2^32. JavaScript has no products of 64 bits, WebAssembly has.
 */
import {
  canRun,
  compiled,
  type ProgramMemory,
  programBytes,
  programMemory,
  started,
} from "../units/web-assembly.ts";
import { packetLimit } from "../wire/cast.ts";

/** What is summed at a time, in bytes; a shorter rest is filled up with zeros. */
const blockBytes = 32;
/** Where in the program's memory a shorter rest, the key and the packets are, in bytes; the sum is at its start. */
const restAt = 32;
const keyAt = 64;
const packetsAt = 2048;

/** Of the longest packet. */
export const sumKeyWords = Math.ceil(packetLimit / blockBytes) * (blockBytes / 4);

/** `word-sum.wat`, assembled; a test does that anew and compares. */
export const sumProgram = programBytes(
  "0061736d0100000001080160047f7f7f7f00021301077061636b657473066d656d6f72790200010302010007",
  "07010373756d00000a8c0201890202017e027f2000200120006b4160716a2105034003402000200549044020",
  "04200028020020022802006aad200028020420022802046aad7e7c21042004200028020820022802086aad20",
  "0028020c200228020c6aad7e7c21042004200028021020022802106aad200028021420022802146aad7e7c21",
  "042004200028021820022802186aad200028021c200228021c6aad7e7c2104200241206a2102200041206a21",
  "000c010b0b200020014904402003420037030020034200370308200342003703102003420037031820032106",
  "034020062000280200360200200641046a2106200041046a22002001490d000b20032100200341206a210520",
  "0521010c010b0b410020043703000b",
);

/** `word-sum-simd.wat`, likewise: the same sum in half of the time, where the processor has what it takes. */
export const simdProgram = programBytes(
  "0061736d0100000001080160047f7f7f7f00021301077061636b657473066d656d6f72790200010302010007",
  "07010373756d00000aa80201a50202067b027f2000200120006b4160716a210a034003402000200a49044020",
  "00fd0004002002fd000400fdae0121062000fd0004102002fd000410fdae01210720062007fd0d0001020308",
  "090a0b1011121318191a1b210820062007fd0d040506070c0d0e0f141516171c1d1e1f2109200420082009fd",
  "de01fdce012104200520082009fddf01fdce012105200241206a2102200041206a21000c010b0b2000200149",
  "04402003fd0c00000000000000000000000000000000fd0b04002003fd0c0000000000000000000000000000",
  "0000fd0b04102003210b0340200b2000280200360200200b41046a210b200041046a22002001490d000b2003",
  "2100200341206a210a200a21010c010b0b20042005fdce01210441002004fd1d002004fd1d017c3703000b",
);

const usual = compiled(canRun(simdProgram) ? simdProgram : sumProgram);

/** The program over memory of its own. */
class SumProgram {
  readonly memory: ProgramMemory;
  readonly packets: Uint8Array;
  readonly words: Int32Array;
  readonly sum: (at: number, end: number, key: number, rest: number) => void;
  /** Whose key is in the memory. */
  private loaded: Int32Array | null = null;

  constructor(byteCount: number, program = usual) {
    this.memory = programMemory(packetsAt + byteCount);
    this.packets = new Uint8Array(this.memory.buffer, packetsAt, byteCount);
    this.words = new Int32Array(this.memory.buffer);
    this.sum = started<Pick<SumProgram, "sum">>(program, { packets: this.memory }).sum;
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

/**
 * Memory for `byteCount` bytes of packets: from places in it that are multiples of 4, they are summed where they are.
 * `by`: another program than the usual one.
 */
export function packetMemory(byteCount: number, by = usual): Uint8Array {
  const program = new SumProgram(byteCount, by);
  programs.set(program.packets, program);
  return program.packets;
}

/** What `packetMemory` made the packets in; null: they lie elsewhere. */
export const memoryOf = (packets: Uint8Array): ProgramMemory | null =>
  programs.get(packets)?.memory ?? null;

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
