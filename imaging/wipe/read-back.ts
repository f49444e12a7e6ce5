/** Reading a wiped disk back: all of it, or a sample. */
import { RoomcastError } from "../../core/errors.ts";
import { hexSha256 } from "../../core/node/hash.ts";
import { sizeText } from "../../core/screen/format.ts";
import type { WipeRecord } from "../../core/wire/wipe.ts";
import { alignedBuffer } from "../disk/disk.ts";

/** What is read in one call. */
const pieceBytes = 1024 * 1024;
/** Of each end of the disk: partition tables, boot sectors, and their copies. */
const edgeBytes = 64 * 1024 * 1024;
/** Places between the ends, a piece each: whoever left a thousandth of the disk is found out in two of three samples. */
const places = 1024;

export interface Piece {
  readonly offset: number;
  readonly length: number;
}

/** The whole disk, piece by piece. */
export function* allPieces(size: number, most = pieceBytes): Generator<Piece> {
  for (let offset = 0; offset < size; offset += most)
    yield { offset, length: Math.min(most, size - offset) };
}

/** Both ends whole, and random places between them, in the order of the disk; a small disk whole. */
export function samplePieces(size: number, below: (limit: number) => number): readonly Piece[] {
  const all = Math.ceil(size / pieceBytes);
  const head = edgeBytes / pieceBytes;
  // The last piece may be a short one.
  const tail = Math.floor((size - edgeBytes) / pieceBytes);
  if (tail - head <= places) return [...allPieces(size)];
  const chosen = new Set<number>();
  for (let index = 0; index < head; index++) chosen.add(index);
  for (let index = tail; index < all; index++) chosen.add(index);
  const most = chosen.size + places;
  while (chosen.size < most) chosen.add(head + below(tail - head));
  return [...chosen]
    .sort((one, other) => one - other)
    .map((index) => {
      const offset = index * pieceBytes;
      return { offset, length: Math.min(pieceBytes, size - offset) };
    });
}

export interface WipedDisk {
  readonly size: number;
  /** Past every cache. False: this place cannot be read. */
  reads(offset: number, into: Uint8Array): Promise<boolean>;
}

/** Whether all that is read is zeros. `step` hears of each piece, and may throw. Rejects with `failed` for a place that is not. */
export async function requireZeros(
  disk: WipedDisk,
  pieces: Iterable<Piece>,
  step: (length: number) => void,
): Promise<WipeRecord["readBack"]> {
  const memory = alignedBuffer(pieceBytes);
  let bytes = 0;
  for (const { offset, length } of pieces) {
    const into = memory.subarray(0, length);
    if (!(await disk.reads(offset, into))) throw failed(offset, "cannot be read");
    if (!isFullOf(zeros, into)) throw failed(offset, "does not read as zeros");
    bytes += length;
    step(length);
  }
  const isAll = bytes === disk.size;
  const detail = isAll
    ? `all ${sizeText(disk.size)} read as zeros`
    : `${sizeText(bytes)} of ${sizeText(disk.size)} read as zeros: the first and the last ${sizeText(edgeBytes)}, and ${places} random places`;
  return { bytes, diskBytes: disk.size, finding: "zeros", detail };
}

/** What pieces of a disk hold before it erases itself, by their offset. */
export type Traces = ReadonlyMap<number, string>;

export async function tracesOf(
  disk: WipedDisk,
  pieces: Iterable<Piece>,
  step: (length: number) => void,
): Promise<Traces> {
  const memory = alignedBuffer(pieceBytes);
  const traces = new Map<number, string>();
  for (const { offset, length } of pieces) {
    const into = memory.subarray(0, length);
    // Of what cannot be read, nothing is known: whatever is there afterwards will do.
    if (await disk.reads(offset, into)) traces.set(offset, hexSha256(into));
    step(length);
  }
  return traces;
}

/**
 * After a cryptographic erase a disk reads as whatever its new key makes of the old bits. So each piece is of
 * one byte throughout (erased flash reads as 00h or FFh), or holds something else than before.
 */
export async function requireErased(
  disk: WipedDisk,
  pieces: Iterable<Piece>,
  { traces, step }: { readonly traces: Traces; step(length: number): void },
): Promise<WipeRecord["readBack"]> {
  const memory = alignedBuffer(pieceBytes);
  let bytes = 0;
  let areZeros = true;
  let areBlank = true;
  for (const { offset, length } of pieces) {
    const into = memory.subarray(0, length);
    if (!(await disk.reads(offset, into))) throw failed(offset, "cannot be read");
    const areZerosHere = isFullOf(zeros, into);
    const isBlank = areZerosHere || isFullOf(ones, into);
    if (!isBlank && hexSha256(into) === traces.get(offset))
      throw failed(offset, "still reads as before");
    areZeros &&= areZerosHere;
    areBlank &&= isBlank;
    bytes += length;
    step(length);
  }
  // Noise is no proof where nobody knows what was there before.
  if (!areBlank && traces.size === 0)
    return unverifiable(disk.size, "the disk could not be read before it erased itself");
  const sample = bytes === disk.size ? "all" : `a sample of ${sizeText(bytes)}`;
  const detail = areZeros
    ? `${sample} of ${sizeText(disk.size)} reads as zeros`
    : `${sample} of ${sizeText(disk.size)} reads as erased: nothing in it is as it was`;
  return { bytes, diskBytes: disk.size, finding: areZeros ? "zeros" : "changed", detail };
}

export const unverifiable = (diskBytes: number, why: string): WipeRecord["readBack"] => ({
  ...{ bytes: 0, diskBytes, finding: "unverifiable" },
  detail: `not verifiable: ${why}`,
});

const isFullOf = (piece: Uint8Array, data: Uint8Array): boolean =>
  Buffer.compare(data, piece.subarray(0, data.length)) === 0;
const zeros = Buffer.alloc(pieceBytes);
const ones = Buffer.alloc(pieceBytes, 0xff);

const failed = (offset: number, what: string): RoomcastError =>
  new RoomcastError(
    "failed",
    `the disk was wiped, and ${what} at ${sizeText(offset)} (byte ${offset})`,
    "do not give this disk away: wipe it by another method, or destroy it",
  );
