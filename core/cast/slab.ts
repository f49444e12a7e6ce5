import { chunkBytes } from "../units/units.ts";
import { symbolBytes, symbolCountOf } from "../wire/cast.ts";

/** The page size of the hosts that this runs on; a slot begins on a page. */
const pageBytes = 4096;

/** Space for all symbols of the longest entry, including the padded last one. An unknown entry may be a whole chunk. */
export function slotBytesFor(storedLengths: Uint32Array): number {
  let longest = 1;
  for (const storedLength of storedLengths) if (storedLength > longest) longest = storedLength;
  return (
    Math.ceil((symbolCountOf(Math.min(longest, chunkBytes)) * symbolBytes) / pageBytes) * pageBytes
  );
}

export const slabBytesFor = (storedLengths: Uint32Array, slotCount: number): number =>
  slotBytesFor(storedLengths) * slotCount;
