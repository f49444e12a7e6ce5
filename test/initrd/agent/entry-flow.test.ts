import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { codec, type IndexEntry, indexEntryBytes } from "../../../core/image/types.ts";
import { bulkKind, decodeNumbered } from "../../../core/wire/bulk.ts";
import { EntryFlow } from "../../../initrd/agent/tasks/entry-flow.ts";

const entries: readonly IndexEntry[] = Array.from({ length: 5 }, (_, chunkIndex) => ({
  chunkIndex,
  codec: codec.raw,
  storedLength: 10,
  crc32c: 0,
  sha256: new Uint8Array(32),
}));

test("a sender says its entries once; after a break, again those that no answer came to", async () => {
  const said: [first: number, count: number][] = [];
  const announced: number[] = [];
  let known = 2;
  let isUp = true;
  const flow = new EntryFlow({
    tag: 7,
    entries: () => entries.slice(0, known),
    sendBulk(kind, tag, payload) {
      if (!isUp) return false;
      assert.deepEqual([kind, tag], [bulkKind.entries, 7]);
      const decoded = decodeNumbered(payload);
      assert(decoded.ok);
      said.push([decoded.value.number, decoded.value.rest.length / indexEntryBytes]);
      return true;
    },
    announce: (entryIndex) => announced.push(entryIndex) > 0,
  });
  flow.say();
  flow.say();
  assert.deepEqual(said, [[0, 2]]);
  flow.told(2);
  known = 5;
  flow.say();
  assert.deepEqual(said.splice(0), [
    [0, 2],
    [2, 3],
  ]);
  // The frame was lost with the connection.
  isUp = false;
  flow.say();
  isUp = true;
  flow.reconnected();
  assert.deepEqual(said.splice(0), [[2, 3]]);
  // The server lacks more than it had said it has.
  flow.told(1);
  assert.deepEqual(said.splice(0), [[1, 4]]);
  await sleep(100);
  assert.deepEqual(announced, [0, 1], "only what the receivers were told of is cast");
  flow.told(5);
  await sleep(100);
  assert.deepEqual(announced, [0, 1, 2, 3, 4]);
});
