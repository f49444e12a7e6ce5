import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeIndex } from "../../../core/image/index-codec.ts";
import { codec, type IndexEntry } from "../../../core/image/types.ts";
import { encodeNumbered } from "../../../core/wire/bulk.ts";
import { LiveEntries } from "../../../initrd/agent/tasks/live-entries.ts";

const entryOf = (chunkIndex: number, storedLength: number): IndexEntry => ({
  chunkIndex,
  codec: codec.raw,
  storedLength,
  crc32c: 0,
  sha256: new Uint8Array(32),
});

const planned = [0, 1, 5, 6].map((chunkIndex) => entryOf(chunkIndex, 0));
const frame = (first: number, ...chunks: readonly number[]): Uint8Array =>
  encodeNumbered(first, encodeIndex(chunks.map((chunkIndex) => entryOf(chunkIndex, 9))));

test("entries that come before the disk is chosen wait for it; each is announced once", () => {
  const entries = new LiveEntries();
  const announced: number[] = [];
  const early = frame(0, 0, 1);
  entries.take(early);
  // The connection's memory is used again.
  early.fill(0);
  entries.begin(planned, (entryIndex) => announced.push(entryIndex));
  assert.deepEqual(announced, [0, 1]);
  entries.take(frame(1, 1, 5));
  entries.take(new Uint8Array(2));
  assert.deepEqual(announced, [0, 1, 2]);
  assert.equal(entries.known.get(2)?.storedLength, 9);
});

test("an entry that does not fit the plan ends it", () => {
  const entries = new LiveEntries();
  entries.begin(planned, () => {});
  for (const wrong of [frame(2, 4), frame(4, 7)]) {
    assert.throws(() => entries.take(wrong), { code: "bad-input" });
  }
});
