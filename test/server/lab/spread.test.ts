import assert from "node:assert/strict";
import { test } from "node:test";
import { spread } from "../../../server/lab/spread.ts";

test("each has a time of its own, all of them before the next second begins", () => {
  const later: { readonly ms: number; readonly act: () => void }[] = [];
  const done: string[] = [];
  const timers = {
    later(ms: number, act: () => void) {
      later.push({ ms, act });
      return () => {};
    },
  };
  spread(["a", "b", "c", "d"], 1000, timers, (one) => void done.push(one));
  assert.deepEqual(
    later.map(({ ms }) => ms),
    [0, 250, 500, 750],
  );
  assert.deepEqual(done, [], "nothing is done at once");
  for (const { act } of later) act();
  assert.deepEqual(done, ["a", "b", "c", "d"]);
  spread([], 1000, timers, () => assert.fail("nobody is there"));
});
