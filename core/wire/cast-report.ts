/**
 * What a receiver of a cast tells its sender, as the payload of a `bulkKind.report` frame. A report
 * is a state, not a change: the newest one says it all, but for entries that were finished, which are
 * said in several reports in a row and, all of them, in a full one. All numbers are little-endian.
 *
 * | offset | size | name       | meaning                                                             |
 * |-------:|-----:|------------|---------------------------------------------------------------------|
 * |      0 |    1 | version    | 1                                                                   |
 * |      1 |    1 | flags      | bit 0: the bitmap of wants follows; bit 1: a sender has been heard  |
 * |      2 |    2 | generation | of the sender that was heard                                        |
 * |      4 |    4 | number     | counts this receiver's reports, modulo 2^32                         |
 * |      8 |    4 | sequence   | the highest heard of that sender: what the report reflects          |
 * |     12 |    4 | packets    | received of that sender, modulo 2^32                                |
 * |     16 |    4 | dropped    | by this host's socket buffer meanwhile, modulo 2^32                 |
 * |     20 |    2 | freeSlots  | chunks that it can take beside those in assembly                    |
 * |     22 |    2 | slotCount  |                                                                     |
 * |     24 |    2 | settled    | how many entries follow, 4 bytes each                               |
 * |     26 |    2 | assembling | how many entries in assembly follow then                            |
 *
 * A settled entry: bits 0–30 its index, bit 31: wanted (again) rather than here. An entry in
 * assembly: u32 its index, u16 the number of symbols lacking, then the lacking ones: as u16 each,
 * ascending, where that is no longer than a bitmap over the entry's symbols, else as the bitmap. The
 * bitmap of wants: bit `i & 7` of byte `i >> 3`, 1 = entry `i` is wanted and not in hand.
 */
import type { Decoded } from "../errors.ts";
import { bitAt, setBit } from "../units/bits.ts";
import { readU16, readU32, writeU16, writeU32 } from "./cast.ts";

export const reportVersion = 1;
export const reportHeaderBytes = 28;
/** More entries settled at once are said in the next report. */
export const settledLimit = 4096;
const hasWants = 1;
const hasHeard = 2;

/** An entry in assembly: its lacking symbols, ascending. */
export interface Assembly {
  readonly entryIndex: number;
  readonly lacking: Uint16Array;
}

export interface Settled {
  readonly entryIndex: number;
  /** False: here, in hand or on the disk. */
  readonly wanted: boolean;
}

export interface CastReport {
  /** Null before anything was heard of a sender. */
  readonly heard: { readonly generation: number; readonly sequence: number } | null;
  readonly number: number;
  readonly packets: number;
  readonly dropped: number;
  readonly freeSlots: number;
  readonly slotCount: number;
  readonly settled: readonly Settled[];
  readonly assembling: readonly Assembly[];
  readonly wants: Uint8Array | null;
}

const bitmapBytes = (count: number): number => (count + 7) >> 3;
const isList = (lacking: number, symbolCount: number): boolean =>
  lacking * 2 <= bitmapBytes(symbolCount);

/** `symbolCounts`: of each entry of the image's index. */
export function encodeReport(report: CastReport, symbolCounts: ArrayLike<number>): Uint8Array {
  const assemblyBytes = ({ entryIndex, lacking }: Assembly): number => {
    const symbolCount = symbolCounts[entryIndex] as number;
    return (
      6 + (isList(lacking.length, symbolCount) ? lacking.length * 2 : bitmapBytes(symbolCount))
    );
  };
  const { heard, settled, assembling, wants } = report;
  let length = reportHeaderBytes + settled.length * 4 + (wants?.length ?? 0);
  for (const assembly of assembling) length += assemblyBytes(assembly);
  const bytes = new Uint8Array(length);
  bytes[0] = reportVersion;
  bytes[1] = (wants === null ? 0 : hasWants) | (heard === null ? 0 : hasHeard);
  writeU16(bytes, 2, heard?.generation ?? 0);
  writeU32(bytes, 4, report.number);
  writeU32(bytes, 8, heard?.sequence ?? 0);
  writeU32(bytes, 12, report.packets);
  writeU32(bytes, 16, report.dropped);
  writeU16(bytes, 20, report.freeSlots);
  writeU16(bytes, 22, report.slotCount);
  writeU16(bytes, 24, settled.length);
  writeU16(bytes, 26, assembling.length);
  let at = reportHeaderBytes;
  for (const { entryIndex, wanted } of settled) {
    writeU32(bytes, at, entryIndex + (wanted ? 0x8000_0000 : 0));
    at += 4;
  }
  for (const assembly of assembling) {
    const { entryIndex, lacking } = assembly;
    writeU32(bytes, at, entryIndex);
    writeU16(bytes, at + 4, lacking.length);
    const asList = isList(lacking.length, symbolCounts[entryIndex] as number);
    for (const [place, symbol] of lacking.entries()) {
      if (asList) writeU16(bytes, at + 6 + place * 2, symbol);
      else setBit(bytes, (at + 6) * 8 + symbol);
    }
    at += assemblyBytes(assembly);
  }
  if (wants !== null) bytes.set(wants, at);
  return bytes;
}

/** Reads a report about an image of as many entries as `symbolCounts` has. */
export function decodeReport(
  bytes: Uint8Array,
  symbolCounts: ArrayLike<number>,
): Decoded<CastReport> {
  if (bytes.length < reportHeaderBytes) return fault("truncated");
  if (bytes[0] !== reportVersion) return fault(`version ${bytes[0]}`);
  const flags = bytes[1] as number;
  const freeSlots = readU16(bytes, 20);
  const slotCount = readU16(bytes, 22);
  if (freeSlots > slotCount) return fault("more free slots than slots");
  const settledCount = readU16(bytes, 24);
  const assemblingCount = readU16(bytes, 26);
  if (settledCount > settledLimit) return fault("too many settled entries");
  if (assemblingCount > slotCount) return fault("more entries in assembly than slots");
  let at = reportHeaderBytes;
  if (at + settledCount * 4 > bytes.length) return fault("truncated");
  const settled: Settled[] = [];
  for (; settled.length < settledCount; at += 4) {
    const value = readU32(bytes, at);
    const entryIndex = value & 0x7fff_ffff;
    if (entryIndex >= symbolCounts.length) return fault("no such entry");
    settled.push({ entryIndex, wanted: value > 0x7fff_ffff });
  }
  const assembling: Assembly[] = [];
  while (assembling.length < assemblingCount) {
    if (at + 6 > bytes.length) return fault("truncated");
    const entryIndex = readU32(bytes, at);
    const count = readU16(bytes, at + 4);
    at += 6;
    const symbolCount = entryIndex < symbolCounts.length ? (symbolCounts[entryIndex] as number) : 0;
    if (count === 0 || count > symbolCount) return fault("not in assembly");
    const asList = isList(count, symbolCount);
    const length = asList ? count * 2 : bitmapBytes(symbolCount);
    if (at + length > bytes.length) return fault("truncated");
    const lacking = asList
      ? readList(bytes, at, count, symbolCount)
      : readBitmap(bytes, at, count, symbolCount);
    if (lacking === null) return fault("lacking symbols that do not fit");
    assembling.push({ entryIndex, lacking });
    at += length;
  }
  let wants: Uint8Array | null = null;
  if ((flags & hasWants) !== 0) {
    wants = new Uint8Array(bytes.subarray(at));
    if (wants.length !== bitmapBytes(symbolCounts.length)) return fault("wants of another image");
  } else if (at !== bytes.length) return fault("too long");
  return {
    ok: true,
    value: {
      heard:
        (flags & hasHeard) === 0
          ? null
          : { generation: readU16(bytes, 2), sequence: readU32(bytes, 8) },
      number: readU32(bytes, 4),
      packets: readU32(bytes, 12),
      dropped: readU32(bytes, 16),
      freeSlots,
      slotCount,
      settled,
      assembling,
      wants,
    },
  };
}

const fault = (reason: string): { ok: false; reason: string } => ({ ok: false, reason });

function readList(
  bytes: Uint8Array,
  at: number,
  count: number,
  symbolCount: number,
): Uint16Array | null {
  const lacking = new Uint16Array(count);
  let before = -1;
  for (let place = 0; place < count; place++) {
    const symbol = readU16(bytes, at + place * 2);
    if (symbol <= before || symbol >= symbolCount) return null;
    lacking[place] = symbol;
    before = symbol;
  }
  return lacking;
}

function readBitmap(
  bytes: Uint8Array,
  at: number,
  count: number,
  symbolCount: number,
): Uint16Array | null {
  const lacking = new Uint16Array(count);
  let found = 0;
  for (let symbol = 0; symbol < symbolCount; symbol++) {
    if (!bitAt(bytes, at * 8 + symbol)) continue;
    if (found === count) return null;
    lacking[found++] = symbol;
  }
  return found === count ? lacking : null;
}
