import assert from "node:assert/strict";
import { test } from "node:test";
import { Entries } from "../../../core/cast/entries.ts";
import { Supply } from "../../../core/cast/supply.ts";

test("what was read for other keys is read again, and what is being read is waited for", () => {
  const supply = new Supply(
    new Entries(Uint32Array.of(10, 10, 10)),
    (bytes) => new Uint8Array(bytes),
  );
  for (const entry of [0, 1]) supply.ask(entry, "ahead");
  supply.ask(2, "resumed");
  assert.deepEqual(supply.takeReads(), [0, 1, 2]);
  for (const entry of [0, 2]) supply.take(entry, 10, (into) => into.fill(1));
  assert.deepEqual([...supply.ready()], [2, 0]);
  supply.readAgain();
  assert.deepEqual([...supply.ready()], []);
  assert.deepEqual(supply.takeReads(), [0, 2]);
  for (const entry of [0, 1, 2]) supply.take(entry, 10, (into) => into.fill(2));
  for (const entry of [2, 0, 1])
    assert.equal(supply.slab[supply.claim(entry) * supply.slotBytes], 2);
});

test("until the first entry's turn has come, two are read and no more", () => {
  const supply = new Supply(
    new Entries(new Uint32Array(100).fill(10)),
    (bytes) => new Uint8Array(bytes),
  );
  const askAll = (): number => {
    for (let entry = 0; supply.hasRoomAhead; entry++)
      if (!supply.has(entry)) supply.ask(entry, "ahead");
    return supply.count;
  };
  assert.equal(askAll(), 2);
  supply.take(0, 10, (into) => into.fill(1));
  assert.equal(askAll(), 2);
  supply.claim(0);
  assert(askAll() > 9);
});
