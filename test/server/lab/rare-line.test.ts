import assert from "node:assert/strict";
import { test } from "node:test";
import { RareLine } from "../../../server/lab/rare-line.ts";

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
