import assert from "node:assert/strict";
import { test } from "node:test";
import { Likeness } from "./likeness.ts";

test("values are alike as their JSON is, also after one of them was made anew in part", () => {
  const likeness = new Likeness();
  const state = { members: { a: { tries: 1, left: [1, null] }, b: { tries: 2, left: [] } } };
  const stored = JSON.parse(JSON.stringify(state)) as typeof state;
  assert(likeness.isSame(state, stored));
  assert(likeness.isSame({ ...state, more: undefined }, stored));
  assert(likeness.isSame(stored, { ...state, more: undefined }));
  const others: unknown[] = [
    { ...stored, more: 1 },
    { members: { a: stored.members.a } },
    { members: { ...stored.members, b: { tries: 3, left: [] } } },
    { members: { ...stored.members, b: { tries: 2, left: {} } } },
    { members: { ...stored.members, a: { tries: 1, left: [1] } } },
    { members: { ...stored.members, a: { tries: 1, left: [1, {}] } } },
    null,
  ];
  for (const other of others) {
    assert(!likeness.isSame(state, other), JSON.stringify(other));
    assert(!likeness.isSame(other, state), JSON.stringify(other));
  }
});
