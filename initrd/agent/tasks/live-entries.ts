import { RoomcastError } from "../../../core/errors.ts";
import { decodeEntry } from "../../../core/image/index-codec.ts";
import { type IndexEntry, indexEntryBytes } from "../../../core/image/types.ts";
import { decodeNumbered } from "../../../core/wire/bulk.ts";

/** The entries of a live cast at a receiver, as their frames bring them; those that come early wait. */
export class LiveEntries {
  /** By their place in the index. */
  readonly known = new Map<number, IndexEntry>();
  private planned: readonly IndexEntry[] | null = null;
  private early: Uint8Array[] = [];
  private announce: (entryIndex: number, entry: IndexEntry) => void = () => {};

  /** The disk takes entries from now on; each is announced once. Throws as `take` does. */
  begin(
    planned: readonly IndexEntry[],
    announce: (entryIndex: number, entry: IndexEntry) => void,
  ): void {
    this.planned = planned;
    this.announce = announce;
    for (const payload of this.early.splice(0)) this.take(payload);
  }

  /** The payload of an `entries` frame. Throws a RoomcastError (`bad-input`) when it does not fit the plan. */
  take(payload: Uint8Array): void {
    const { planned } = this;
    if (planned === null) {
      this.early.push(new Uint8Array(payload));
      return;
    }
    const decoded = decodeNumbered(payload);
    if (!decoded.ok) return;
    const { number: first, rest } = decoded.value;
    for (let at = 0; at < rest.length; at += indexEntryBytes) {
      const entryIndex = first + at / indexEntryBytes;
      if (this.known.has(entryIndex)) continue;
      const entry = decodeEntry(rest, at);
      if (!entry.ok || planned[entryIndex]?.chunkIndex !== entry.value.chunkIndex) {
        const next = "start the cast again; should it happen again, update the server";
        const what = `entry ${entryIndex} of the live cast does not fit its plan`;
        throw new RoomcastError("bad-input", what, next);
      }
      this.known.set(entryIndex, entry.value);
      this.announce(entryIndex, entry.value);
    }
  }
}
