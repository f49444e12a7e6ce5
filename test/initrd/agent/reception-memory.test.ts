import assert from "node:assert/strict";
import { test } from "node:test";
import { keptBytesFor, slotCountFor } from "../../../initrd/agent/tasks/reception.ts";

const mib = 1 << 20;

test("a small PC keeps nothing beside its slots, and a large one half of what it does not need", () => {
  // Of memory, and what is available of it while the agent waits for an order.
  for (const [memoryMib, availableMib, slotCount, keptMib] of [
    [470, 330, 39, 0],
    [720, 512, 60, 0],
    [960, 800, 80, 144],
    [3900, 3600, 128, 1544],
    [7900, 7500, 128, 3494],
    [64_000, 63_000, 128, 31_244],
  ] as const) {
    assert.equal(slotCountFor(memoryMib * mib), slotCount);
    assert.equal(keptBytesFor(availableMib * mib), keptMib * mib, `${memoryMib} MiB`);
  }
  assert.equal(keptBytesFor(0), 0);
});
