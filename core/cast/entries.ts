/** The stored lengths of a cast's entries. In a live cast, they become known one after another. */
import { assert } from "../errors.ts";
import { chunkBytes } from "../units/units.ts";
import { symbolCountOf } from "../wire/cast.ts";

/** The length of an entry that has yet to be announced. */
export const unknownLength = 0xffff_ffff;

export class Entries {
  /** Stored bytes of each entry; 0: it is never on the wire. */
  readonly storedLengths: Uint32Array;
  /** Symbols of each entry; 0 also for those that are unknown. */
  readonly symbolCounts: Uint16Array;

  constructor(storedLengths: Uint32Array) {
    this.storedLengths = new Uint32Array(storedLengths);
    this.symbolCounts = Uint16Array.from(storedLengths, (length) =>
      length === unknownLength ? 0 : symbolCountOf(length),
    );
  }

  get count(): number {
    return this.storedLengths.length;
  }

  isKnown(entryIndex: number): boolean {
    return this.storedLengths[entryIndex] !== unknownLength;
  }

  announce(entryIndex: number, storedLength: number): void {
    assert(this.storedLengths[entryIndex] === unknownLength, "an entry is announced once");
    assert(storedLength <= chunkBytes, "an entry is stored in no more than a chunk");
    this.storedLengths[entryIndex] = storedLength;
    this.symbolCounts[entryIndex] = symbolCountOf(storedLength);
  }
}
