/**
 * Reads a hive of the Windows registry ("regf"), by the published descriptions of its format: a base
 * block of 4096 bytes, then bins of cells. Offsets in it count from the end of the base block. Numbers
 * are little endian.
 */
import type { Decoded } from "../../../core/errors.ts";
import { ascii, u16, u32 } from "../../../core/image/byte-source.ts";

export interface HiveValue {
  /** Empty: the key's default value. */
  readonly name: string;
  /** 1: text; 2: text with variables; 4: a number of 32 bits; and so on. */
  readonly type: number;
  readonly data: Uint8Array;
}

export interface HiveKey {
  readonly name: string;
  readonly keys: readonly HiveKey[];
  readonly values: readonly HiveValue[];
}

export const baseBlockBytes = 4096;
/** Bytes of a key node before its name: a hive cannot have more keys than would fit into it. */
const keyBytes = 76;
/** The registry itself allows 512 levels. */
const depthLimit = 512;
/** No offset. */
const nowhere = 0xffff_ffff;

/**
 * Whether the hive was not written to its end: then what Windows has in the log beside it counts, and is
 * put into it at the next start. The log of a clean hive is not looked at.
 */
export function isDirtyHive(file: Uint8Array): boolean {
  return u32(file, 4) !== u32(file, 8) || checksumOf(file) !== u32(file, 508);
}

/** Reads the whole hive, and answers its root. Nothing of it is damaged when it could be read. */
export function decodeHive(file: Uint8Array): Decoded<HiveKey> {
  if (file.length < baseBlockBytes + 32 || ascii(file, 0, 4) !== "regf")
    return { ok: false, reason: "it does not begin as a hive does" };
  const size = u32(file, 40);
  if (size % 4096 !== 0 || size > file.length - baseBlockBytes)
    return { ok: false, reason: "it is shorter than it says" };
  const cells = file.subarray(baseBlockBytes, baseBlockBytes + size);
  try {
    checkBins(cells);
    return { ok: true, value: new Reader(cells).key(u32(file, 36), 0) };
  } catch (error) {
    if (error instanceof Damage) return { ok: false, reason: error.message };
    throw error;
  }
}

/** The key that the names lead to, whatever their case; undefined: there is none. */
export const keyAt = (key: HiveKey, ...names: readonly string[]): HiveKey | undefined =>
  names.reduce<HiveKey | undefined>((at, name) => named(at?.keys, name), key);

export const valueAt = (key: HiveKey | undefined, name: string): HiveValue | undefined =>
  named(key?.values, name);

/** The text of a value of type 1 or 2, to its zero. */
export const textOf = ({ data }: HiveValue): string =>
  new TextDecoder("utf-16le").decode(data).replace(/\0.*$/s, "");

const named = <T extends { readonly name: string }>(
  list: readonly T[] | undefined,
  name: string,
): T | undefined => list?.find((each) => each.name.toLowerCase() === name.toLowerCase());

class Damage extends Error {}

/** XOR of the 127 numbers before it; 0 and -1 stand for 1 and -2. */
function checksumOf(file: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < 508; at += 4) sum ^= u32(file, at);
  if (sum === 0) return 1;
  return sum === -1 ? 0xffff_fffe : sum >>> 0;
}

function checkBins(cells: Uint8Array): void {
  for (let at = 0; at < cells.length; ) {
    const size = u32(cells, at + 8);
    const isBin = ascii(cells, at, 4) === "hbin" && u32(cells, at + 4) === at;
    if (!isBin || size === 0 || size % 4096 !== 0 || at + size > cells.length)
      throw new Damage(`there is no whole bin at ${at}`);
    at += size;
  }
}

class Reader {
  private readonly cells: Uint8Array;
  private keysLeft: number;

  constructor(cells: Uint8Array) {
    this.cells = cells;
    this.keysLeft = Math.floor(cells.length / keyBytes);
  }

  key(at: number, depth: number): HiveKey {
    const cell = this.record(at, "nk", keyBytes);
    if (depth > depthLimit || this.keysLeft-- === 0) throw new Damage("its keys go in a circle");
    const name = textIn(cell, keyBytes, u16(cell, 72), (u16(cell, 2) & 0x20) !== 0);
    const keys = u32(cell, 20) === 0 ? [] : this.keyList(u32(cell, 28), depth + 1, true);
    return { name, keys, values: this.values(u32(cell, 36), u32(cell, 40)) };
  }

  private keyList(at: number, depth: number, mayDivide: boolean): HiveKey[] {
    const list = this.cell(at);
    const kind = ascii(list, 0, 2);
    // A fast or hash leaf has four bytes about the name beside each offset.
    const step = kind === "lf" || kind === "lh" ? 8 : 4;
    const isIndex = kind === "ri" && mayDivide;
    if (step === 4 && kind !== "li" && !isIndex)
      throw new Damage(`there is no list of keys at ${at}`);
    const offsets = this.offsets(list, 4, u16(list, 2), step);
    return offsets.flatMap((offset) =>
      isIndex ? this.keyList(offset, depth, false) : this.key(offset, depth),
    );
  }

  private values(count: number, at: number): HiveValue[] {
    if (count === 0) return [];
    return this.offsets(this.cell(at), 0, count, 4).map((offset) => {
      const cell = this.record(offset, "vk", 20);
      const name = textIn(cell, 20, u16(cell, 2), (u16(cell, 16) & 1) !== 0);
      return { name, type: u32(cell, 12), data: this.data(cell) };
    });
  }

  /** Up to four bytes lie in the value itself, and what is longer than a cell may be in several. */
  private data(value: Uint8Array): Uint8Array {
    const length = u32(value, 4);
    if (length >= 0x8000_0000) return value.subarray(8, 8 + Math.min(length & 0x7fff_ffff, 4));
    if (length === 0) return new Uint8Array();
    const cell = this.cell(u32(value, 8));
    const isDivided = length > segmentBytes && ascii(cell, 0, 2) === "db";
    // Windows itself leaves values that say to be longer than their cell.
    if (!isDivided) return cell.subarray(0, length);
    const segments = this.offsets(this.cell(u32(cell, 4)), 0, u16(cell, 2), 4);
    const parts = segments.map((offset) => this.cell(offset).subarray(0, segmentBytes));
    return new Uint8Array(Buffer.concat(parts).subarray(0, length));
  }

  private offsets(cell: Uint8Array, from: number, count: number, step: number): number[] {
    if (from + count * step > cell.length) throw new Damage("a list in it is cut off");
    return Array.from({ length: count }, (_, index) => u32(cell, from + index * step));
  }

  private record(at: number, kind: string, length: number): Uint8Array {
    const cell = this.cell(at);
    if (cell.length >= length && ascii(cell, 0, 2) === kind) return cell;
    throw new Damage(`there is no ${kind} at ${at}`);
  }

  /** Without the size before it, which is negative of a cell that is in use. */
  private cell(at: number): Uint8Array {
    const size = -(u32(this.cells, at) | 0);
    const isCell = at !== nowhere && at % 8 === 0 && size >= 8 && at + size <= this.cells.length;
    if (!isCell) throw new Damage(`there is no cell at ${at}`);
    return this.cells.subarray(at + 4, at + size);
  }
}

/** Of each but the last of the cells that hold one value. */
const segmentBytes = 16344;

function textIn(cell: Uint8Array, at: number, length: number, isLatin: boolean): string {
  if (at + length > cell.length) throw new Damage("a name in it is cut off");
  const bytes = cell.subarray(at, at + length);
  return isLatin ? ascii(bytes, 0, length) : new TextDecoder("utf-16le").decode(bytes);
}
