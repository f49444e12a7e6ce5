import assert from "node:assert/strict";
import test from "node:test";
import { rehearse } from "../../../core/cast/rehearsal.ts";

test("a rehearsal goes on until its receiver has all, though packets are lost", () => {
  assert.equal(
    rehearse(() => true),
    true,
  );
});

test("a rehearsal ends within a simulated millisecond when there is a cast", () => {
  let asked = 0;
  assert.equal(
    rehearse(() => ++asked <= 20),
    false,
  );
  assert.equal(asked, 21);
});
