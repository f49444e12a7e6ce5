import assert from "node:assert/strict";
import { test } from "node:test";
import { Interleave } from "../../../core/cast/interleave.ts";

const room = (count: number, slotCount = 128) =>
  Array.from({ length: count }, () => ({ isServed: true, slotCount }));

/** Entries of 250 symbols, of each of which the mean PC lost two and `repairs` packets repair what was lost. */
function after(entries: number, repairs: number, interleave = new Interleave()): Interleave {
  for (let entry = 0; entry < entries; entry++) {
    interleave.noteBegun(250);
    interleave.noteRepairs(repairs, 2);
  }
  return interleave;
}

test("entries take turns when repairs cost more than each PC has lost, the more the more they cost", () => {
  assert.equal(new Interleave().depthFor(room(8)), 1);
  assert.equal(after(100, 4).depthFor(room(8)), 8);
  assert.equal(after(100, 40).depthFor(room(8)), 16);
});

test("what is lost by all at once, or by a PC alone, is repaired as well without turns", () => {
  assert.equal(after(100, 2).depthFor(room(8)), 1);
});

test("they stop when nothing is lost any more", () => {
  const interleave = after(100, 40);
  assert(after(30, 2, interleave).depthFor(room(8)) > 1);
  assert.equal(after(200, 2, interleave).depthFor(room(8)), 1);
});

test("they take an eighth of the slots of the receiver that has the fewest", () => {
  const interleave = after(100, 40);
  assert.equal(interleave.depthFor([...room(8), { isServed: true, slotCount: 32 }]), 4);
  assert.equal(interleave.depthFor([...room(8), { isServed: true, slotCount: 1 }]), 1);
  assert.equal(interleave.depthFor([...room(8), { isServed: false, slotCount: 1 }]), 16);
});
