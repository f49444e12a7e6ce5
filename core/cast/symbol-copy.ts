/**
 * Copies symbols between packets and a slab. `set` of a typed array needs a view of what it copies, and memory that
 * threads share is copied to by words only where both ends are aligned alike, which every second packet of a batch is
 * not: that takes longer than the seal. The program takes neither.
 */
import {
  compiled,
  type ProgramMemory,
  programBytes,
  sharedMemory,
  started,
} from "../units/web-assembly.ts";
import { symbolBytes } from "../wire/cast.ts";
import { memoryOf } from "./word-sum.ts";

/** `symbol-copy.wat`, assembled; a test does that anew and compares. */
export const copyProgram = programBytes(
  "0061736d0100000001070160037f7f7f00022502077061636b657473066d656d6f727902000104736c616206",
  "6d656d6f7279020301808004030302000007160206746f536c6162000009746f5061636b65747300010a1b02",
  "0c00200120002002fc0a01000b0c00200120002002fc0a00010b",
);

const program = compiled(copyProgram);

interface Copies {
  toSlab(from: number, to: number, length: number): void;
  toPackets(from: number, to: number, length: number): void;
}

const slabs = new WeakMap<Uint8Array, ProgramMemory>();

/** Memory for `byteCount` bytes of slots, which another thread may be sent. */
export const slabMemory = (byteCount: number): ProgramMemory<SharedArrayBuffer> =>
  sharedMemory(byteCount);

/** The bytes of it. */
export function slabIn(memory: ProgramMemory<SharedArrayBuffer>): Uint8Array {
  const slab = new Uint8Array(memory.buffer);
  slabs.set(slab, memory);
  return slab;
}

/** Of one slab; offsets are places in it, and in the memory that has the packets. */
export class SymbolCopy {
  private readonly slab: Uint8Array;
  /** A symbol on its way, where the program cannot be used. */
  private readonly symbol = new Uint8Array(symbolBytes);
  private bound: { readonly packets: Uint8Array; readonly copies: Copies | null } | null = null;

  constructor(slab: Uint8Array) {
    this.slab = slab;
  }

  toSlab(packets: Uint8Array, from: number, to: number): void {
    const copies = this.copiesOf(packets);
    if (copies !== null) return copies.toSlab(packets.byteOffset + from, to, symbolBytes);
    const { symbol, slab } = this;
    symbol.set(packets.subarray(from, from + symbolBytes));
    slab.set(symbol, to);
  }

  toPackets(from: number, packets: Uint8Array, to: number): void {
    const copies = this.copiesOf(packets);
    if (copies !== null) return copies.toPackets(from, packets.byteOffset + to, symbolBytes);
    packets.set(this.slab.subarray(from, from + symbolBytes), to);
  }

  /** Null: one of the two lies where no program reaches. */
  private copiesOf(packets: Uint8Array): Copies | null {
    if (this.bound?.packets !== packets) {
      const [slab, memory] = [slabs.get(this.slab), memoryOf(packets)];
      const copies =
        slab === undefined || memory === null
          ? null
          : started<Copies>(program, { packets: memory, slab });
      this.bound = { packets, copies };
    }
    return this.bound.copies;
  }
}
