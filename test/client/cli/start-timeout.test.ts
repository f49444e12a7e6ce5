import assert from "node:assert/strict";
import { test } from "node:test";
import { ran } from "./run-command.ts";

test("a start timeout of more than a week, or a proof of more than a day, asks the server nothing", async () => {
  for (const [option, limit] of [
    ["--start-timeout", 604_800],
    ["--prove-boot", 86_400],
  ] as const) {
    const words = ["restore", "win11", "--room", "lab-1", option];
    for (const bad of [String(limit + 1), "-1", "soon", "Infinity"]) {
      const { asked, error } = await ran([...words, bad]);
      assert.match(error?.message ?? "", new RegExp(`a number of seconds from 0 to ${limit}`));
      assert.deepEqual(asked, []);
    }
    assert.notDeepEqual((await ran([...words, String(limit)])).asked, []);
  }
});
