import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { encodeIndex } from "../../../core/image/index-codec.ts";
import { codec, type IndexEntry } from "../../../core/image/types.ts";
import { LiveKeys } from "../../../server/store/live-keys.ts";

/** Of this part, and else at random. */
function hashOf(part: number, number: number): Uint8Array {
  const sha256 = new Uint8Array(hash("sha256", `${part} ${number}`, "buffer"));
  sha256[0] = part;
  return sha256;
}
const entryOf = (sha256: Uint8Array): IndexEntry => ({
  ...{ chunkIndex: 0, codec: codec.raw, storedLength: 1, crc32c: 0, sha256 },
});
const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, at) => from + at);

test("what is alive is found, and nothing else is, in parts that are on the disk and in those that are not", () => {
  const db = new DatabaseSync(":memory:");
  const live = new LiveKeys(db);
  const counts = new Map([
    [0, 0],
    [1, 3],
    [2, 1024],
    [200, 5000],
    [255, 1],
  ]);
  const all = [...counts].flatMap(([part, count]) =>
    numbers(0, count).map((number) => entryOf(hashOf(part, number))),
  );
  // Two images share the most of it.
  live.add(encodeIndex(all));
  live.add(encodeIndex(all.slice(100)));
  for (const [part, count] of counts) {
    for (const number of numbers(0, count)) assert(live.has(hashOf(part, number)));
    for (const number of numbers(count, count + 100)) assert(!live.has(hashOf(part, number)));
  }
  assert(!live.has(hashOf(3, 0)));
  live.add(encodeIndex([entryOf(hashOf(3, 0))]));
  assert(live.has(hashOf(3, 0)), "one that is added later, too");
  live[Symbol.dispose]();
  assert.throws(() => db.prepare("SELECT 1 FROM temp.live"), /no such table/);
});

test("a dead chunk whose first bytes are those of one that is alive stays", () => {
  using live = new LiveKeys(new DatabaseSync(":memory:"));
  live.add(encodeIndex([entryOf(hashOf(9, 0))]));
  const alike = hashOf(9, 0);
  alike.fill(0, 7);
  assert(live.has(alike));
  alike[6] = (alike[6] as number) ^ 1;
  assert(!live.has(alike));
});
