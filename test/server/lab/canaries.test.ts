import assert from "node:assert/strict";
import { test } from "node:test";
import { RoomcastError } from "../../../core/errors.ts";
import { chooseCanaries } from "../../../server/lab/canaries.ts";
import type { PcRecord } from "../../../server/state/records.ts";

const pc = (id: string, seat: string | null): PcRecord =>
  ({ id, name: id, room: "lab1", seat }) as PcRecord;

// By name, as the inventory has them; a1 is at the third seat.
const pcs = [pc("a1", "C"), pc("a2", "A"), pc("a3", "B"), pc("a4", null)];
const isOn = new Set(["a1", "a3", "a4"]);

const chosen = (wanted: string | number, from = pcs): string[] =>
  chooseCanaries(wanted, from, {
    find: (reference) => pcs.find(({ id }) => id === reference) ?? pc(reference, null),
    isConnected: (id) => isOn.has(id),
    seatsOf: () => ["A", "B", "C"],
  }).map(({ id }) => id);

test("a number takes who is connected first, then by seat, and last whoever has none", () => {
  assert.deepEqual(chosen(1), ["a3"]);
  assert.deepEqual(chosen(2), ["a3", "a1"]);
  assert.deepEqual(chosen(3), ["a3", "a1", "a4"]);
});

test("a PC that is named is first, though it is off", () => {
  assert.deepEqual(chosen("a2"), ["a2"]);
});

test("a PC that is not restored, or nobody left to wait, is refused", () => {
  const refused = (error: unknown) => error instanceof RoomcastError && error.code === "refused";
  assert.throws(() => chosen("b7"), refused);
  assert.throws(() => chosen(4), refused);
  assert.throws(() => chosen("a1", pcs.slice(0, 1)), refused);
});
