import assert from "node:assert/strict";
import { test } from "node:test";
import { RareLine, RareLines } from "../../../server/lab/rare-line.ts";

test("one line a minute, with the count of those that were left out", () => {
  let time = 0;
  const line = new RareLine(() => time);
  assert.equal(line.take("full"), "full");
  for (time = 1; time < 60_000; time += 10) assert.equal(line.take("full"), null);
  time = 60_000;
  assert.equal(line.take("full"), "full (and 6000 more like it since the last such line)");
  assert.equal(line.take("full"), null);
  time = 200_000;
  assert.equal(line.take("full"), "full (and 1 more like it since the last such line)");
  time = 300_000;
  assert.equal(line.take("full"), "full");
});

test("several a minute, each kind for itself; who tells whom is the one that comes then", () => {
  let time = 0;
  const lines = new RareLines(() => time, 3);
  const told = (kind: string): (string | null)[] =>
    Array.from({ length: 5 }, () => lines.take(kind, `${kind} at ${time}`));
  assert.deepEqual(told("a"), ["a at 0", "a at 0", "a at 0", null, null]);
  assert.deepEqual(told("b"), ["b at 0", "b at 0", "b at 0", null, null]);
  time = 60_000;
  const [first, second, , fourth] = told("a");
  assert.equal(first, "a at 60000 (and 2 more like it since the last such line)");
  assert.deepEqual([second, fourth], ["a at 60000", null]);
});
