/** Where the storage has the chunks of one image: for half a million of them in a few MiB. */
import { assert } from "../../core/errors.ts";
import { formBytes, formsOf, writeForm } from "../../core/image/forms.ts";
import { decodeEntry, hashAt } from "../../core/image/index-codec.ts";
import { codec, type IndexEntry, indexEntryBytes } from "../../core/image/types.ts";
import type { CampusPlace } from "./ports.ts";

/** Of an entry whose chunk is in no pack. */
const noPack = 0xffff_ffff;

export class PlaceTable {
  readonly entryCount: number;
  private readonly index: Uint8Array;
  /** The names of the packs, and each name's place among them. */
  private readonly packs: string[] = [];
  private readonly numbers = new Map<string, number>();
  /** By entry. */
  private readonly packOf: Uint32Array;
  private readonly offsets: Uint32Array;
  private readonly lengths: Uint32Array;
  private readonly forms: Uint8Array;

  /** `index`: one that was checked. */
  constructor(index: Uint8Array) {
    this.index = index;
    this.entryCount = index.length / indexEntryBytes;
    this.packOf = new Uint32Array(this.entryCount).fill(noPack);
    this.offsets = new Uint32Array(this.entryCount);
    this.lengths = new Uint32Array(this.entryCount);
    this.forms = formsOf(index);
  }

  isZero(entry: number): boolean {
    return this.index[entry * indexEntryBytes + 4] === codec.zero;
  }

  hash(entry: number): Uint8Array {
    return hashAt(this.index, entry * indexEntryBytes);
  }

  /** The hashes of entries, in their order, 32 bytes each. */
  hashes(entries: readonly number[]): Uint8Array {
    const hashes = new Uint8Array(entries.length * 32);
    for (const [at, entry] of entries.entries()) hashes.set(this.hash(entry), at * 32);
    return hashes;
  }

  set(entry: number, place: CampusPlace | null): void {
    if (place === null) {
      this.packOf[entry] = noPack;
      return;
    }
    const { pack, offset, length } = place;
    const number = this.numbers.get(pack) ?? this.packs.length;
    if (number === this.packs.length) this.packs.push(pack);
    this.numbers.set(pack, number);
    this.packOf[entry] = number;
    this.offsets[entry] = offset;
    this.lengths[entry] = length;
    writeForm(this.forms, entry, place.entry);
  }

  /** Null: the storage does not have it. */
  get(entry: number): CampusPlace | null {
    const pack = this.packs[this.packOf[entry] ?? noPack];
    if (pack === undefined) return null;
    const offset = this.offsets[entry] as number;
    const length = this.lengths[entry] as number;
    return { pack, offset, length, entry: this.entryAt(entry) };
  }

  /** In which forms the storage has them; of what it does not have, those of the index. */
  get storedForms(): Uint8Array {
    return new Uint8Array(this.forms);
  }

  private entryAt(entry: number): IndexEntry {
    const encoded = new Uint8Array(
      this.index.subarray(entry * indexEntryBytes, (entry + 1) * indexEntryBytes),
    );
    // A place is no image's: its chunkIndex is 0.
    encoded.fill(0, 0, 4);
    encoded.set(this.forms.subarray(entry * formBytes, (entry + 1) * formBytes), 4);
    const decoded = decodeEntry(encoded);
    assert(decoded.ok, "an index that was checked, and forms that were encoded");
    return decoded.value;
  }
}
