/**
 * The packets of a cast, and the reports that come back. All numbers are little-endian.
 *
 * Every packet starts with 16 bytes:
 *
 * | offset | size | name | meaning |
 * |---|---|---|---|
 * | 0 | 2 | kind and generation | low 4 bits: `packetKind`; high 12: drawn by each sender when it starts |
 * | 2 | 2 | symbol | data: the symbol's number; coded: how many symbols are in the set; else 0 |
 * | 4 | 4 | tag | the session's; other packets are not ours |
 * | 8 | 4 | entryIndex | place in the image's index |
 * | 12 | 4 | sequence | counts the sender's packets from 1 |
 *
 * A data packet goes on with one symbol (1408 bytes; the last of an entry is padded with zeros). A
 * coded packet goes on with 48 bytes that hold up to 38 symbol numbers of 10 bits, and the XOR of
 * those symbols. A sync packet ends here: it tells the highest sequence to who lost the last ones.
 */
import type { Decoded } from "../errors.ts";
import { chunkBytes } from "../units/units.ts";

export const packetKind = { data: 1, coded: 2, sync: 3 } as const;

export const castHeaderBytes = 16;
/** MTU 1500 − 20 IP − 8 UDP − 16 header − 48 set = 1408: data and coded packets fit the same frame. */
export const symbolBytes = 1408;
export const codedSetBytes = 48;
/** 48 bytes hold 38 numbers of 10 bits. */
export const codedSetLimit = 38;
export const dataPacketBytes = castHeaderBytes + symbolBytes;
export const codedPacketBytes = castHeaderBytes + codedSetBytes + symbolBytes;
/** Symbols of the largest entry: 745, so a number fits 10 bits. */
export const symbolLimit = Math.ceil(chunkBytes / symbolBytes);
export const generationLimit = 1 << 12;

export const symbolCountOf = (storedLength: number): number =>
  Math.ceil(storedLength / symbolBytes);

export const u16At = (bytes: Uint8Array, at: number): number =>
  (bytes[at] as number) | ((bytes[at + 1] as number) << 8);

export const u32At = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)) >>>
  0;

export function putU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value & 255;
  bytes[at + 1] = (value >>> 8) & 255;
}

export function putU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value & 255;
  bytes[at + 1] = (value >>> 8) & 255;
  bytes[at + 2] = (value >>> 16) & 255;
  bytes[at + 3] = (value >>> 24) & 255;
}

/** Writes the header of a packet at `at`. */
export function putCastHeader(
  bytes: Uint8Array,
  at: number,
  kind: number,
  generation: number,
  symbol: number,
  tag: number,
  entryIndex: number,
  sequence: number,
): void {
  putU16(bytes, at, kind | (generation << 4));
  putU16(bytes, at + 2, symbol);
  putU32(bytes, at + 4, tag);
  putU32(bytes, at + 8, entryIndex);
  putU32(bytes, at + 12, sequence);
}

/** Packs symbol numbers of 10 bits into the 48 bytes at `at`. */
export function putCodedSet(bytes: Uint8Array, at: number, symbols: readonly number[]): void {
  bytes.fill(0, at, at + codedSetBytes);
  for (let place = 0; place < symbols.length; place++) {
    const bit = place * 10;
    const byte = at + (bit >> 3);
    const shifted = (symbols[place] as number) << (bit & 7);
    bytes[byte] = (bytes[byte] as number) | (shifted & 255);
    bytes[byte + 1] = (bytes[byte + 1] as number) | (shifted >> 8);
    if ((bit & 7) > 6) bytes[byte + 2] = (bytes[byte + 2] as number) | (shifted >> 16);
  }
}

/** The number at `place` of the set at `at`. */
export function codedSymbolAt(bytes: Uint8Array, at: number, place: number): number {
  const bit = place * 10;
  const byte = at + (bit >> 3);
  return (((bytes[byte] as number) | ((bytes[byte + 1] as number) << 8)) >> (bit & 7)) & 0x3ff;
}

/**
 * What a receiver says, in a `bulkKind.report` frame. All that is in assembly is listed each time, so
 * an entry that is not listed and not done is one of which the receiver holds nothing.
 *
 * | offset | size | name | meaning |
 * |---|---|---|---|
 * | 0 | 2 | generation | of the sender that the next four are about |
 * | 2 | 2 | slots | how many entries it can hold at once |
 * | 4 | 4 | highest | highest sequence seen; 0: none |
 * | 8 | 4 | received | packets received, duplicates not counted twice |
 * | 12 | 4 | lost | sequences that never came |
 * | 16 | 4 | dropped | of these, dropped by its own socket |
 * | 20 | 4 | taken | entries that have left their slot for the disk, in all |
 * | 24 | 2 | doneCount | entries done since the last report, or seen again though done |
 * | 26 | 2 | againCount | entries that did not match their hash: wanted again from the start |
 * | 28 | 2 | partCount | entries in assembly |
 * | 30 | 4 × done, 4 × again | | their indexes |
 * | … | per part | 4 entryIndex, 2 length of its bitmap, the bitmap | bit set: symbol is missing |
 */
export interface CastReport {
  readonly generation: number;
  readonly slots: number;
  readonly highest: number;
  readonly received: number;
  readonly lost: number;
  readonly dropped: number;
  readonly taken: number;
  readonly done: readonly number[];
  readonly again: readonly number[];
  readonly parts: readonly { readonly entryIndex: number; readonly missing: Uint8Array }[];
}

export const reportHeaderBytes = 30;
/** A report's lists are cut here; the rest goes with the next one. */
export const reportListLimit = 4096;
const bitmapLimit = (symbolLimit + 7) >> 3;

export function encodeReport(report: CastReport): Uint8Array {
  const { done, again, parts } = report;
  const bitmaps = parts.reduce((sum, { missing }) => sum + 6 + missing.length, 0);
  const bytes = new Uint8Array(reportHeaderBytes + 4 * (done.length + again.length) + bitmaps);
  putU16(bytes, 0, report.generation);
  putU16(bytes, 2, report.slots);
  putU32(bytes, 4, report.highest);
  putU32(bytes, 8, report.received);
  putU32(bytes, 12, report.lost);
  putU32(bytes, 16, report.dropped);
  putU32(bytes, 20, report.taken);
  putU16(bytes, 24, done.length);
  putU16(bytes, 26, again.length);
  putU16(bytes, 28, parts.length);
  let at = reportHeaderBytes;
  for (const entryIndex of [...done, ...again]) {
    putU32(bytes, at, entryIndex);
    at += 4;
  }
  for (const { entryIndex, missing } of parts) {
    putU32(bytes, at, entryIndex);
    putU16(bytes, at + 4, missing.length);
    bytes.set(missing, at + 6);
    at += 6 + missing.length;
  }
  return bytes;
}

export function decodeReport(bytes: Uint8Array): Decoded<CastReport> {
  if (bytes.length < reportHeaderBytes) return { ok: false, reason: "truncated" };
  const [doneCount, againCount, partCount] = [u16At(bytes, 24), u16At(bytes, 26), u16At(bytes, 28)];
  let at = reportHeaderBytes;
  if (bytes.length < at + 4 * (doneCount + againCount)) return { ok: false, reason: "truncated" };
  const indexes: number[] = [];
  for (let count = 0; count < doneCount + againCount; count++, at += 4) {
    indexes.push(u32At(bytes, at));
  }
  const parts: { entryIndex: number; missing: Uint8Array }[] = [];
  for (let count = 0; count < partCount; count++) {
    if (bytes.length < at + 6) return { ok: false, reason: "truncated" };
    const length = u16At(bytes, at + 4);
    if (length > bitmapLimit) return { ok: false, reason: "bitmap too long" };
    if (bytes.length < at + 6 + length) return { ok: false, reason: "truncated" };
    parts.push({ entryIndex: u32At(bytes, at), missing: bytes.slice(at + 6, at + 6 + length) });
    at += 6 + length;
  }
  if (at !== bytes.length) return { ok: false, reason: "trailing bytes" };
  return {
    ok: true,
    value: {
      generation: u16At(bytes, 0),
      slots: u16At(bytes, 2),
      highest: u32At(bytes, 4),
      received: u32At(bytes, 8),
      lost: u32At(bytes, 12),
      dropped: u32At(bytes, 16),
      taken: u32At(bytes, 20),
      done: indexes.slice(0, doneCount),
      again: indexes.slice(doneCount),
      parts,
    },
  };
}
