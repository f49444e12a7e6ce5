import { symbolBytes, symbolCountOf } from "../wire/cast.ts";

/** The page of the machines that this runs on: a slot begins on one. */
const pageBytes = 4096;

/** Room for all symbols, the padded last included, of the longest entry. */
export function slotBytesFor(storedLengths: Uint32Array): number {
  let longest = 1;
  for (const storedLength of storedLengths) if (storedLength > longest) longest = storedLength;
  return Math.ceil((symbolCountOf(longest) * symbolBytes) / pageBytes) * pageBytes;
}

export const slabBytesFor = (storedLengths: Uint32Array, slotCount: number): number =>
  slotBytesFor(storedLengths) * slotCount;
