import { chunkBytes } from "../units/units.ts";
import { symbolBytes, symbolCountOf } from "../wire/cast.ts";

/** The page of the machines that this runs on: a slot begins on one. */
const pageBytes = 4096;

/** Room for all symbols, the padded last included, of the longest entry; an unknown one may be a whole chunk. */
export function slotBytesFor(storedLengths: Uint32Array): number {
  let longest = 1;
  for (const storedLength of storedLengths) if (storedLength > longest) longest = storedLength;
  return (
    Math.ceil((symbolCountOf(Math.min(longest, chunkBytes)) * symbolBytes) / pageBytes) * pageBytes
  );
}

export const slabBytesFor = (storedLengths: Uint32Array, slotCount: number): number =>
  slotBytesFor(storedLengths) * slotCount;
